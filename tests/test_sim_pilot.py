"""The pilot's sticks: what they do, how long they last, and what happens when they fall silent."""

from __future__ import annotations

from math import cos, degrees, hypot, sin
from typing import Any

import pytest
from test_sim_guided import settled
from test_sim_station import Station, station

from hullscan_sim.messages import mavlink
from hullscan_sim.modes import Mode


def piloted(mode: Mode, depth_m: float = 3.0, **options: Any) -> Station:
    """Armed in a mode at a depth, with neutral sticks kept alive."""
    link = settled(station(**options), depth_m, stock=False)
    link.sticks()
    link.set_mode(mode)
    link.fly(1.5, lambda t: link.sticks())
    return link


def body_speed(link: Station) -> tuple[float, float, float]:
    nav = link.simulation.autopilot.nav
    c, s = cos(nav.attitude[2]), sin(nav.attitude[2])
    north, east, down = nav.velocity
    return c * north + s * east, c * east - s * north, down


# ---------------------------------------------------------------- ALT_HOLD, as measured


@pytest.mark.parametrize(
    ("sticks", "axis", "measured", "tolerance"),
    [
        pytest.param({"x": 250}, 0, 0.23, 0.08, id="x 250 goes ahead at 0.23 m/s"),
        pytest.param({"x": 500}, 0, 0.49, 0.08, id="x 500 at 0.49"),
        pytest.param({"x": 1000}, 0, 1.01, 0.20, id="x 1000 at 1.01"),
        pytest.param({"y": 500}, 1, 0.48, 0.08, id="y 500 goes right at 0.48"),
        pytest.param({"y": 1000}, 1, 0.93, 0.15, id="y 1000 at 0.93"),
        pytest.param({"z": 400}, 2, 0.0, 0.04, id="z 400 is in the dead zone"),
        pytest.param({"z": 600}, 2, 0.0, 0.04, id="z 600 is in the dead zone"),
        pytest.param({"z": 250}, 2, 0.19, 0.05, id="z 250 sinks at 0.19"),
        pytest.param({"z": 0}, 2, 0.49, 0.08, id="z 0 sinks at 0.49"),
        pytest.param({"z": 1000}, 2, -0.47, 0.08, id="z 1000 rises at 0.45 to 0.5"),
    ],
)
def test_a_stick_in_alt_hold_gives_its_speed(sticks, axis, measured, tolerance):
    link = piloted(Mode.ALT_HOLD, 4.0)
    link.fly(4.0, lambda t: link.sticks(**sticks))
    assert body_speed(link)[axis] == pytest.approx(measured, abs=tolerance)


@pytest.mark.parametrize(("stick", "measured"), [(250, 12.4), (500, 33.0), (1000, 74.0)])
def test_the_yaw_stick_turns_at_its_rate(stick, measured):
    link = piloted(Mode.ALT_HOLD)
    link.fly(4.0, lambda t: link.sticks(r=stick))
    assert degrees(link.simulation.autopilot.nav.rates[2]) == pytest.approx(measured, rel=0.2, abs=4)
    link.fly(2.5, lambda t: link.sticks())
    settled_deg = link.yaw_deg
    link.fly(3.0, lambda t: link.sticks())
    assert (link.yaw_deg - settled_deg + 180) % 360 - 180 == pytest.approx(0, abs=8), "then the heading is held"


def test_the_pitch_extension_is_not_scaled_by_the_gain():
    link = piloted(Mode.ALT_HOLD)
    link.fly(3.0, lambda t: link.sticks(s=500, enabled_extensions=1))
    assert link.last["RC_CHANNELS"].chan1_raw == 1900
    assert abs(degrees(link.simulation.autopilot.nav.attitude[1])) == pytest.approx(43, abs=10)


def test_sticks_show_as_rc_channels_scaled_by_half_gain():
    link = piloted(Mode.ALT_HOLD)
    link.fly(1.0, lambda t: link.sticks(x=500, y=-500, z=250, r=1000))
    channels = link.last["RC_CHANNELS"]
    assert channels.chan5_raw == 1600
    assert channels.chan6_raw == 1400
    assert channels.chan3_raw == 1400
    assert channels.chan4_raw == 1700
    assert channels.chan9_raw == 1100


@pytest.mark.parametrize(
    ("sticks", "servos"),
    [
        pytest.param({"x": 500}, [1400, 1400, 1600, 1600], id="ahead"),
        pytest.param({"y": 500}, [1600, 1400, 1600, 1400], id="right"),
        pytest.param({"r": 500}, [1600, 1400, 1400, 1600], id="turn right"),
    ],
)
def test_in_manual_sticks_go_straight_to_the_motors(sticks, servos):
    link = piloted(Mode.MANUAL)
    link.fly(1.0, lambda t: link.sticks(**sticks))
    message = link.last["SERVO_OUTPUT_RAW"]
    assert [message.servo1_raw, message.servo2_raw, message.servo3_raw, message.servo4_raw] == servos


def test_in_manual_up_and_down_are_on_the_other_four():
    link = piloted(Mode.MANUAL)
    link.fly(1.0, lambda t: link.sticks(z=700))
    assert [getattr(link.last["SERVO_OUTPUT_RAW"], f"servo{n}_raw") for n in (5, 6, 7, 8)] == [1420] * 4
    link.fly(1.0, lambda t: link.sticks(z=300))
    assert [getattr(link.last["SERVO_OUTPUT_RAW"], f"servo{n}_raw") for n in (5, 6, 7, 8)] == [1580] * 4


def test_stabilize_levels_and_holds_the_heading():
    link = piloted(Mode.STABILIZE)
    link.fly(3.0, lambda t: link.sticks(x=400))
    roll, pitch, _ = (degrees(angle) for angle in link.simulation.autopilot.nav.attitude)
    assert abs(roll) < 4
    assert abs(pitch) < 8
    assert abs(link.yaw_deg) < 10


def test_poshold_stops_within_half_a_metre_of_where_the_stick_was_released():
    link = piloted(Mode.POSHOLD)
    link.fly(4.0, lambda t: link.sticks(x=500))
    assert body_speed(link)[0] == pytest.approx(0.49, abs=0.12)
    at = link.position
    link.fly(8.0, lambda t: link.sticks())
    assert hypot(link.position[0] - at[0], link.position[1] - at[1]) < 0.6
    stopped = link.position
    link.fly(4.0, lambda t: link.sticks())
    assert hypot(link.position[0] - stopped[0], link.position[1] - stopped[1]) < 0.2


def test_surface_mode_rises_and_ends_in_alt_hold_at_the_surface():
    link = piloted(Mode.SURFACE)
    link.fly(7.0, lambda t: link.sticks())
    assert link.mode is Mode.ALT_HOLD
    assert link.position[2] < 0.6
    link.fly(4.0, lambda t: link.sticks())
    assert -0.05 < link.position[2] < 0.35


# ---------------------------------------------------------------- who may, and for how long


def test_sticks_from_another_station_are_not_taken():
    link = piloted(Mode.ALT_HOLD)
    other = Station(link.simulation, link.link, system=254, heartbeat=False)
    other.fly(2.0, lambda t: other.sticks(x=1000))
    assert abs(body_speed(link)[0]) < 0.1


def test_the_motors_keep_the_last_command_for_three_seconds():
    link = piloted(Mode.ALT_HOLD)
    link.set_param("FS_PILOT_INPUT", 0)
    link.fly(2.0, lambda t: link.sticks(x=500))
    link.run(2.7)
    assert link.last["RC_CHANNELS"].chan5_raw == 1600
    assert body_speed(link)[0] > 0.4
    link.run(1.0)
    assert link.last["RC_CHANNELS"].chan5_raw == 1500
    link.run(2.0)
    assert body_speed(link)[0] < 0.2


def test_an_rc_override_drives_a_channel_and_expires():
    link = piloted(Mode.ALT_HOLD)
    link.set_param("FS_PILOT_INPUT", 0)
    message = mavlink.MAVLink_rc_channels_override_message(1, 1, *[65535] * 4, 1600, *[65535] * 3)
    link.fly(3.0, lambda t: link.send(message))
    assert body_speed(link)[0] == pytest.approx(0.49, abs=0.1)
    assert link.last["RC_CHANNELS"].chan6_raw == 1500, "65535 leaves a channel alone"
    link.run(3.6)
    assert link.last["RC_CHANNELS"].chan5_raw == 1500
