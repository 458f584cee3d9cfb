"""Forms from files: meshes and offset tables, what is repaired and told, what is refused, the way to a mission."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hullscan.cli import app
from hullscan.errors import HullscanError, InputError, MissionFileError
from hullscan.geometry.camera import Camera
from hullscan.mission.model import load_mission
from hullscan.record.folder import MissionFolder
from hullscan.ship.form import MeshForm, OffsetForm, build_hull
from hullscan.ship.mesh_file import read_mesh
from hullscan.ship.surface import HullSurface
from hullscan_sim.camera.pages import SinglePages
from hullscan_sim.camera.renderer import Renderer
from hullscan_sim.camera.scene import HULL
from hullscan_sim.camera.ship_scene import build_scene
from hullscan_sim.camera.water import WaterOptics, rov_lamps
from hullscan_sim.contact import HullDistance
from hullscan_sim.scenario import Scenario, Water, load_ship
from hullscan_sim.viewpoint import looking_at

ROOT = Path(__file__).parents[1]
HULLS = ROOT.parent / "shared" / "data" / "hulls"
DEMO = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")
DEMO_FORM = "{type: bulk_carrier, length_m: 52, beam_m: 10.5, draught_fwd_m: 4.6, draught_aft_m: 4.8}"
needs_data = pytest.mark.skipif(not HULLS.is_dir(), reason="the hulls of shared/data are not here")

Triangles = np.ndarray[Any, np.dtype[np.float64]]


def patch(corner: Any, one: Any, other: Any, count: int = 16) -> Triangles:
    """(n, 3, 3) triangles of a plane patch; outward is one x other."""
    u = np.linspace(0, 1, count + 1)
    a, b = np.meshgrid(u, u, indexing="ij")
    grid = np.array(corner) + a[..., None] * np.array(one) + b[..., None] * np.array(other)
    p, q, r, s = grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]
    return np.concatenate([np.stack([p, q, r], -2).reshape(-1, 3, 3), np.stack([p, r, s], -2).reshape(-1, 3, 3)])


def box(length: float = 40, beam: float = 8, depth: float = 5, at: tuple[float, float, float] = (0, 0, 0)) -> Triangles:
    """A closed box: x forward, y port, z up, its keel at zero."""
    x, y, z = [length, 0, 0], [0, beam, 0], [0, 0, depth]
    low, high = np.array([0, -beam / 2, 0]), np.array([length, beam / 2, depth])
    faces = [patch(low, y, x), patch(low, x, z), patch(low, z, y)]
    faces += [patch(high, -np.array(x), -np.array(y)), patch(high, -np.array(z), -np.array(x))]
    faces += [patch(high, -np.array(y), -np.array(z))]
    return np.concatenate(faces) + np.array(at)


def stl(path: Path, triangles: Triangles) -> Path:
    record = np.zeros(
        len(triangles), np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    )
    record["corners"] = triangles
    path.write_bytes(b"a box".ljust(80) + struct.pack("<I", len(triangles)) + record.tobytes())
    return path


def notes(hull: HullSurface) -> str:
    return "\n".join(message.format(**data) for message, data in hull.notes)


def hull_from(path: Path, **more: Any) -> HullSurface:
    return build_hull(MeshForm(mesh=path.name, **{"waterline_m": 3.0, **more}), path.parent)


# ---------------------------------------------------------------- meshes


def test_a_box_of_triangles_is_a_box(tmp_path: Path) -> None:
    hull = hull_from(stl(tmp_path / "box.stl", box()))
    assert hull.volume_m3 == pytest.approx(40 * 8 * 3, rel=2e-3)
    assert hull.wetted_area_m2 == pytest.approx(40 * 14 + 2 * 8 * 3, rel=2e-3)
    assert hull.flat_ends == (True, True)
    assert "turned" not in notes(hull)
    met = hull.cast(np.array([[20.0, 9.0, 1.0], [20.0, 0.0, 8.0]]), np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]))
    assert met.distance_m == pytest.approx([5.0, 5.0], abs=1e-4)
    assert met.normals == pytest.approx(np.array([[0, 1, 0], [0, 0, 1]]), abs=1e-6)


DAMAGE: list[Any] = [
    pytest.param(lambda t: np.concatenate([t, t[:80]]), "80 doubled triangles", id="triangles given twice"),
    pytest.param(
        lambda t: np.where(np.arange(len(t))[:, None, None] % 3 == 0, t[:, ::-1], t),
        "inward",
        id="normals that disagree",
    ),
    pytest.param(lambda t: t[:, ::-1], f"{len(box())} triangles had their normals inward", id="a hull inside out"),
    pytest.param(
        lambda t: np.delete(t, 20, axis=0),
        "1 holes below the waterline closed",
        id="a triangle that is missing in the bottom",
    ),
    pytest.param(
        lambda t: np.concatenate([t, np.repeat(t[:3, :1], 3, axis=1)]), "3 empty triangles", id="triangles without area"
    ),
    pytest.param(
        lambda t: np.concatenate([t, box(1, 0.5, 0.5, (5, 7, 6))]), "1 loose parts", id="a loose part beside the ship"
    ),
    pytest.param(lambda t: np.concatenate([t, box(30, 6, 3, (5, 0, 1))]), "1 inner parts", id="a tank inside the ship"),
    pytest.param(
        lambda t: np.concatenate([t, box(1, 0.5, 0.5, (5, 7, 6)), t[:80]]),
        "80 doubled triangles",
        id="doubled triangles and loose parts together",
    ),
    pytest.param(lambda t: t[t[:, :, 1].max(axis=1) <= 1e-9], "holds one side", id="half a ship"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGE)
def test_damage_is_repaired_counted_and_told(damage: Any, told: str, tmp_path: Path) -> None:
    hull = hull_from(stl(tmp_path / "box.stl", damage(box())))
    assert told in notes(hull)
    assert hull.volume_m3 == pytest.approx(40 * 8 * 3, rel=5e-3)
    assert (hull.vertex_normals[:, 1] * np.sign(hull.vertices_m[:, 1]) > -0.01).all()


def test_eighty_edges_that_join_more_than_two_triangles_are_mended_and_told(tmp_path: Path) -> None:
    side = box()
    edges = side[:80, [0, 1]]
    fins = np.concatenate([edges, edges.mean(axis=1, keepdims=True) + np.array([0, 0, 0.05])], axis=1)
    hull = hull_from(stl(tmp_path / "fins.stl", np.concatenate([side, fins])))
    assert "80 triangles that hang on by one edge" in notes(hull)
    assert hull.volume_m3 == pytest.approx(40 * 8 * 3, rel=2e-2)


def test_axes_and_scale_bring_any_mesh_into_place(tmp_path: Path) -> None:
    forward_z = box()[:, :, [1, 2, 0]] * 1000  # port, up, forward: z forward, y up, x port; millimetres
    path = stl(tmp_path / "turned.stl", forward_z)
    hull = hull_from(path, scale=0.001, axes=("z", "-x", "-y"))
    assert hull.dimensions.length_m == pytest.approx(40, abs=1e-3)
    assert hull.dimensions.beam_m == pytest.approx(8, abs=1e-3)
    assert hull.volume_m3 == pytest.approx(40 * 8 * 3, rel=2e-3)
    assert "turned" not in notes(hull)


REFUSED: list[Any] = [
    pytest.param(b"", "not an STL file", {}, id="an empty file"),
    pytest.param(b"\x00" * 300, "not an STL file", {}, id="zeros"),
    pytest.param(
        b"solid a\n facet normal 0 0 1\n outer loop\n vertex 0 0 x\n", "box.stl:4", {}, id="a word for a number in text"
    ),
    pytest.param(b"solid a\nendsolid a\n", "not an STL file", {}, id="a solid without facets"),
    pytest.param(box() * np.nan, "not finite", {}, id="corners that are no numbers"),
    pytest.param(box() * [1, 0, 1], "no extent", {}, id="a ship without breadth"),
    pytest.param(box() * 0, "no extent", {}, id="a ship of no size"),
    pytest.param(box(), "under water", {"waterline_m": 5.5}, id="a draught over the depth"),
    pytest.param(box(), "once each", {"axes": ("x", "x", "-z")}, id="axes that name one twice"),
    pytest.param(box(), "m long", {"scale": 1000.0}, id="a ship of forty kilometres"),
    pytest.param(box(), "needs waterline_m", {"waterline_m": None}, id="no waterline"),
    pytest.param(box()[box()[:, :, 2].min(axis=1) > 0.01], "hole", {}, id="a ship without a bottom"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message", "more"), REFUSED)
def test_what_is_no_hull_is_refused_with_the_reason(
    content: Any, message: str, more: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "box.stl"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        stl(path, content)
    with pytest.raises(InputError, match=message) as refused:
        hull_from(path, **more)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_or_no_mesh_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.stl"):
        hull_from(tmp_path / "nothing.stl")
    (tmp_path / "ship.step").write_text("x")
    with pytest.raises(InputError, match="no mesh that can be read"):
        hull_from(tmp_path / "ship.step")
    (tmp_path / "ship.stl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="gzip"):
        hull_from(tmp_path / "ship.stl.gz")


def corners_and_faces() -> tuple[np.ndarray, np.ndarray]:
    triangles = box()
    corners, faces = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    return corners, faces.reshape(-1, 3)


def obj_text() -> bytes:
    corners, faces = corners_and_faces()
    lines = [f"v {x} {y} {z}" for x, y, z in corners.tolist()]
    return "\n".join([*lines, *(f"f {a + 1}/1 {b + 1}//2 {c + 1}" for a, b, c in faces.tolist())]).encode()


def ply_header(form: str) -> str:
    corners, faces = corners_and_faces()
    axes = "".join(f"property double {axis}\n" for axis in "xyz")
    head = f"ply\nformat {form} 1.0\nelement vertex {len(corners)}\n{axes}"
    return head + f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"


def ply_text() -> bytes:
    corners, faces = corners_and_faces()
    lines = [f"{x} {y} {z}" for x, y, z in corners.tolist()] + [f"3 {a} {b} {c}" for a, b, c in faces.tolist()]
    return (ply_header("ascii") + "\n".join(lines) + "\n").encode()


def ply_binary(order: str) -> bytes:
    corners, faces = corners_and_faces()
    record = np.zeros(len(faces), np.dtype([("count", "u1"), ("corners", order + "i4", 3)]))
    record["count"], record["corners"] = 3, faces
    name = "binary_little_endian" if order == "<" else "binary_big_endian"
    return ply_header(name).encode() + corners.astype(order + "f8").tobytes() + record.tobytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("box.obj", obj_text(), id="Wavefront OBJ"),
        pytest.param("box.ply", ply_text(), id="PLY as text"),
        pytest.param("box.ply", ply_binary("<"), id="PLY little-endian"),
        pytest.param("box.ply", ply_binary(">"), id="PLY big-endian"),
    ],
)
def test_every_kind_of_file_gives_the_same_triangles(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    soup = read_mesh(tmp_path / name)
    assert len(soup.faces) == len(box())
    assert soup.vertices.min(axis=0) == pytest.approx([0, -4, 0])
    assert soup.vertices.max(axis=0) == pytest.approx([40, 4, 5])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from([("m.obj", obj_text()), ("m.ply", ply_text()), ("m.ply", ply_binary("<")), ("m.stl", b"")]),
    cut=st.floats(0, 1), put=st.binary(max_size=12), at=st.floats(0, 1),
)  # fmt: skip
def test_no_bytes_crash_the_mesh_reader(
    kind: tuple[str, bytes], cut: float, put: bytes, at: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name, content = kind
    path = tmp_path_factory.mktemp("mesh") / name
    content = content[: int(cut * len(content))]
    place = int(at * len(content))
    path.write_bytes(content[:place] + put + content[place + len(put) :])
    try:
        soup = read_mesh(path)
    except HullscanError:
        return
    assert np.isfinite(soup.vertices[soup.faces]).all()


@needs_data
@pytest.mark.slow
def test_the_duisburg_test_case_has_its_published_volume_and_area() -> None:
    hull = build_hull(MeshForm(mesh="DTC-scaled.stl.gz", waterline_m=0.244, aft_perpendicular_m=0.0), HULLS)
    # el Moctar, Shigunov & Zorn, Ship Technology Research 59(3) 2012
    assert hull.volume_m3 == pytest.approx(0.827, rel=0.01)
    assert hull.wetted_area_m2 == pytest.approx(6.243, rel=0.01)
    assert hull.stations_m[-1] > hull.dimensions.length_m


@needs_data
@pytest.mark.slow
def test_the_duisburg_test_case_at_full_scale_keeps_points_within_a_centimetre() -> None:
    hull = build_hull(MeshForm(mesh="DTC-scaled.stl.gz", scale=59.407, waterline_m=14.5), HULLS)
    mesh = hull._ray_mesh
    corners = mesh.vertices_m[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area = np.where(corners[:, :, 2].max(axis=1) > 0, area, 0)
    rng = np.random.default_rng(5)
    face = rng.choice(len(area), 30000, p=area / area.sum())
    points = (corners[face] * rng.dirichlet((1, 1, 1), 30000)[:, :, None]).sum(axis=1)
    points = points[points[:, 2] > 0]
    found = hull.locate(points)
    back = hull.point(found.side, found.station_m, found.girth_m)
    assert (np.linalg.norm(back - points, axis=1) < 0.01).mean() > 0.999


@needs_data
@pytest.mark.slow
def test_the_fpso_is_read() -> None:
    hull = build_hull(MeshForm(mesh="FPSO.stl", waterline_m=20), HULLS)
    assert hull.dimensions.beam_m == pytest.approx(54)
    assert hull.volume_m3 / (316 * 54 * 20) > 0.9


# ---------------------------------------------------------------- offset tables

CSV = """# length_m: 40
# draught_m: 3
height,0,1,2,3,5
0,2,2,2,2,2
10,4,4,,4,4
30,4,4,4,4,4
40,2,2,2,2,
"""


def table(tmp_path: Path, text: str, name: str = "table.csv", **more: Any) -> HullSurface:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return build_hull(OffsetForm(offsets=name, **more), tmp_path)


def test_a_table_in_csv_is_straight_between_its_points_and_tells_its_holes(tmp_path: Path) -> None:
    hull = table(tmp_path, CSV)
    assert hull.volume_m3 == pytest.approx(3 * 2 * (3 * 10 + 4 * 20 + 3 * 10), rel=2e-3)
    assert "2 cells" in notes(hull)
    assert "1 above the plating, 0 below it, 1 holes" in notes(hull)
    assert hull.dimensions.draught_m == 3


def test_a_table_in_json_is_the_same_ship(tmp_path: Path) -> None:
    rows = [[2, 2, 2, 2, 2], [4, 4, None, 4, 4], [4, 4, 4, 4, 4], [2, 2, 2, 2, None]]
    data = {
        "schema": "hullscan.offsets/1", "length_m": 40, "draught_m": 3, "stations_m": [0, 10, 30, 40],
        "heights_m": [0, 1, 2, 3, 5], "half_breadths_m": rows,
    }  # fmt: skip
    one, other = table(tmp_path, json.dumps(data), "table.json"), table(tmp_path, CSV)
    assert one.grid_m == pytest.approx(other.grid_m)
    assert one.notes == other.notes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("10,4,4,,4,4", "10,4,x,,4,4", "table.csv:5", id="a word for a number"),
        pytest.param("10,4,4,,4,4", "10,4,4,4,4", "table.csv:5", id="a cell too few"),
        pytest.param("10,4,4,,4,4", "10,4,nan,,4,4", "table.csv:5", id="not a number"),
        pytest.param("10,4,4,,4,4", "50,4,4,,4,4", "stations do not increase", id="stations out of order"),
        pytest.param("30,4,4", "30,-4,4", "negative", id="a breadth below zero"),
        pytest.param("height,0,1,2,3,5", "height,0,1,2,3,2", "heights do not increase", id="heights out of order"),
        pytest.param("draught_m: 3", "draught_m: 6", "beyond the table", id="a draught over the table"),
        pytest.param("# draught_m: 3\n", "", "draught_fwd_m and draught_aft_m are needed", id="no draught"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        table(tmp_path, CSV.replace(old, new))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(text=st.one_of(st.text(max_size=200), st.from_regex(r"\{[\"a-z:0-9, \[\]]{0,60}\}", fullmatch=True)))
def test_no_text_crashes_the_table_reader(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(HullscanError):
        table(tmp_path_factory.mktemp("table"), text)


@needs_data
def test_the_gunnerus_is_read_and_what_her_table_lacks_is_told() -> None:
    hull = build_hull(OffsetForm(offsets="gunnerus.json"), HULLS)
    assert "260 cells" in notes(hull)
    assert "0 holes" in notes(hull)
    # straight between the points that are given; the file's own Cb of 0.626 does not fit its table, which is told
    assert hull.volume_m3 == pytest.approx(485, rel=0.01)
    assert "block coefficient of 0.626" in notes(hull)
    assert hull.dimensions.beam_m == pytest.approx(9.6, abs=0.02)


# ---------------------------------------------------------------- missions


def mission_with(folder: Path, form: str, more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = DEMO.replace(DEMO_FORM, form + more)
    text = text.replace("stations_m: [31, 43], depths_m: [0.4, 4.1]", "stations_m: [15, 25], depths_m: [0.4, 2.0]")
    text = text.replace("station_m: 44", "station_m: 26")
    text = "\n".join(line for line in text.splitlines() if "- {kind:" not in line and "fittings:" not in line)
    (folder / "mission.yaml").write_text(text, encoding="utf-8")
    return folder / "mission.yaml"


def test_a_mesh_is_named_relative_to_the_mission_and_kept_with_its_record(tmp_path: Path) -> None:
    (tmp_path / "ships").mkdir()
    stl(tmp_path / "ships" / "box.stl", box())
    path = mission_with(tmp_path / "missions", "{mesh: ../ships/box.stl, waterline_m: 3}")
    mission = load_mission(path)
    assert mission.hull.volume_m3 == pytest.approx(960, rel=2e-3)
    folder = MissionFolder.create(tmp_path / "flown", "box", 0.0, least_free_bytes=0)
    folder.keep_mission(mission.source, mission.named_files)
    (tmp_path / "ships" / "box.stl").unlink()
    again = load_mission(folder.mission_file)
    assert again.hull.grid_m == pytest.approx(mission.hull.grid_m)
    folder.keep_mission(again.source, again.named_files)
    with pytest.raises(InputError, match=r"box\.stl.*relative to the mission file"):
        load_mission(path)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        pytest.param("{type: tankr, length_m: 100}", "did you mean tanker", id="a misspelt type"),
        pytest.param(
            "{type: tanker, length_m: 100, beam_m: 16, draught_fwd_m: 6, draught_aft_m: 6, blub: true}",
            "did you mean bulb",
            id="a misspelt key of a tanker",
        ),
        pytest.param("{mesh: a.stl, waterline_m: -3}", "greater than 0", id="a waterline below the keel"),
        pytest.param("{mesh: a.stl, scal: 2}", "did you mean scale", id="a misspelt key of a mesh"),
        pytest.param("{offsets: a.csv, list_deg: 40}", "less than or equal to 15", id="a ship on her side"),
    ],
)
def test_a_form_that_is_wrong_is_told_once_with_its_line(form: str, message: str, tmp_path: Path) -> None:
    path = mission_with(tmp_path / "m", form)
    with pytest.raises(MissionFileError, match=message) as refused:
        load_mission(path)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "form:" in text)
    assert {fault.line for fault in refused.value.faults} == {line}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_ship_alone_is_shown_with_what_looks_wrong(lang: str, tmp_path: Path) -> None:
    stl(tmp_path / "box.stl", box()[:, ::-1])
    column = "{side: port, station_m: %d, read_m: 3.5}"
    more = f"\n  frames: {{spacing_m: 0.5}}\n  draught_marks: [{column % 2}, {column % 38}]"
    path = mission_with(tmp_path, "{mesh: box.stl, waterline_m: 3}", more)
    shown = CliRunner().invoke(app, ["plan", str(path), "--ship-only", "--lang", lang])
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    assert "960.1 m³" in text  # two end plates of 2.5 mm more than the box
    assert "80.0" in text  # frame at the forward perpendicular
    for words in {
        "en": ("block coefficient", "normals inward", "plates across", "her marks give", "is unusual"),
        "ko": ("방형 계수", "뒤집었습니다", "가로 판", "흘수표", "보통이 아닙니다"),
    }[lang]:
        assert words in text


# ---------------------------------------------------------------- simulator


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(
            "{type: container_ship, length_m: 90, beam_m: 15, draught_fwd_m: 5, draught_aft_m: 5.2}",
            id="a container ship",
        ),
        pytest.param("{mesh: box.stl, waterline_m: 3}", id="a mesh"),
    ],
)
def test_the_simulator_loads_and_draws(form: str, tmp_path: Path) -> None:
    stl(tmp_path / "box.stl", box())
    stated, hull = load_ship(mission_with(tmp_path, form), Scenario())
    scene, texture = build_scene(Scenario(), stated, hull)
    assert len(scene.solids) > 5
    eye = np.array([[20.0, hull.dimensions.beam_m / 2 + 1.5, 1.5]])
    assert HullDistance(hull).nearest(eye)[0][0] == pytest.approx(hull.nearest(eye)[1][0], abs=0.03)
    point, _, normal = hull.nearest(eye)
    optics = WaterOptics.from_water(Water(visibility_m=8, type="clear"))
    camera = Camera.from_hfov(160, 90, np.radians(80))
    drawn = Renderer(scene, SinglePages(texture), camera, rov_lamps(), optics, daylight=0.3).render(
        *looking_at(point[0], normal[0], 1.5)
    )
    assert (drawn.object >= HULL).mean() > 0.9
    assert drawn.linear.std() > 0
