"""What a plan buys in each zone of the ship, and what would bring in those that it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.choosing import Choice
from hullscan.search.zones import HullZones, Zone

__all__ = ["ZoneOutcome", "zone_outcomes"]

_LEFT_OUT_POD = 0.5


@dataclass(frozen=True, slots=True)
class ZoneOutcome:
    """One zone.

    Attributes:
        prior: chance that the parcel lies in it, if there is one on the hull.
        pod: chance of finding it there.
        minutes_more: that would bring it in; 0 when the plan does, None where no pass that is known sees it.
    """

    zone: Zone
    area_m2: float
    prior: float
    pod: float
    minutes_more: float | None

    def as_dict(self) -> dict[str, Any]:
        """For ``plan.json``."""
        return {
            "id": self.zone.identity,
            "name": self.zone.name,
            "area_m2": round(self.area_m2, 1),
            "prior": round(self.prior, 5),
            "pod": round(self.pod, 4),
            "minutes_more": None if self.minutes_more is None else round(self.minutes_more, 1),
            "assumed": self.zone.assumed,
        }


def zone_outcomes(zones: HullZones, share: Array, pod: Array, choice: Choice | None) -> tuple[ZoneOutcome, ...]:
    """Zones, the likeliest first.

    Args:
        share, pod: (n,) of each cell.
    """
    prior = zones.share(share)
    found = zones.share(share * pod) / np.maximum(prior, 1e-12)
    outcomes = []
    for index, zone in enumerate(zones.zones):
        more: float | None = None
        if choice is not None and np.isfinite(choice.minutes_more[index]):
            more = float(choice.minutes_more[index])
        elif found[index] >= _LEFT_OUT_POD:
            more = 0.0
        outcomes.append(ZoneOutcome(zone, float(zones.area_m2[index]), float(prior[index]), float(found[index]), more))
    return tuple(sorted(outcomes, key=lambda each: -each.prior))
