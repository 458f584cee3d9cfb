"""The tether pulls: steadily, or because it is caught."""

from __future__ import annotations

from math import cos, radians, sin, sqrt

from hullscan_sim.dynamics import RigidBody, Vector
from hullscan_sim.faults.kinds import TetherPull

__all__ = ["STERN_M", "Tether"]

STERN_M: Vector = (-0.22, 0.0, 0.0)
"""Where the tether is made fast: at the stern, at the height of the centre of gravity."""

_STIFFNESS_NPM = 200.0  # a few metres of slack-free tether and the bight in it
_DAMPING_NSPM = 60.0
_MOST_N = 445.0  # working load of the BlueROV2's tether, 100 lbf


class Tether:
    """Forces of those tether faults that act now.

    Attributes:
        pulls: steady ones.
        snags: slack (m) and place (ned) where it is caught.
    """

    def __init__(self) -> None:
        self.pulls: list[TetherPull] = []
        self.snags: list[tuple[float, Vector]] = []

    def force(self, body: RigidBody) -> tuple[Vector, Vector]:
        """Force and torque, body axes."""
        if not self.pulls and not self.snags:
            return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        n = e = d = 0.0
        for pull in self.pulls:
            towards = radians(pull.towards_deg)
            lift_n = pull.lift_n * body.submerged if pull.lift_n > 0 else pull.lift_n  # nobody lifts it into the air
            n, e, d = n + pull.pull_n * cos(towards), e + pull.pull_n * sin(towards), d - lift_n
        for slack_m, place in self.snags:
            fn, fe, fd = _hold(body, place, slack_m)
            n, e, d = n + fn, e + fe, d + fd
        fx, fy, fz = body.to_body((n, e, d))
        ax, ay, az = STERN_M
        return (fx, fy, fz), (ay * fz - az * fy, az * fx - ax * fz, ax * fy - ay * fx)


def _hold(body: RigidBody, place: Vector, slack_m: float) -> Vector:
    """A line to a place, ned, N; it never pushes."""
    n, e, d = place[0] - body.north_m, place[1] - body.east_m, place[2] - body.down_m
    away_m = sqrt(n * n + e * e + d * d)
    if away_m <= max(slack_m, 1e-6):
        return 0.0, 0.0, 0.0
    n, e, d = n / away_m, e / away_m, d / away_m
    vn, ve, vd = body.velocity
    nearing = vn * n + ve * e + vd * d
    pull = min(max(_STIFFNESS_NPM * (away_m - slack_m) - _DAMPING_NSPM * nearing, 0.0), _MOST_N)
    return pull * n, pull * e, pull * d
