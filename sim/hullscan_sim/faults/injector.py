"""Turns the faults that act now into effects on the vehicle, its links and its world, ten times a second.

Each adds its share to an ``Effects``; what nothing adds to is as without faults. So faults of one kind may
overlap, and the end of one does not end another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import radians
from typing import Any, Protocol, TypeVar

import numpy as np

from hullscan_sim.autopilot import Autopilot
from hullscan_sim.battery import Battery
from hullscan_sim.dvl import Dvl
from hullscan_sim.dynamics import RigidBody, Vector
from hullscan_sim.faults import kinds
from hullscan_sim.faults.flow import Flow, gust, propeller
from hullscan_sim.faults.link import BurstLoss, FaultyLink
from hullscan_sim.faults.station import ForeignStation
from hullscan_sim.faults.tether import Tether
from hullscan_sim.sensors import Barometer, Compass
from hullscan_sim.thrusters import Thrusters
from hullscan_sim.world import World

__all__ = ["Effects", "FaultInjector", "Rig"]

_T = TypeVar("_T")


class Rig(Protocol):
    """What faults act on: the simulation, as the injector sees it."""

    battery: Battery
    body: RigidBody
    dvl: Dvl
    thrusters: Thrusters
    barometer: Barometer
    compass: Compass
    world: World

    @property
    def autopilot(self) -> Autopilot | None:
        """Ours, another one after each reboot; None for a firmware outside, whose rig reads ``FaultInjector.now``."""
        ...


@dataclass(slots=True)
class Effects:
    """Sums over the faults that act now."""

    dvl_dropout: bool = False
    position_loss: bool = False
    leak: bool = False
    depth_sensor_loss: bool = False
    sag_v: float = 0.0
    jump_rad: float = 0.0
    glitch_m: float = 0.0
    light_left: float = 1.0
    deaf: bool = False
    mute: bool = False
    dead: set[int] = field(default_factory=set)
    thrust_left: list[float] = field(default_factory=lambda: [1.0] * 8)
    flows: list[Flow] = field(default_factory=list)
    bursts: list[BurstLoss] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    pulls: list[kinds.TetherPull] = field(default_factory=list)
    snags: list[tuple[float, Vector]] = field(default_factory=list)


class FaultInjector:
    """Follows the faults of a scenario.

    Args:
        faults: of the scenario.
        rig: what they act on.
        link: the vehicle's MAVLink, or None.
        generator: for losses.
        note: told when a fault begins and ends.

    Attributes:
        tether: forces of the tether now, for each step.
        now: what acts now.
    """

    def __init__(
        self,
        faults: Sequence[kinds.Fault],
        rig: Rig,
        link: FaultyLink | None,
        generator: np.random.Generator,
        note: Callable[[str], None],
    ) -> None:
        self._faults, self._rig, self._link, self._note = tuple(faults), rig, link, note
        self._generator = generator
        self._acting: set[int] = set()
        self._states: dict[int, Any] = {}
        self.tether = Tether()
        self.now = Effects()

    def add(self, fault: kinds.Fault) -> None:
        """One more than the scenario has."""
        self._faults += (fault,)

    def follow(self, time_s: float) -> None:
        """Bring everything to a moment of simulated time."""
        if not self._faults:
            return
        effects = self.now = Effects()
        for index, fault in enumerate(self._faults):
            acts = fault.acts(time_s)
            if acts != (index in self._acting):
                self._note(f"{time_s:.1f} s: fault {fault.kind} {'begins' if acts else 'ends'}")
                (self._acting.add if acts else self._acting.discard)(index)
            if acts:
                self._add(index, fault, effects, time_s)
            else:
                self._states.pop(index, None)
        self._take(effects)

    def _take(self, effects: Effects) -> None:
        rig = self._rig
        rig.dvl.dropout = effects.dvl_dropout
        rig.battery.sag_v = effects.sag_v
        rig.barometer.lost = effects.depth_sensor_loss
        rig.compass.jump_rad, rig.barometer.glitch_m = effects.jump_rad, effects.glitch_m
        rig.thrusters.dead, rig.thrusters.thrust_left = frozenset(effects.dead), effects.thrust_left
        rig.world.water.disturbances = effects.flows
        self.tether.pulls, self.tether.snags = effects.pulls, effects.snags
        autopilot = rig.autopilot
        if autopilot is not None:
            autopilot.nav.fault = effects.position_loss
            if effects.leak:
                autopilot.failsafes.wet()
            autopilot.payload.light_left = effects.light_left
        if self._link is not None:
            self._link.deaf, self._link.mute, self._link.bursts = effects.deaf, effects.mute, effects.bursts
            self._link.heard += effects.heard

    def _add(self, index: int, fault: kinds.Fault, effects: Effects, time_s: float) -> None:
        """Add one fault's share."""
        match fault:
            case kinds.DvlDropout():
                effects.dvl_dropout = True
            case kinds.PositionLoss():
                effects.position_loss = True
            case kinds.ThrusterDead():
                effects.dead.add(fault.thruster - 1)
            case kinds.ThrusterFouled():
                effects.thrust_left[fault.thruster - 1] *= fault.thrust_left
            case kinds.Leak():
                effects.leak = True
            case kinds.DepthSensorLoss():
                effects.depth_sensor_loss = True
            case kinds.BatterySag():
                effects.sag_v += fault.drop_v
            case kinds.TetherSnag():
                effects.snags.append((fault.slack_m, self._kept(index, lambda: self._rig.body.position)))
            case kinds.TetherPull():
                effects.pulls.append(fault)
            case kinds.LinkLoss():
                effects.deaf |= fault.direction != "from_vehicle"
                effects.mute |= fault.direction != "to_vehicle"
            case kinds.LinkBurstLoss():
                burst = self._kept(index, lambda: BurstLoss(fault, self._generator))
                burst.advance(time_s)
                effects.bursts.append(burst)
            case kinds.OtherStationHeartbeat() | kinds.OperatorTakesOver():
                effects.heard += self._kept(index, lambda: ForeignStation(fault)).packets(time_s)
            case kinds.LightFailure():
                effects.light_left = min(effects.light_left, fault.light_left)
            case kinds.CompassJump():
                effects.jump_rad += radians(fault.jump_deg)
            case kinds.PressureGlitch():
                effects.glitch_m += fault.offset_m
            case kinds.CurrentGust():
                effects.flows.append(self._kept(index, lambda: gust(fault)))
            case kinds.PropellerStarts():
                effects.flows.append(self._kept(index, lambda: propeller(fault, self._rig.world)))
            case kinds.VideoFreeze() | kinds.VideoLoss() | kinds.ShipMoves():
                pass  # these take effect in the camera's process and in ``mooring``, by the same clock

    def _kept(self, index: int, make: Callable[[], _T]) -> _T:
        """What a fault keeps while it acts, made when it begins."""
        if index not in self._states:
            self._states[index] = make()
        kept: _T = self._states[index]
        return kept
