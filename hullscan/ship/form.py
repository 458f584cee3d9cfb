"""Ship forms as the mission file states them: parametric, by an offset table, or by a mesh.

A parametric form is built from a few principal dimensions; what is built is an approximation that is honest about
being one. Draughts are those at the perpendiculars as she floats, on the centre line; a list turns her about the
waterline's centre line. Where she floats away from the draught that she is drawn for (a ship in ballast, with her
bulb half out of the water), ``design_draught_m`` says what that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len

from hullscan.documents import OneOf
from hullscan.ship.files import named_file
from hullscan.ship.surface import HullSurface

__all__ = [
    "Barge",
    "BulkCarrier",
    "Coaster",
    "ContainerShip",
    "FishingVessel",
    "Form",
    "MeshForm",
    "OffsetForm",
    "RoRo",
    "Tanker",
    "Wigley",
    "build_hull",
    "form_kind",
    "stated_file",
]

Draught = Annotated[float, Gt(0.5), Le(30)]
SmallDraught = Annotated[float, Gt(0.3), Le(12)]
MouldedDepth = Annotated[float, Gt(0.5), Le(50)]
Radius = Annotated[float, Gt(0), Le(5)]
ListDeg = Annotated[float, Ge(-15), Le(15)]
"""Positive with the starboard side down."""
Axis = Literal["x", "-x", "y", "-y", "z", "-z"]
FileName = Annotated[str, Len(1, 500)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkCarrier:
    """Parallel midbody, circular bilge, flat bottom, raked and flared bow, stern narrowing to a skeg.

    Attributes:
        length_m: between perpendiculars.
        draught_fwd_m: at the fore perpendicular, as she floats.
        draught_aft_m: at the aft perpendicular.
        depth_m: keel to deck at the side; by default 1.35 times the mean draught.
        bilge_radius_m: by default 0.14 times the beam, at most 0.45 times the draught.
        list_deg: positive with the starboard side down.
    """

    type: Literal["bulk_carrier"] = "bulk_carrier"
    length_m: Annotated[float, Ge(10), Le(450)]
    beam_m: Annotated[float, Ge(3), Le(80)]
    draught_fwd_m: Draught
    draught_aft_m: Draught
    depth_m: MouldedDepth | None = None
    bilge_radius_m: Radius | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tanker:
    """Fuller than a bulk carrier, long parallel midbody, blunt bow; a short bulb when asked for.

    Attributes:
        depth_m: by default 1.4 times the design draught.
        bilge_radius_m: by default 0.05 times the beam.
        design_draught_m: that she is drawn for; by default as she floats.
    """

    type: Literal["tanker"]
    length_m: Annotated[float, Ge(30), Le(450)]
    beam_m: Annotated[float, Ge(5), Le(80)]
    draught_fwd_m: Draught
    draught_aft_m: Draught
    design_draught_m: Draught | None = None
    depth_m: MouldedDepth | None = None
    bilge_radius_m: Radius | None = None
    bulb: bool = False
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerShip:
    """Fine ends, flared bow, wide transom above a hollow run, bulb.

    Attributes:
        depth_m: by default 1.7 times the design draught.
        bulb_length_m: ahead of the forward perpendicular; by default 0.024 times the length.
        bulb_height_m: of its top above the keel; by default 0.78 times the design draught.
        bulb_breadth_m: at the forward perpendicular; by default 0.16 times the beam.
    """

    type: Literal["container_ship"]
    length_m: Annotated[float, Ge(60), Le(450)]
    beam_m: Annotated[float, Ge(10), Le(80)]
    draught_fwd_m: Draught
    draught_aft_m: Draught
    design_draught_m: Draught | None = None
    depth_m: MouldedDepth | None = None
    bilge_radius_m: Radius | None = None
    bulb: bool = True
    bulb_length_m: Annotated[float, Ge(0.5), Le(20)] | None = None
    bulb_height_m: Annotated[float, Ge(0.5), Le(25)] | None = None
    bulb_breadth_m: Annotated[float, Ge(0.5), Le(20)] | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoRo:
    """Fine and beamy, deep sides, wide transom, bulb.

    Attributes:
        depth_m: by default 2.2 times the design draught.
    """

    type: Literal["ro_ro"]
    length_m: Annotated[float, Ge(40), Le(300)]
    beam_m: Annotated[float, Ge(8), Le(50)]
    draught_fwd_m: Annotated[float, Gt(0.5), Le(15)]
    draught_aft_m: Annotated[float, Gt(0.5), Le(15)]
    design_draught_m: Annotated[float, Gt(0.5), Le(15)] | None = None
    depth_m: MouldedDepth | None = None
    bilge_radius_m: Radius | None = None
    bulb: bool = True
    bulb_length_m: Annotated[float, Ge(0.5), Le(20)] | None = None
    bulb_height_m: Annotated[float, Ge(0.5), Le(14)] | None = None
    bulb_breadth_m: Annotated[float, Ge(0.5), Le(20)] | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coaster:
    """A small general cargo ship: box-like midbody, short full ends.

    Attributes:
        depth_m: by default 1.4 times the design draught.
    """

    type: Literal["coaster"]
    length_m: Annotated[float, Ge(20), Le(140)]
    beam_m: Annotated[float, Ge(4), Le(25)]
    draught_fwd_m: SmallDraught
    draught_aft_m: SmallDraught
    design_draught_m: SmallDraught | None = None
    depth_m: MouldedDepth | None = None
    bilge_radius_m: Radius | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FishingVessel:
    """Rounded sections without a flat bottom, raked stem, long hollow run to a skeg.

    Attributes:
        depth_m: by default 1.5 times the design draught.
    """

    type: Literal["fishing_vessel"]
    length_m: Annotated[float, Ge(8), Le(120)]
    beam_m: Annotated[float, Ge(2.5), Le(22)]
    draught_fwd_m: SmallDraught
    draught_aft_m: SmallDraught
    design_draught_m: SmallDraught | None = None
    depth_m: MouldedDepth | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Barge:
    """A box with raked ends, closed by plates across; without rakes a plain box.

    Attributes:
        depth_m: by default 1.4 times the greater draught.
        bow_rake_m, stern_rake_m: length over which the bottom rises to the ends; by default 0.08 and 0.05 of the
            length.
        bilge_radius_m: by default a tenth of the depth.
    """

    type: Literal["barge"]
    length_m: Annotated[float, Ge(8), Le(200)]
    beam_m: Annotated[float, Ge(3), Le(60)]
    draught_fwd_m: SmallDraught
    draught_aft_m: SmallDraught
    depth_m: MouldedDepth | None = None
    bow_rake_m: Annotated[float, Ge(0), Le(40)] | None = None
    stern_rake_m: Annotated[float, Ge(0), Le(40)] | None = None
    bilge_radius_m: Annotated[float, Ge(0), Le(5)] | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wigley:
    """The mathematical hull y = B/2 (1 - (2x/L - 1)^2) (1 - (z/T)^2): known exactly, so good for checks."""

    type: Literal["wigley"]
    length_m: Annotated[float, Ge(2), Le(450)]
    beam_m: Annotated[float, Ge(0.2), Le(80)]
    draught_fwd_m: Annotated[float, Gt(0.1), Le(30)]
    draught_aft_m: Annotated[float, Gt(0.1), Le(30)]
    depth_m: Annotated[float, Gt(0.1), Le(50)] | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetForm:
    """Half-breadths in a file, CSV or JSON; formats in ``hullscan.ship.offsets``.

    Attributes:
        offsets: the file, relative to the mission file.
        draught_fwd_m, draught_aft_m: as she floats; the file's design draught when not given.
        length_m: between perpendiculars; the file's when not given.
    """

    offsets: FileName
    draught_fwd_m: Draught | None = None
    draught_aft_m: Draught | None = None
    length_m: Annotated[float, Ge(5), Le(500)] | None = None
    list_deg: ListDeg = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshForm:
    """A triangle mesh: STL, OBJ or PLY, also compressed with gzip.

    Attributes:
        mesh: the file, relative to the mission file.
        scale: metres for each unit of the file.
        axes: which axes of the file point forward, to starboard and down.
        waterline_m: of the waterline above the lowest point of the hull, in metres after scaling; she floats level.
        draught_fwd_m, draught_aft_m: instead of ``waterline_m``, for a ship that is trimmed.
        length_m: between perpendiculars; the length of the waterline when not given.
        aft_perpendicular_m: along the forward axis of the file, in metres after scaling; the aft end of the
            waterline when not given.
    """

    mesh: FileName
    scale: Annotated[float, Gt(0), Le(1e5)] = 1.0
    axes: tuple[Axis, Axis, Axis] = ("x", "-y", "-z")
    waterline_m: Annotated[float, Gt(0), Le(30)] | None = None
    draught_fwd_m: Annotated[float, Gt(0), Le(30)] | None = None
    draught_aft_m: Annotated[float, Gt(0), Le(30)] | None = None
    length_m: Annotated[float, Gt(0), Le(500)] | None = None
    aft_perpendicular_m: Annotated[float, Ge(-1000), Le(1000)] | None = None
    list_deg: ListDeg = 0.0


_KINDS: dict[str, type[Any]] = {
    "bulk_carrier": BulkCarrier,
    "tanker": Tanker,
    "container_ship": ContainerShip,
    "ro_ro": RoRo,
    "coaster": Coaster,
    "fishing_vessel": FishingVessel,
    "barge": Barge,
    "wigley": Wigley,
    "offsets": OffsetForm,
    "mesh": MeshForm,
}


def _kind_of(given: Any) -> str:
    """Which form a mapping states."""
    if not isinstance(given, dict):
        return form_kind(given)
    for key in ("offsets", "mesh"):
        if key in given and "type" not in given:
            return key
    return str(given.get("type", "bulk_carrier"))


Form = Annotated[
    BulkCarrier | Tanker | ContainerShip | RoRo | Coaster | FishingVessel | Barge | Wigley | OffsetForm | MeshForm,
    OneOf(_KINDS, _kind_of, "type"),
]


def form_kind(form: Any) -> str:
    """Name of a form's class: its type, ``offsets`` or ``mesh``."""
    return next((name for name, kind in _KINDS.items() if isinstance(form, kind)), "")


def stated_file(form: Form, folder: Path) -> Path | None:
    """The file that a form is read from, None for a parametric one.

    Raises:
        InputError: there is no such file.
    """
    name = form.offsets if isinstance(form, OffsetForm) else form.mesh if isinstance(form, MeshForm) else None
    return None if name is None else named_file(name, folder)


def build_hull(form: Form, folder: Path | None = None, *, station_step_m: float | None = None) -> HullSurface:
    """The hull surface of a form, floating at its draughts.

    Args:
        form: what the mission file states.
        folder: of the mission file; files named in the form are relative to it.
        station_step_m: distance of sections in the midbody; by default 1/240 of the length, 0.2 to 0.8 m.

    Raises:
        InputError: the dimensions contradict each other, or a file cannot be used.
    """
    if isinstance(form, OffsetForm):
        from hullscan.ship.offsets import offsets_hull

        return offsets_hull(form, folder or Path())
    if isinstance(form, MeshForm):
        from hullscan.ship.mesh_hull import mesh_hull

        return mesh_hull(form, folder or Path())
    from hullscan.ship.parametric import parametric_hull

    return parametric_hull(form, station_step_m)
