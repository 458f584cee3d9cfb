"""The pitch of the frame: closed on what is measured, given up when it does not come, ended by whatever ends a leg."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from math import copysign, degrees, radians
from pathlib import Path

import numpy as np
import pytest
from fake_rov import FakeRov

from hullscan.clock import SimulatedClock
from hullscan.errors import SafetyStop
from hullscan.geometry.frames import ShipPose
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import Plan, plan_mission
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals
from hullscan.pilot.pitch import PitchLoop
from hullscan.vehicle.control import ControlWatch
from hullscan.vehicle.messages import Frame, Heartbeat, RcChannels, Source
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.telemetry import AUTOPILOT, Telemetry

TICK_S = 0.1
MISSION = Path(__file__).parent.parent / "benchmarks" / "fault_matrix" / "mission.yaml"


class Frame6:
    """A frame that leans by its stick, as quickly as ArduSub 4.5.3 did; and by its ballast."""

    def __init__(self, angle_max_deg: float = 45.0, ballast_deg: float = 0.0, obeys: bool = True) -> None:
        self.angle_max_rad, self.ballast_rad, self.obeys = radians(angle_max_deg), radians(ballast_deg), obeys
        self.pitch_rad = self.ballast_rad

    def step(self, stick: float) -> None:
        share = copysign(max(abs(stick) - 30, 0) / 370, stick) if self.obeys else 0.0
        self.pitch_rad += (share * self.angle_max_rad + self.ballast_rad - self.pitch_rad) * TICK_S / 0.6


def flown(loop: PitchLoop, frame: Frame6, wanted_deg: float, for_s: float) -> list[float]:
    sticks = []
    for _ in range(round(for_s / TICK_S)):
        sticks.append(loop.step(radians(wanted_deg), frame.pitch_rad, TICK_S))
        frame.step(sticks[-1])
    return sticks


@pytest.mark.parametrize(
    ("frame", "wanted_deg"),
    [
        pytest.param(Frame6(), 25.0, id="as delivered"),
        pytest.param(Frame6(angle_max_deg=30), 25.0, id="a smaller ANGLE_MAX"),
        pytest.param(Frame6(angle_max_deg=60), 25.0, id="a greater ANGLE_MAX"),
        pytest.param(Frame6(ballast_deg=-6), 25.0, id="heavy in the nose"),
        pytest.param(Frame6(ballast_deg=4), -15.0, id="down, light in the nose"),
    ],
)
def test_the_frame_comes_to_the_wanted_pitch_whatever_a_stick_means_to_it(frame: Frame6, wanted_deg: float) -> None:
    loop = PitchLoop()
    flown(loop, frame, wanted_deg, 25.0)
    assert degrees(frame.pitch_rad) == pytest.approx(wanted_deg, abs=1.5)
    assert degrees(loop.asked_rad) == pytest.approx(wanted_deg)
    sticks = flown(loop, frame, 0.0, 4.0)
    assert sticks[-1] == 0
    assert abs(degrees(frame.pitch_rad - frame.ballast_rad)) < 3


def test_it_is_asked_for_at_a_ramp() -> None:
    loop, frame = PitchLoop(), Frame6()
    asked = []
    for _ in range(30):
        frame.step(loop.step(radians(25), frame.pitch_rad, TICK_S))
        asked.append(degrees(loop.asked_rad))
    assert np.diff(asked).max() <= 10 * TICK_S + 1e-6


def test_a_pitch_that_does_not_come_is_given_up_until_the_next_lane() -> None:
    loop, frame = PitchLoop(), Frame6(obeys=False)
    sticks = flown(loop, frame, 25.0, 20.0)
    assert max(sticks) > 200
    assert loop.given_up
    assert sticks[-1] == 0
    frame.obeys = True
    assert max(flown(loop, frame, 25.0, 5.0)) == 0  # not tried again on this lane
    flown(loop, frame, 0.0, 1.0)
    flown(loop, frame, 25.0, 15.0)
    assert degrees(frame.pitch_rad) == pytest.approx(25, abs=2)


# ---------------------------------------------------------------- whose sticks


def watched(pulses_us: list[int], after_s: float = 0.3, pitch_us: float = 250.0) -> bool:
    """Whether control is still held when RC_CHANNELS show these, some time after our pitch was sent."""
    clock = SimulatedClock()
    telemetry = Telemetry(clock)
    watch = ControlWatch(clock, telemetry, Source(255, 1), lambda: None)

    def hear(name: str, message: Heartbeat | RcChannels) -> None:
        telemetry.observe(AUTOPILOT, message, clock.now())
        watch.observe(Frame(AUTOPILOT, name, b"", message))

    hear("HEARTBEAT", Heartbeat(12, 3, 128, int(Mode.GUIDED), 4))
    watch.take()
    watch.sticks_are_ours(neutral=True, pitch_us=pitch_us)
    clock.sleep(after_s)
    hear("RC_CHANNELS", RcChannels(1.0, (*pulses_us, *[1500] * (18 - len(pulses_us)))))
    return watch.state.held


@pytest.mark.parametrize(
    ("pulses_us", "after_s", "ours"),
    [
        pytest.param([1750], 0.3, True, id="our own pitch"),
        pytest.param([1500], 0.3, True, id="not yet there, or another station's centred joystick"),
        pytest.param([1750], 3.5, True, id="our own lives on for three seconds"),
        pytest.param([1750], 5.0, False, id="five seconds after ours it is somebody's"),
        pytest.param([1840], 0.3, False, id="more than ours"),
        pytest.param([1400], 0.3, False, id="the other way"),
        pytest.param([1750, 1500, 1500, 1560], 0.3, False, id="another turns it while we pitch it"),
        pytest.param([1500, 1500, 1500, 1500, 1500, 1600], 0.3, False, id="another moves it aside"),
        pytest.param([1750, 1600], 0.3, False, id="another rolls it"),
    ],
)
def test_while_we_pitch_the_frame_anybody_elses_hand_is_noticed(
    pulses_us: list[int], after_s: float, ours: bool
) -> None:
    assert watched(pulses_us, after_s) == ours


# ---------------------------------------------------------------- a flight under the bottom


@cache
def planned() -> tuple[Mission, Plan]:
    mission = load_mission(MISSION)
    return mission, plan_mission(mission)


class Flight:
    """The real pilot with a fake vehicle under the bottom; what its pitch is from a moment on."""

    def __init__(self, event: str, takes_pitch: bool = True) -> None:
        mission, plan = planned()
        self.rov = FakeRov(mission, plan.legs[0].poses[0, 1:4], ShipPose(10.2, -4.3, 1.08, 0.0))
        self.rov.takes_pitch = takes_pitch
        self.events: list[tuple[str, str]] = []
        self.pilot = Pilot(
            self.rov, self.rov, mission, plan, self.rov,  # type: ignore[arg-type]
            signals=Signals(video_age_s=lambda: 0.1), resume_at=PlanPlace(6, 0.95),
            on_event=lambda kind, message, data: self.events.append((kind, message)),
        )  # fmt: skip
        self.event, self.began_s = event, float("inf")
        self.pitches: list[tuple[float, float]] = []
        step = self.rov._step

        def watched() -> None:
            step()
            status = self.pilot.status
            if self.began_s == float("inf") and status.leg == 7 and status.leg_share > 0.5:
                self.began_s = self.rov.now()
                self._happen()
            self.pitches.append((self.rov.now(), degrees(self.rov.pitch)))
            if self.rov.now() - self.began_s > 25:
                self.pilot.desk.put(OperatorOrder.ABORT)

        self.rov._step = watched  # type: ignore[method-assign]

    def _happen(self) -> None:
        orders = {order.value: order for order in OperatorOrder}
        if self.event in orders:
            self.pilot.desk.put(orders[self.event])
        elif self.event == "position lost":
            self.rov.position_ok = False
        elif self.event == "operator":
            self.rov.lose("the operator moves a stick (channel 6: 1600 us)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "level_after_s"),
    [
        pytest.param("", 30.0, id="nothing happens but the way home"),
        pytest.param("hold", 2.5, id="the operator holds"),
        pytest.param("abort", 2.5, id="the operator aborts"),
        pytest.param("position lost", 3.5, id="the position is lost"),
        pytest.param("operator", 5.0, id="the operator takes it: the sticks run out"),
    ],
)
def test_a_lane_under_the_flat_bottom_is_flown_pitched_and_left_level(event: str, level_after_s: float) -> None:
    flight = Flight(event)
    with suppress(SafetyStop):
        flight.pilot.fly()
    before = [pitch for utc_s, pitch in flight.pitches if -2.0 < utc_s - flight.began_s < 0]
    assert np.mean(before) == pytest.approx(degrees(planned()[0].vehicle.lane_pitch_rad), abs=2)
    flight.rov.sleep(6.0)  # handed over, it is not flown any more
    after = [abs(pitch) for utc_s, pitch in flight.pitches if utc_s - flight.began_s > level_after_s]
    assert after
    assert max(after) < 2
    assert not flight.rov.wrongs


@pytest.mark.slow
def test_a_frame_that_does_not_pitch_is_told_of_and_flown_level() -> None:
    flight = Flight("", takes_pitch=False)
    flight.pilot.fly()
    told = [message for kind, message in flight.events if kind == "degraded"]
    assert any("does not take the pitch" in message for message in told)
    assert not flight.rov.wrongs
