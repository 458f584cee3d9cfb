"""Triangle meshes from files: STL (text and binary), Wavefront OBJ, Stanford PLY (text and binary), also gzipped.

Files come from anywhere, so every count and number is checked, and what is wrong is told with the file and, in text,
the line. Faces with more than three corners are cut into a fan.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.geometry.frames import Array

__all__ = ["Faces", "TriangleSoup", "read_mesh"]

Faces = npt.NDArray[np.int64]
_MAX_BYTES = 600_000_000  # of the file once unpacked: ten million triangles
_STL_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_VERTEX_LINE = re.compile(rb"^[ \t]*vertex[ \t]+(\S+)[ \t]+(\S+)[ \t]+(\S+)[ \t]*\r?$", re.MULTILINE)
_PLY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TriangleSoup:
    """Triangles as read.

    Attributes:
        vertices: (v, 3) in the units and axes of the file.
        faces: (f, 3) indices.
    """

    vertices: Array
    faces: Faces


def read_mesh(path: Path) -> TriangleSoup:
    """Read a mesh.

    Raises:
        InputError: it cannot be read, or is no mesh of these kinds, with file and line.
    """
    raw = _bytes_of(path)
    suffix = (
        path.suffixes[-2].lower() if path.suffix.lower() == ".gz" and len(path.suffixes) > 1 else path.suffix.lower()
    )
    readers = {".stl": _read_stl, ".obj": _read_obj, ".ply": _read_ply}
    if suffix not in readers:
        raise InputError(f"{path} is no mesh that can be read", todo="give an .stl, .obj or .ply file")
    soup = readers[suffix](path, raw)
    if not len(soup.faces):
        raise InputError(f"{path} holds no triangles")
    used = soup.vertices[soup.faces.ravel()]
    if not np.isfinite(used).all():
        bad = int((~np.isfinite(used).all(axis=1)).sum())
        raise InputError(f"{bad} corners are not finite numbers", where=_nan_line(path, raw), todo="export it again")
    return soup


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path} has more than {_MAX_BYTES} bytes")
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            raw = file.read(_MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is not a whole gzip file", todo="copy it again") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", todo="check the name and the rights") from error
    if len(raw) > _MAX_BYTES:
        raise InputError(f"{path} unpacks to more than {_MAX_BYTES} bytes")
    return raw


def _nan_line(path: Path, raw: bytes) -> str:
    found = re.search(rb"^[^\n]*\b(?:nan|inf)\b", raw, re.MULTILINE | re.IGNORECASE)
    return _at(path, raw, found.start()) if found and b"\0" not in raw[:2000] else str(path)


def _at(path: Path, raw: bytes, place: int) -> str:
    return f"{path}:{raw[:place].count(bytes([10])) + 1}"


# ---------------------------------------------------------------- STL


def _read_stl(path: Path, raw: bytes) -> TriangleSoup:
    count = int.from_bytes(raw[80:84], "little") if len(raw) >= 84 else -1
    if count >= 0 and len(raw) == 84 + count * _STL_RECORD.itemsize:
        corners = np.frombuffer(raw, _STL_RECORD, count, 84)["corners"].astype(np.float64)
    elif raw.lstrip()[:5].lower() == b"solid" and b"facet" in raw[:100_000]:
        corners = _stl_text(path, raw)
    else:
        expected = f"; {count} triangles would take {84 + 50 * count} bytes, it has {len(raw)}" if count >= 0 else ""
        raise InputError(f"{path} is not an STL file{expected}", todo="export it again, or copy it again")
    return TriangleSoup(corners.reshape(-1, 3), np.arange(len(corners) * 3, dtype=np.int64).reshape(-1, 3))


def _stl_text(path: Path, raw: bytes) -> Array:
    found = _VERTEX_LINE.findall(raw)
    named = len(re.findall(rb"^[ \t]*vertex\b", raw, re.MULTILINE))
    facets = len(re.findall(rb"^[ \t]*facet\b", raw, re.MULTILINE))
    if named == len(found) and named == 3 * facets:
        try:
            return np.array(found, dtype="S40").astype(np.float64).reshape(-1, 3, 3)
        except ValueError:
            pass
    raise InputError("not a facet of three corners with three numbers each", where=_bad_stl_line(path, raw))


def _bad_stl_line(path: Path, raw: bytes) -> str:
    """The first line that breaks the form; only looked for when something is known to be wrong."""
    corners = 0
    for number, line in enumerate(raw.splitlines(), start=1):
        words = line.split()
        if words[:1] == [b"vertex"]:
            corners += 1
            try:
                good = len([float(word) for word in words[1:]]) == 3
            except ValueError:
                good = False
            if not good:
                return f"{path}:{number}"
        elif words[:1] == [b"endfacet"]:
            if corners != 3:
                return f"{path}:{number}"
            corners = 0
    return f"{path}:{raw.count(bytes([10])) + 1}"


# ---------------------------------------------------------------- OBJ


def _read_obj(path: Path, raw: bytes) -> TriangleSoup:
    vertices: list[list[bytes]] = []
    polygons: list[list[bytes]] = []
    polygon_lines: list[int] = []
    for number, line in enumerate(raw.splitlines(), start=1):
        words = line.split()
        if words[:1] == [b"v"]:
            if len(words) < 4:
                raise InputError("a vertex needs three numbers", where=f"{path}:{number}")
            vertices.append(words[1:4])
        elif words[:1] == [b"f"]:
            if len(words) < 4:
                raise InputError("a face needs three corners", where=f"{path}:{number}")
            polygons.append([word.split(b"/")[0] for word in words[1:]])
            polygon_lines.append(number)
    points = _numbers(vertices, path, raw, rb"^[ \t]*v[ \t]")
    fan = [
        (p[0], p[i], p[i + 1], n) for p, n in zip(polygons, polygon_lines, strict=True) for i in range(1, len(p) - 1)
    ]
    try:
        corners = np.array([[int(word) for word in part[:3]] for part in fan], dtype=np.int64).reshape(-1, 3)
    except (ValueError, OverflowError):
        raise InputError("a face names a vertex that is no number", where=str(path)) from None
    lines = np.array([part[3] for part in fan], dtype=np.int64)
    faces = np.where(corners < 0, corners + len(points), corners - 1)
    return _checked(path, points, faces, lines)


def _numbers(words: list[list[bytes]], path: Path, raw: bytes, line_form: bytes) -> Array:
    try:
        return np.array([[float(word) for word in part] for part in words], dtype=np.float64).reshape(-1, 3)
    except ValueError:
        for match in re.finditer(line_form + rb"[^\n]*", raw, re.MULTILINE):
            try:
                [float(word) for word in match.group().split()[1:4]]
            except ValueError:
                raise InputError("a vertex is no number", where=_at(path, raw, match.start())) from None
        raise


def _checked(path: Path, points: Array, faces: Faces, lines: npt.NDArray[np.int64] | None = None) -> TriangleSoup:
    beyond = ((faces < 0) | (faces >= len(points))).any(axis=1) if len(faces) else np.zeros(0, dtype=bool)
    if beyond.any():
        first = int(np.argmax(beyond))
        where = str(path) if lines is None else f"{path}:{lines[first]}"
        raise InputError(f"a face names a vertex that is not there; there are {len(points)}", where=where)
    return TriangleSoup(points, faces)


# ---------------------------------------------------------------- PLY


@dataclass(slots=True)
class _Element:
    name: str
    count: int
    properties: list[tuple[str, str, str]]  # name, type, type of the count of a list or ""


def _read_ply(path: Path, raw: bytes) -> TriangleSoup:
    end = re.search(rb"^end_header[ \t]*\r?\n", raw, re.MULTILINE)
    if not raw.startswith(b"ply") or end is None:
        raise InputError(f"{path} is not a PLY file", todo="export it again")
    form, elements = _ply_header(path, raw[: end.end()])
    try:
        if form == "ascii":
            return _ply_text(path, raw, end.end(), elements)
        return _ply_binary(path, raw[end.end() :], elements, "<" if form == "binary_little_endian" else ">")
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(
            f"{path} is cut short or does not hold what its header says", todo="export it again"
        ) from error


def _ply_header(path: Path, header: bytes) -> tuple[str, list[_Element]]:
    form, elements = "", []
    for number, line in enumerate(header.decode("ascii", "replace").splitlines(), start=1):
        words = line.split()
        try:
            if words[:1] == ["format"]:
                form = words[1]
            elif words[:1] == ["element"]:
                elements.append(_Element(words[1], int(words[2]), []))
            elif words[:1] == ["property"] and words[1] == "list":
                elements[-1].properties.append((words[4], _PLY_TYPES[words[3]], _PLY_TYPES[words[2]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append((words[2], _PLY_TYPES[words[1]], ""))
        except (IndexError, KeyError, ValueError):
            raise InputError("not a line of a PLY header", where=f"{path}:{number}") from None
    if form not in ("ascii", "binary_little_endian", "binary_big_endian") or any(e.count < 0 for e in elements):
        raise InputError(f"{path} has a PLY header that cannot be used")
    return form, elements


def _ply_text(path: Path, raw: bytes, start: int, elements: list[_Element]) -> TriangleSoup:
    lines, at = raw[start:].splitlines(), 0
    first_line = raw[:start].count(b"\n") + 1
    points, faces, face_lines = np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), None
    for element in elements:
        part = lines[at : at + element.count]
        if len(part) < element.count:
            raise InputError(
                f"{element.count - len(part)} lines of {element.name} are missing",
                where=f"{path}:{first_line + len(lines)}",
            )
        names = [name for name, _, _ in element.properties]
        if element.name == "vertex":
            columns = [names.index(axis) for axis in "xyz"]
            rows = []
            for number, line in enumerate(part, start=first_line + at):
                words = line.split()
                try:
                    rows.append([float(words[column]) for column in columns])
                except (ValueError, IndexError):
                    raise InputError("a vertex needs three numbers", where=f"{path}:{number}") from None
            points = np.array(rows, dtype=np.float64).reshape(-1, 3)
        elif element.name == "face":
            fan, numbers = [], []
            for number, line in enumerate(part, start=first_line + at):
                words = line.split()
                try:
                    corners = [int(word) for word in words[1 : 1 + int(words[0])]]
                except (ValueError, IndexError):
                    raise InputError("a face is a count and that many numbers", where=f"{path}:{number}") from None
                fan += [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
                numbers += [number] * max(len(corners) - 2, 0)
            faces, face_lines = np.array(fan, dtype=np.int64).reshape(-1, 3), np.array(numbers, dtype=np.int64)
        at += element.count
    return _checked(path, points, faces, face_lines)


def _ply_binary(path: Path, body: bytes, elements: list[_Element], order: str) -> TriangleSoup:
    points, faces, at = np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), 0
    for element in elements:
        corners = 0
        fields = []
        for name, kind, count_kind in element.properties:
            if not count_kind:
                fields.append((name, order + kind))
                continue
            before = np.dtype(fields).itemsize if fields else 0
            if element.count:
                corners = int(np.frombuffer(body, order + count_kind, 1, at + before)[0])
            fields += [(f"count of {name}", order + count_kind), (name, order + kind, (corners,))]  # type: ignore[list-item]
        table = np.frombuffer(body, np.dtype(fields), element.count, at)
        at += table.nbytes
        if element.name == "vertex":
            points = np.column_stack([table[axis].astype(np.float64) for axis in "xyz"])
        elif element.name == "face":
            name = next(name for name, _, count_kind in element.properties if count_kind)
            if (table[f"count of {name}"] != corners).any() or corners < 3:
                raise InputError(f"{path} mixes faces of several sizes", todo="export it with triangles only")
            polygons = table[name].astype(np.int64)
            faces = np.concatenate([polygons[:, [0, i, i + 1]] for i in range(1, corners - 1)])
    return _checked(path, points, faces)
