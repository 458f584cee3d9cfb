"""Parts of the ship to which no pass leads, by name and with the reason."""

from __future__ import annotations

from hullscan.mission.model import Mission
from hullscan.mission.orders import Stern
from hullscan.mission.patterns.gear import KEEP_OUT_M

__all__ = ["omitted_parts"]

_LEAST_M2 = 0.2


def omitted_parts(mission: Mission) -> tuple[str, ...]:
    """Such as ``transom, 12.3 m² below the waterline: a plate across the ship``."""
    names = []
    plates = mission.hull.flat_end_area_m2
    if plates > _LEAST_M2:
        names.append(f"transom, {plates:.1f} m² below the waterline: a plate across the ship")
    locked = mission.file.lock_out is not None and mission.file.lock_out.complete
    chosen = not mission.file.orders
    if not locked and (chosen or any(isinstance(order, Stern) for order in mission.file.orders)):
        names.append(f"stern within {KEEP_OUT_M:g} m of rudder and propeller: no lock-out")
    if not locked and chosen:
        names += ["rudder and propeller: no lock-out", "thruster tunnels: no lock-out"]
    return tuple(names)
