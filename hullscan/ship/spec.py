"""The ship and her berth as the mission file states them."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Annotated

from annotated_types import Ge, Le, Len

from hullscan.geometry.frames import GeoOrigin, ShipPose
from hullscan.ship.fittings import Fitting
from hullscan.ship.form import Form
from hullscan.ship.frames import FrameAt, FrameSpacing
from hullscan.ship.marks import DraughtMark
from hullscan.ship.surface import Side
from hullscan.units import HeadingDeg, LatitudeDeg, LongitudeDeg, NonNegative, Positive

__all__ = ["Berth", "Frames", "Launch", "Ship"]


Frames = FrameSpacing | tuple[FrameAt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship:
    """The ship: name, form, fittings that are known.

    Attributes:
        frames: numbers of her frames, as a table or a spacing rule.
        draught_marks: where her draught marks are.
    """

    name: Annotated[str, Len(1, 80)]
    imo: Annotated[int, Ge(1000000), Le(9999999)] | None = None
    form: Form
    fittings: tuple[Fitting, ...] = ()
    frames: Frames | None = None
    draught_marks: tuple[DraughtMark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """Where she lies: latitude and longitude of her aft perpendicular, heading true; ``port`` by name, for people."""

    port: Annotated[str, Len(0, 80)] = ""
    lat_deg: LatitudeDeg
    lon_deg: LongitudeDeg
    heading_deg: HeadingDeg
    quay_side: Side | None = None
    quay_gap_m: NonNegative = 1.5
    water_depth_m: Positive

    @property
    def place(self) -> str:
        """The port by name, or its position to two decimals."""
        return self.port or f"{self.lat_deg:.2f}, {self.lon_deg:.2f}"

    @property
    def origin(self) -> GeoOrigin:
        """Origin of the berth's local frame: the aft perpendicular."""
        return GeoOrigin(self.lat_deg, self.lon_deg)

    @property
    def ship_pose(self) -> ShipPose:
        """The ship's stated pose in the berth's local frame."""
        return ShipPose(0.0, 0.0, radians(self.heading_deg))


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Where the vehicle enters the water, in the ship's coordinates.

    Attributes:
        distance_m: from the ship's side, outward.
    """

    side: Side
    station_m: float
    distance_m: Annotated[float, Ge(1), Le(100)] = 4.0
