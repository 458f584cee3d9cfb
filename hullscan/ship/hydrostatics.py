"""What a hull displaces, as a check of her form: a wrong draught or scale shows in her block coefficient first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.ship.surface import HullSurface

__all__ = ["USUAL_BLOCK", "Hydrostatics", "hydrostatics"]

USUAL_BLOCK: dict[str, tuple[float, float]] = {
    "bulk_carrier": (0.72, 0.88),
    "tanker": (0.76, 0.88),
    "container_ship": (0.52, 0.75),
    "ro_ro": (0.50, 0.72),
    "coaster": (0.62, 0.84),
    "fishing_vessel": (0.38, 0.66),
    "barge": (0.78, 1.0),
    "wigley": (0.42, 0.47),
    "offsets": (0.35, 0.97),
    "mesh": (0.35, 0.97),
}
"""Block coefficients that a class has at its design draught, with a margin for ships in ballast: rules of thumb."""
_SEA_WATER_TPM3 = 1.025


@dataclass(frozen=True, slots=True)
class Hydrostatics:
    """Figures of a floating hull.

    Attributes:
        block: volume over length x beam x mean draught.
        waterplane: area over length x beam.
        midship: greatest section over beam x mean draught.
        centre_m: of the volume, station.
        flat_end_area_m2: wetted plates across the ends, to which no pass leads.
    """

    length_m: float
    beam_m: float
    draught_fwd_m: float
    draught_aft_m: float
    list_deg: float
    volume_m3: float
    displacement_t: float
    wetted_area_m2: float
    waterplane_area_m2: float
    block: float
    waterplane: float
    midship: float
    centre_m: float
    flat_end_area_m2: float


def hydrostatics(hull: HullSurface) -> Hydrostatics:
    """Integrate the sections along the ship."""
    d = hull.dimensions
    areas = hull.starboard.section_areas_m2 + hull.port.section_areas_m2
    row = hull.waterline_row
    breadth = np.zeros(len(hull.stations_m))
    for half in (hull.starboard, hull.port):
        at_surface = np.abs(half.grid_m[:, row, 2]) < 1e-6
        breadth += np.where(at_surface, half.grid_m[:, row, 1], 0.0)
    plane = float(np.trapezoid(breadth, hull.stations_m))
    volume = hull.volume_m3
    box = d.length_m * d.beam_m
    return Hydrostatics(
        length_m=d.length_m,
        beam_m=d.beam_m,
        draught_fwd_m=d.draught_fwd_m,
        draught_aft_m=d.draught_aft_m,
        list_deg=d.list_deg,
        volume_m3=volume,
        displacement_t=volume * _SEA_WATER_TPM3,
        wetted_area_m2=hull.wetted_area_m2,
        waterplane_area_m2=plane,
        block=volume / (box * d.draught_m),
        waterplane=plane / box,
        midship=float(areas.max()) / (d.beam_m * d.draught_m),
        centre_m=float(np.trapezoid(areas * hull.stations_m, hull.stations_m) / max(volume, 1e-12)),
        flat_end_area_m2=hull.flat_end_area_m2,
    )
