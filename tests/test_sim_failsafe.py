"""Failsafes, with the delays and the words that were measured."""

from __future__ import annotations

from typing import Any

import pytest
from test_sim_guided import settled
from test_sim_pilot import piloted
from test_sim_station import Station, station

from hullscan_sim.faults.kinds import BatterySag, LinkLoss
from hullscan_sim.modes import Mode
from hullscan_sim.scenario import Scenario, VehicleOptions

LOST_PILOT, LOST_GCS = (2, "Lost manual control"), (4, "MYGCS: 255, heartbeat lost")
DISARMING = (6, "Disarming motors")


def when(link: Station, text: tuple[int, str], since: float) -> float | None:
    """How long after a moment a text came."""
    for at, message in link.received:
        if at >= since and message.get_type() == "STATUSTEXT" and (message.severity, message.text) == text:
            return at - since
    return None


# ---------------------------------------------------------------- pilot input


def test_at_boot_the_pilot_is_missed_after_three_seconds_and_status_is_critical():
    link = station()
    link.run(2.8)
    assert LOST_PILOT not in link.texts()
    link.run(1.4)
    assert when(link, LOST_PILOT, 0.0) == pytest.approx(3.0, abs=0.15)
    assert link.last["HEARTBEAT"].system_status == 5


def test_without_ever_a_pilot_guided_flies_on_with_status_critical():
    link = settled(station(), stock=False)
    link.run(6)
    assert link.armed
    assert link.last["HEARTBEAT"].system_status == 5


@pytest.mark.parametrize(
    ("action", "armed", "texts"),
    [
        pytest.param(2, False, [LOST_PILOT, DISARMING], id="2, as delivered: disarm"),
        pytest.param(1, True, [LOST_PILOT], id="1: say so"),
        pytest.param(0, True, [], id="0: nothing"),
    ],
)
def test_sticks_that_fall_silent_for_three_seconds(action, armed, texts):
    link = settled(station(), stock=False)
    link.set_param("FS_PILOT_INPUT", action)
    link.fly(1.0, lambda t: link.sticks())
    link.run(0.9)
    assert link.last["HEARTBEAT"].system_status == 4
    silent_since = link.now - 1.0
    link.run(4.0)
    assert link.armed is armed
    assert [text for text in link.texts(silent_since) if text in (LOST_PILOT, DISARMING)] == texts
    if action:
        assert when(link, LOST_PILOT, silent_since) == pytest.approx(3.0, abs=0.25)


# ---------------------------------------------------------------- ground station


@pytest.mark.parametrize(
    ("action", "armed", "mode"),
    [
        pytest.param(0, True, Mode.GUIDED, id="0: nothing"),
        pytest.param(1, True, Mode.GUIDED, id="1: warn"),
        pytest.param(2, False, Mode.GUIDED, id="2, as delivered: disarm"),
        pytest.param(3, True, Mode.ALT_HOLD, id="3: hold depth"),
        pytest.param(4, True, Mode.SURFACE, id="4: surface"),
    ],
)
def test_a_heartbeat_that_stops_for_two_and_a_half_seconds(action, armed, mode):
    link = settled(station(), 4.0, stock=False)
    link.set_param("FS_GCS_ENABLE", action)
    link.set_param("FS_PILOT_INPUT", 0)
    link.run(1.5 - link.now % 1)
    link.heartbeat = False
    last_beat = link._next_s - 1.0
    link.run(4.0)
    assert link.armed is armed
    assert link.mode is mode
    delay = when(link, LOST_GCS, last_beat)
    if action:
        assert delay == pytest.approx(2.5, abs=0.1)
        assert link.last["HEARTBEAT"].system_status == 5
    else:
        assert delay is None
    link.heartbeat = True
    link.run(2.2)
    assert link.last["HEARTBEAT"].system_status == (4 if armed else 3)
    assert link.mode is mode, "the mode is not given back"


def test_a_ground_station_that_was_never_heard_is_not_missed():
    link = station()
    link.heartbeat = False
    link.wait(lambda: link.flags & 16)
    link.run(4)
    link.set_mode(Mode.ALT_HOLD)
    link.arm()
    link.run(5)
    assert link.armed
    assert LOST_GCS not in link.texts()


def test_sticks_count_as_a_heartbeat():
    link = piloted(Mode.ALT_HOLD)
    link.heartbeat = False
    link.fly(5, lambda t: link.sticks())
    assert link.armed


# ---------------------------------------------------------------- battery


@pytest.mark.parametrize(
    ("action", "timer_s", "armed", "mode"),
    [
        pytest.param(0, 10, True, Mode.ALT_HOLD, id="0: nothing; after 10 s, as delivered"),
        pytest.param(1, 2, True, Mode.ALT_HOLD, id="1: warn"),
        pytest.param(2, 2, False, Mode.ALT_HOLD, id="2: disarm"),
        pytest.param(3, 2, True, Mode.SURFACE, id="3: surface"),
    ],
)
def test_a_voltage_below_the_limit_for_the_time_of_the_timer(action, timer_s, armed, mode):
    options = VehicleOptions(position="gps", compass="perfect", start_up=0)
    fault = BatterySag(at_s=9.0)
    link = settled(station(Scenario(seed=7, vehicle=options, faults=(fault,))), 4.0, stock=False)
    link.set_mode(Mode.ALT_HOLD)
    link.set_param("BATT_LOW_VOLT", 15.0)
    link.set_param("BATT_FS_LOW_ACT", action)
    if timer_s != 10:
        link.set_param("BATT_LOW_TIMER", timer_s)
    link.run(9.0 + timer_s - 0.5 - link.now)
    assert not [text for _, text in link.texts() if text.startswith("Battery")]
    link.run(2.0)
    (said,) = [(severity, text) for severity, text in link.texts() if text.startswith("Battery")]
    assert said[0] == 4
    assert said[1].startswith("Battery 1 is low 14.")
    assert said[1].endswith(" mAh")
    assert link.last["BATTERY_STATUS"].charge_state == 2
    link.run(1.0)
    assert link.armed is armed
    assert link.mode is mode
    if not armed:
        assert link.arm() == 4
        assert (2, "Arm: Battery 1 low voltage failsafe") in link.texts()


# ---------------------------------------------------------------- the link itself


def test_a_lost_link_is_deaf_and_mute_and_trips_the_gcs_failsafe():
    options: dict[str, Any] = {"position": "gps", "compass": "perfect", "start_up": 0}
    fault = LinkLoss(at_s=11.0, for_s=5.0)
    link = settled(station(Scenario(seed=7, vehicle=VehicleOptions(**options), faults=(fault,))), stock=False)
    link.run(11.2 - link.now)
    heard = len(link.received)
    link.run(4.6)
    assert len(link.received) == heard
    link.run(3.0)
    assert len(link.received) > heard
    assert not link.armed
    assert LOST_GCS not in link.texts(11.0), "what was said meanwhile is lost"


def test_a_disarmed_vehicle_floats_up_slowly():
    link = settled(station(), stock=False)
    link.command(400, 0)
    before = link.simulation.body.down_m
    link.run(10)
    assert 0.3 < before - link.simulation.body.down_m < 1.3, "measured 1 m in about 10 s"
