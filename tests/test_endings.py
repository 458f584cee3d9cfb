"""Whatever happens, in whatever order: never disarmed or rising under the ship, no command beyond the limits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fake_rov import FakeRov
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hullscan.errors import HullscanError, RefusedError
from hullscan.geometry.frames import ShipPose
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import Plan, plan_mission
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals
from hullscan.pilot.states import TRANSITIONS, PilotState, may_follow
from hullscan.vehicle.commands import Command, HoldPosition, PositionVelocityYaw

MISSION = Path(__file__).parent.parent / "benchmarks" / "fault_matrix" / "mission.yaml"
SHIP = ShipPose(10.2, -4.3, 1.08, 0.0)
EVENTS = [
    "position lost", "position back", "DVL silent", "DVL back", "leak", "battery low", "link lost", "link back",
    "failsafe", "operator takes over", "video lost", "disk full", "current", "false short range",
    "abort", "hold", "resume", "skip", "back", "faster",
]  # fmt: skip


@cache
def planned() -> tuple[Mission, Plan]:
    mission = load_mission(MISSION)
    return mission, plan_mission(mission)


class Flight:
    """The real pilot with a fake vehicle."""

    def __init__(self, begin: PlanPlace | None = None) -> None:
        mission, plan = planned()
        self.rov = FakeRov(mission, plan.legs[0].poses[0, 1:4], SHIP)
        self.video_age_s, self.disk_mb = 0.1, 1e6
        self.events: list[str] = []
        self.pilot = Pilot(
            self.rov, self.rov, mission, plan, self.rov,  # type: ignore[arg-type]
            signals=Signals(video_age_s=self._video_age_s, disk_free_mb=lambda: self.disk_mb),
            on_event=lambda kind, message, data: self.events.append(kind), resume_at=begin,
        )  # fmt: skip
        self.error: HullscanError | None = None
        self.faults, self.refuses = 0, False
        send = self.rov.send

        def refusing(command: Command) -> Command:
            if self.refuses and isinstance(command, PositionVelocityYaw | HoldPosition):
                raise RefusedError("not now")
            return send(command)

        self.rov.send = refusing  # type: ignore[method-assign]

    def _video_age_s(self) -> float:
        """Asked at each tick: here hullscan itself goes wrong as often as it was told to."""
        if self.faults > 0:
            self.faults -= 1
            raise ZeroDivisionError("a fault")
        return self.video_age_s

    def happen(self, event: str) -> None:
        rov = self.rov
        orders = {order.value: order for order in OperatorOrder}
        if event in orders:
            self.pilot.desk.put(orders[event])
        elif event == "position lost":
            rov.position_ok = False
        elif event == "position back":
            rov.position_ok = True
        elif event == "DVL silent":
            rov.dvl_ok = False
        elif event == "DVL back":
            rov.dvl_ok = True
        elif event == "leak":
            rov.say("Leak Detected")
        elif event == "battery low":
            rov.volts = 13.5
        elif event in ("link lost", "link back"):
            rov.link_ok = event == "link back"
        elif event == "failsafe":
            from hullscan.vehicle.modes import Mode

            rov.mode_now = Mode.ALT_HOLD
            rov.lose("mode changed from GUIDED to ALT_HOLD, not by hullscan (MYGCS: 255, heartbeat lost)")
        elif event == "another mode":
            from hullscan.vehicle.modes import Mode

            rov.mode_now = Mode.ALT_HOLD
            rov.lose("mode changed from GUIDED to ALT_HOLD, not by hullscan")
        elif event == "its words":
            rov.control = replace(rov.control, message=f"{rov.control.message} (MYGCS: 255, heartbeat lost)")
        elif event == "operator takes over":
            rov.lose("the operator moves a stick (channel 6: 1600 us)")
        elif event == "video lost":
            self.video_age_s = 60.0
        elif event == "depth reads a metre too shallow":
            rov.zero_m = -1.0
        elif event == "position is told no more":
            rov.tells_position = False
        elif event.startswith("gain"):
            rov.gain = float(event.split()[1])
        elif event == "disk full":
            self.disk_mb = 100.0
        elif event.startswith("faults"):
            self.faults = int(event.split()[1])
        elif event in ("refuses", "obeys"):
            self.refuses = event == "refuses"
        elif event == "current":
            rov.current_ned = np.array([0.05, -0.05, 0.0])
        elif event == "false short range":
            report = rov.latest()
            assert report is not None
            report.distances_m[:], report.valid[:] = 0.3, True

    def fly(self, script: list[tuple[float, str]]) -> None:
        self.rov.script = [(at, lambda event=event: self.happen(event)) for at, event in sorted(script)]
        try:
            self.pilot.fly()
        except HullscanError as error:
            self.error = error


def check(flight: Flight) -> None:
    rov, state = flight.rov, flight.pilot.status.state
    assert not rov.wrongs, (rov.wrongs[:3], flight.events)
    if not rov.is_armed:
        assert rov.place[2] < 0.5
        assert not rov.under
    else:
        assert "handed over" in flight.events, (flight.events, flight.error)
    assert state in (PilotState.ENDED, PilotState.HANDED_OVER)


UNDER = PlanPlace(5, 0.9)
"""Resumed here, the flight is under the bottom within a minute."""
SCRIPTS = {
    "nothing happens": ([], "ended"),
    "a leak under the bottom": ([(70.0, "leak")], "home"),
    "the position is lost under the bottom": ([(70.0, "position lost")], "out from under"),
    "it is lost without ranges, the sticks at a fifth of their gain": (
        [(60.0, "gain 0.1"), (70.0, "DVL silent"), (70.0, "position lost")],
        "out from under",
    ),
    "it is told no more, while all else is": ([(70.0, "position is told no more")], "out from under"),
    "it is lost and comes back": ([(70.0, "position lost"), (73.0, "position back")], "ended"),
    "the operator takes over": ([(70.0, "operator takes over")], "handed over"),
    "the link is lost for ten seconds": ([(70.0, "link lost"), (80.0, "link back")], "listening"),
    "the link is lost for good": ([(70.0, "link lost")], "handed over"),
    "a failsafe, then the position": ([(70.0, "failsafe"), (71.0, "position lost")], "out from under"),
    "a failsafe that says so a moment later": ([(70.0, "another mode"), (70.3, "its words")], "listening"),
    "another mode and no word of it": ([(70.0, "another mode")], "handed over"),
    "hold, then resume": ([(60.0, "hold"), (70.0, "resume")], "ended"),
    "skip, back, skip": ([(66.0, "skip"), (75.0, "back"), (90.0, "skip")], "ended"),
    "the depth reads a metre too shallow": ([(70.0, "depth reads a metre too shallow"), (80.0, "abort")], "ended"),
    "hullscan itself goes wrong, once": ([(70.0, "faults 1")], "home"),
    "hullscan itself goes wrong, and on the way home again": ([(70.0, "faults 3")], "retreat"),
    "hullscan itself goes wrong at every tick": ([(70.0, "faults 100000")], "handed over"),
    "no position is flown to any more": ([(70.0, "refuses")], "out from under"),
    "refused while the position is unsure, on the way home": (
        [(70.0, "leak"), (71.0, "position lost"), (71.9, "refuses"), (73.0, "obeys"), (73.0, "position back")],
        "home",
    ),
    "hold, and then abort": ([(60.0, "hold"), (65.0, "abort")], "home"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("script", "comes_to"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_flight_under_the_bottom_ends_as_it_should(script: list[tuple[float, str]], comes_to: str) -> None:
    flight = Flight(UNDER)
    flight.fly(script)
    check(flight)
    assert comes_to in flight.events, flight.events


@pytest.mark.slow
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.floats(5.0, 110.0), st.sampled_from(EVENTS)), min_size=1, max_size=6))
def test_no_sequence_of_events_rises_or_disarms_under_the_ship(script: list[tuple[float, str]]) -> None:
    flight = Flight(UNDER)
    flight.fly([*script, (130.0, "abort")])
    check(flight)


def test_the_table_rises_only_after_a_state_that_leads_out() -> None:
    rises_after = {before for before, after in TRANSITIONS.items() if PilotState.SURFACE in after}
    assert PilotState.CLOSE_UP not in rises_after
    assert PilotState.FIRST_FIX not in rises_after
    disarms_after = {before for before, after in TRANSITIONS.items() if PilotState.DISARM in after}
    assert disarms_after == {PilotState.SURFACE, PilotState.LISTENING}


@pytest.mark.parametrize("state", [each for each in PilotState if each not in (PilotState.PREFLIGHT, PilotState.ENDED)])
def test_from_every_state_in_the_water_the_vehicle_can_be_handed_over(state: PilotState) -> None:
    assert state is PilotState.HANDED_OVER or may_follow(state, PilotState.HANDED_OVER)
