"""How far the vehicle's place beside the ship goes astray while no sensor hears the hull."""

from __future__ import annotations

from dataclasses import dataclass

from hullscan.mission.vehicle import VehicleProfile

__all__ = ["COASTING", "DeadReckoning", "dead_reckoning_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadReckoning:
    """One standard deviation each, of the place against the ship.

    Attributes:
        coast_mps: speed by which the place is wrong while no velocity over the hull is measured.
        most_m: by which ``coast_mps`` is wrong at most.
        slow_mps: what is added without a bound.
        adrift_mps: speed by which it is wrong while the estimator has given up: it then says that it stands still.
    """

    coast_mps: float
    most_m: float = float("inf")
    slow_mps: float = 0.0
    adrift_mps: float = 0.3

    def astray_m(self, unheard_s: float, *, lost: bool = False, before_m: float = 0.0) -> float:
        """How far it has gone astray after a time. It goes on in the direction in which it went wrong.

        Args:
            lost: the estimator says that it does not know where it is.
            before_m: how far it had gone astray before.
        """
        if lost:
            return before_m + self.adrift_mps * unheard_s
        bounded_m = min(self.coast_mps * unheard_s, max(self.most_m - before_m, 0.0))
        return before_m + bounded_m + self.slow_mps * unheard_s


# Accelerometers alone. A simulated vehicle that had lost its DVL altogether went on at 0.15 to 0.45 m/s.
COASTING = DeadReckoning(coast_mps=0.08)
# By a second DVL that looks at the sea bed: the ship's own movement in her moorings, some decimetres to and fro, and
# one hundredth of the way at survey speed, by the DVL's data sheet.
_BOTTOM_LOCK = DeadReckoning(coast_mps=0.03, most_m=0.3, slow_mps=0.0025)


def dead_reckoning_of(vehicle: VehicleProfile) -> DeadReckoning:
    """For a vehicle: one with a second DVL goes on by that where the hull is not heard."""
    return _BOTTOM_LOCK if vehicle.bottom_lock else COASTING
