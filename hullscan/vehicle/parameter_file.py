"""Parameter files: the three dialects that people have on their disks, and the one that hullscan writes.

==================  =========================================================================
dialect             a line
==================  =========================================================================
MAVProxy            ``NAME value``, white space between
Mission Planner     ``NAME,value``
QGroundControl      vehicle id, component id, ``NAME``, value, MAV_PARAM_TYPE; tabs between
==================  =========================================================================

``#`` begins a comment everywhere; what stands behind a value is its reason. A reason that begins with
``or 23:`` names values that are as good as the one of the line. A file for a vehicle is taken whole or not at
all: every fault is told, as ``path:line: NAME: message``, and nothing is skipped.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hullscan.errors import Fault, InputError, MissionFileError
from hullscan.vehicle.parameters import ALIASES

__all__ = [
    "ParameterFile",
    "ParameterLine",
    "format_parameters",
    "load_parameters",
    "number_text",
    "parse_parameters",
    "same_value",
    "save_parameters",
]

_MAX_BYTES = 2_000_000  # 1,316 parameters are 22 kB
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,15}")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_ALSO = re.compile(r"or ((?:-?\d+(?:\.\d+)?)(?:(?:,| or) -?\d+(?:\.\d+)?)*): *(.*)")
_QGC_COLUMNS = 5
_AUTOPILOT = 1  # MAV_COMP_ID_AUTOPILOT1
_LARGEST = 3.4e38  # a parameter is a float32 on the wire


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterLine:
    """One parameter of a file.

    Attributes:
        accepts: values that are as good; the line's own among them.
        reason: what stands behind it, empty for most files.
    """

    name: str
    value: float
    line: int
    reason: str = ""
    accepts: tuple[float, ...] = ()

    @property
    def why(self) -> str:
        """The reason without the values that are as good; in the shipped files a message, see ``hullscan.words``."""
        also = _ALSO.fullmatch(self.reason)
        return also[2] if also else self.reason

    def is_met_by(self, value: float) -> bool:
        """Whether a vehicle that has this value needs no change."""
        return any(same_value(value, good) for good in (self.value, *self.accepts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterFile:
    """A whole file.

    Attributes:
        left_out: lines of QGroundControl for other components than the autopilot.
    """

    path: Path
    lines: tuple[ParameterLine, ...]
    left_out: int = 0

    @property
    def values(self) -> dict[str, float]:
        """By name."""
        return {line.name: line.value for line in self.lines}


def same_value(a: float, b: float) -> bool:
    """Whether two values are one and the same parameter: float32 on the wire, six digits in some files."""
    return math.isclose(a, b, rel_tol=2e-6, abs_tol=1e-6)


def load_parameters(path: Path) -> ParameterFile:
    """Read a parameter file of any of the three dialects.

    Raises:
        InputError: it cannot be read, or holds no parameter.
        MissionFileError: every fault, one a line.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("this is no parameter file, it is too large", where=str(path))
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read the parameter file: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("the parameter file is not text", where=str(path)) from None
    return parse_parameters(text, path)


def parse_parameters(text: str, path: Path) -> ParameterFile:
    """Read the text of a parameter file; see ``load_parameters``."""
    lines: list[ParameterLine] = []
    faults: list[Fault] = []
    first_at: dict[str, int] = {}
    systems: set[str] = set()
    left_out = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        content, _, comment = raw.partition("#")
        columns = [part for part in re.split(r"[,\s]+", content.strip()) if part]
        if not columns:
            continue
        if len(columns) == _QGC_COLUMNS and columns[0].isdigit() and columns[1].isdigit():
            if int(columns[1]) != _AUTOPILOT:
                left_out += 1
                continue
            systems.add(columns[0])
            columns = columns[2:4]
        made = _line(columns, comment.strip(), number)
        if isinstance(made, str):
            faults.append(Fault(str(path), number, columns[0][:16], made))
            continue
        before = next((first_at[name] for name in _group(made.name) if name in first_at), None)
        if before is not None:
            faults.append(Fault(str(path), number, made.name, f"given twice (first on line {before})"))
            continue
        first_at[made.name] = number
        lines.append(made)
    if len(systems) > 1:
        faults.append(Fault(str(path), 1, "", f"parameters of several vehicles: {', '.join(sorted(systems))}"))
    if faults:
        raise MissionFileError(faults)
    if not lines:
        raise InputError("the file holds no parameter", where=str(path), todo="give lines of NAME,value")
    return ParameterFile(path=path, lines=tuple(lines), left_out=left_out)


def _group(name: str) -> tuple[str, ...]:
    """A parameter's names in all vintages."""
    return next((group for group in ALIASES if name in group), (name,))


def _line(columns: list[str], reason: str, number: int) -> ParameterLine | str:
    """The parameter of a line, or what is wrong with it."""
    if len(columns) != 2:
        return f"expected NAME,value or NAME value or a QGroundControl row, got {len(columns)} columns"
    name, text = columns
    if not _NAME.fullmatch(name):
        return "is not a parameter's name"
    if not _NUMBER.fullmatch(text):
        return f"value {text[:20]!r} is not a number"
    value = float(text)
    if not abs(value) <= _LARGEST:
        return f"value {text[:20]} does not fit into a float32"
    also = _ALSO.fullmatch(reason)
    accepts = tuple(float(part) for part in re.split(r",| or ", also[1])) if also else ()
    return ParameterLine(name=name, value=value, line=number, reason=reason, accepts=accepts)


def number_text(value: float) -> str:
    """The shortest text that is this float32 again: "3", "0.02", "1e-05"."""
    packed = struct.pack("<f", value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == packed:
            return f"{value:.0f}" if float(text).is_integer() and abs(value) < 1e9 else text
    return repr(value)


def format_parameters(
    values: Mapping[str, float], *, heading: Iterable[str] = (), reasons: Mapping[str, str] | None = None
) -> str:
    """A ``.param`` file, ``NAME,value  # reason``: Mission Planner, MAVProxy and hullscan read it."""
    reasons = reasons or {}
    lines = [f"# {line}" for line in heading]
    for name, value in values.items():
        reason = reasons.get(name, "")
        lines.append(f"{name},{number_text(value)}" + (f"  # {reason}" if reason else ""))
    return "\n".join(lines) + "\n"


def save_parameters(path: Path, values: Mapping[str, float], *, heading: Iterable[str] = ()) -> None:
    """Write a ``.param`` file; never over one that is there.

    Raises:
        InputError: the file exists or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(format_parameters(values, heading=heading))
    except FileExistsError:
        raise InputError("this file exists already", where=str(path), todo="choose another name") from None
    except OSError as error:
        raise InputError(f"cannot write the parameters: {error.strerror}", where=str(path)) from None
