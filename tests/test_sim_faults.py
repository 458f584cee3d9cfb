"""Faults as data: every kind is read strictly and its effect is really there, for as long as it says and no longer."""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, degrees, hypot, radians
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_sim_station import HULL, Station, stated_ship

from hullscan.errors import MissionFileError
from hullscan_sim.camera.process import VideoFaults
from hullscan_sim.faults import kinds
from hullscan_sim.mavlink_server import MemoryLink, parse
from hullscan_sim.messages import mavlink
from hullscan_sim.modes import Mode
from hullscan_sim.scenario import Scenario, VehicleOptions, load_scenario
from hullscan_sim.simulation import Simulation

KINDS = kinds.KINDS
CHOICES = ", ".join(KINDS)


class Bench(Station):
    """A station that also keeps what other systems and components sent."""

    def __init__(self, *faults: Any, distance_m: float = 3.0, **vehicle: Any) -> None:
        options = {"position": "gps", "compass": "perfect", "dvl": "perfect", "start_up": 0.0, **vehicle}
        scenario = Scenario(seed=7, vehicle=VehicleOptions(**options), faults=faults)
        link = MemoryLink()
        super().__init__(Simulation(scenario, stated_ship(distance_m=distance_m), HULL, link=link), link)
        self.others: list[tuple[float, Any]] = []
        taken = link.take

        def take() -> list[bytes]:
            packets = taken()
            for message in (message for packet in packets for message in parse(packet)):
                if message.get_srcSystem() != 1:
                    self.others.append((self.now, message))
            return packets

        link.take = take  # type: ignore[method-assign]

    def under_water(self, depth_m: float = 2.0) -> Bench:
        """Off the surface, armed, holding its depth."""
        self.simulation.body.down_m = depth_m
        self.simulation.parameters.set("FS_PILOT_INPUT", 0)
        self.run(0.5)
        self.set_mode(Mode.ALT_HOLD)
        self.arm()
        return self


# ---------------------------------------------------------------- one check for each kind


def dvl_dropout() -> None:
    bench = Bench(kinds.DvlDropout(at_s=1.0, for_s=1.0))
    reports: list[Any] = []
    sample = bench.simulation.dvl.sample

    def tap(*arguments: Any) -> Any:
        report = sample(*arguments)
        if report is not None:
            reports.append(report)
        return report

    bench.simulation.dvl.sample = tap  # type: ignore[method-assign]
    bench.run(3.0)
    during = [report.valid for report in reports if 1.0 < report.time_s < 2.0]
    outside = [report.valid for report in reports if not 0.99 <= report.time_s <= 2.1]
    assert during, "reports go on"
    assert not any(during)
    assert all(outside)


def position_loss() -> None:
    bench = Bench(kinds.PositionLoss(at_s=4.0), dvl="none")
    assert bench.wait(lambda: bench.flags == 895, 4.0)
    bench.run(9.5)
    assert bench.flags == 895, "7 s until it is doubted, from the last fix"
    bench.run(8.5)
    assert bench.flags == 103, "and 15 s of patience"
    bench.run(2.0)
    assert bench.flags == 231


def thruster_dead() -> None:
    bench = Bench(kinds.ThrusterDead(at_s=0.0, thruster=5)).under_water()
    bench.set_mode(Mode.MANUAL)
    bench.fly(1.5, lambda t: bench.sticks(z=200))
    thrusters = bench.simulation.thrusters
    assert thrusters.thrust[4] == 0.0
    assert all(thrust > 1.0 for thrust in thrusters.thrust[5:])
    sound = Bench().under_water()
    sound.set_mode(Mode.MANUAL)
    sound.fly(1.5, lambda t: sound.sticks(z=200))
    assert sound.simulation.thrusters.thrust[4] > 1.0
    assert thrusters.power_w > 0


def thruster_fouled() -> None:
    bench = Bench(kinds.ThrusterFouled(at_s=0.0, thruster=1, thrust_left=0.25))
    bench.run(0.2)
    fouled, clean = bench.simulation.thrusters, Bench().simulation.thrusters
    pulses = [1700, 1500, 1500, 1500, 1500, 1500, 1500, 1500]
    for _ in range(400):
        (fx, _, _), _ = fouled.step(pulses, 16.0, 1.0, 0.005)
        (gx, _, _), _ = clean.step(pulses, 16.0, 1.0, 0.005)
    assert fx == pytest.approx(0.25 * gx)
    assert fouled.power_w == pytest.approx(clean.power_w), "it still draws what a clean one draws"
    assert fouled.total_n == pytest.approx(0.25 * clean.total_n)


def leak() -> None:
    bench = Bench(kinds.Leak(at_s=2.0, for_s=24.0)).under_water()
    bench.run(25.5 - bench.now)
    said = [at for at, message in bench.received if getattr(message, "text", "") == "Leak Detected"]
    assert said == pytest.approx([2.0, 22.0], abs=0.2), "at once, and again after 20 s"
    assert {message.severity for message in bench.messages("STATUSTEXT") if message.text == "Leak Detected"} == {2}
    assert bench.last["HEARTBEAT"].system_status == 4, "4.5.3 tells of a leak by text alone"
    assert bench.mode is Mode.ALT_HOLD, "FS_LEAK_ENABLE 1 only warns"
    surfacing = Bench(kinds.Leak(at_s=2.0)).under_water()
    surfacing.set_param("FS_LEAK_ENABLE", 2)
    surfacing.run(2.6 - surfacing.now)
    assert surfacing.mode is Mode.SURFACE


def battery_sag() -> None:
    bench = Bench(kinds.BatterySag(at_s=1.0, for_s=3.0, drop_v=3.0))
    bench.run(0.9)
    before_v = bench.simulation.battery.voltage_v
    bench.run(3.0)
    assert before_v - bench.simulation.battery.voltage_v == pytest.approx(3.0, abs=0.1)
    bench.run(2.5)
    assert bench.simulation.battery.voltage_v == pytest.approx(before_v, abs=0.1)


def pulled(fault: Any, seconds: float) -> tuple[float, float, float]:
    """How far an unpowered vehicle is moved north, east and down against one without the fault."""
    places = []
    for faults in ((fault,), ()):
        bench = Bench(*faults, distance_m=15.0)
        bench.simulation.plant.tender.let_go()
        bench.simulation.body.down_m = 3.0
        bench.run(seconds)
        places.append(np.array(bench.simulation.body.position))
    north, east, down = (places[0] - places[1]).tolist()
    return north, east, down


def tether_pull() -> None:
    north, east, down = pulled(kinds.TetherPull(at_s=0.5, pull_n=20.0, towards_deg=150.0, lift_n=5.0), 4.0)
    assert hypot(north, east) > 0.5
    assert degrees(atan2(east, north)) % 360 == pytest.approx(150.0, abs=15.0)
    assert down < -0.1


def tether_snag() -> None:
    bench = Bench(kinds.TetherSnag(at_s=1.0, for_s=14.0, slack_m=1.0), distance_m=15.0).under_water()
    bench.run(1.05 - bench.now)
    start = np.array(bench.simulation.body.position)
    bench.fly(13.0, lambda t: bench.sticks(y=600))
    held_m = float(np.linalg.norm(np.array(bench.simulation.body.position) - start))
    assert 0.9 < held_m < 1.6
    bench.fly(5.0, lambda t: bench.sticks(y=600))
    assert float(np.linalg.norm(np.array(bench.simulation.body.position) - start)) > held_m + 1.0, "it came free"


def link_loss() -> None:
    bench = Bench(kinds.LinkLoss(at_s=1.0, for_s=2.0))
    bench.simulation.parameters.set("FS_PILOT_INPUT", 0)
    bench.run(1.5)
    heard = len(bench.received)
    assert bench.arm() is None, "deaf: no acknowledgement"
    bench.run(1.2)
    assert len(bench.received) == heard, "and mute"
    assert not bench.simulation.autopilot.flight.armed
    bench.run(1.0)
    assert len(bench.received) > heard
    one_way = Bench(kinds.LinkLoss(at_s=1.0, direction="to_vehicle"))
    one_way.run(1.2)
    heard = len(one_way.received)
    assert one_way.arm() is None
    one_way.run(1.0)
    assert len(one_way.received) > heard
    assert not one_way.simulation.autopilot.flight.armed
    other_way = Bench(kinds.LinkLoss(at_s=1.0, direction="from_vehicle"))
    other_way.run(1.2)
    other_way.arm()
    assert other_way.simulation.autopilot.flight.armed, "it heard, but its answer was lost"


def link_burst_loss() -> None:
    def share(loss: float) -> float:
        bench = Bench(kinds.LinkBurstLoss(at_s=1.0, bad_s=1.0, good_s=1.0, loss=loss), dvl="none")
        clean = Bench(dvl="none")
        bench.run(26.0)
        clean.run(26.0)
        arrived, sent = (sum(at >= 1.0 for at, _ in link.received) for link in (bench, clean))
        return 1 - arrived / sent

    assert share(1.0) == pytest.approx(0.5, abs=0.2), "half of the time is bad"
    assert share(0.4) == pytest.approx(0.2, abs=0.1)


def other_station_heartbeat() -> None:
    bench = Bench(kinds.OtherStationHeartbeat(at_s=1.0, for_s=3.0, system_id=252))
    bench.run(6.0)
    seen = [at for at, message in bench.others if message.get_type() == "HEARTBEAT"]
    assert seen == pytest.approx([1.0, 2.0, 3.0], abs=0.15)
    assert {(m.get_srcSystem(), m.get_srcComponent(), m.type) for _, m in bench.others} == {(252, 190, 6)}
    # one of the operator's own system hides from the vehicle that he was lost
    lost = (4, "MYGCS: 255, heartbeat lost")
    for system, missed in ((255, False), (252, True)):
        bench = Bench(kinds.OtherStationHeartbeat(at_s=1.0, system_id=system))
        bench.run(2.0)
        bench.heartbeat = False
        bench.run(4.0)
        assert (lost in bench.texts()) is missed


def operator_takes_over() -> None:
    bench = Bench(kinds.OperatorTakesOver(at_s=3.0, for_s=2.0, mode="ALT_HOLD", forward=0.5)).under_water()
    bench.wait(lambda: bench.flags == 895)
    bench.set_mode(Mode.GUIDED)
    assert bench.now < 3.0
    bench.run(3.5 - bench.now)
    assert bench.mode is Mode.ALT_HOLD
    assert bench.simulation.autopilot.pilot.forward > 0.15
    bench.run(2.0)
    names = [message.get_type() for _, message in bench.others]
    assert names.count("MANUAL_CONTROL") == pytest.approx(20, abs=2), "ten a second, on the link as through a router"
    assert names.count("COMMAND_LONG") == 1
    assert {(message.get_srcSystem(), message.get_srcComponent()) for _, message in bench.others} == {(255, 190)}


def light_failure() -> None:
    bench = Bench(kinds.LightFailure(at_s=1.0, for_s=1.0, light_left=0.25))
    payload = bench.simulation.autopilot.payload
    payload.set_servo(9, 1900)
    bench.run(0.9)
    assert payload.lights == 1.0
    bench.run(0.6)
    assert payload.lights == 0.25
    assert payload.named_values["Lights1"] == 1.0, "telemetry does not know"
    bench.run(0.8)
    assert payload.lights == 1.0


def compass_jump() -> None:
    bench = Bench(kinds.CompassJump(at_s=5.0, for_s=30.0, jump_deg=20.0))
    nav, body = bench.simulation.autopilot.nav, bench.simulation.body
    bench.run(4.9)
    assert degrees(nav.attitude[2] - body.euler_rad[2]) == pytest.approx(0.0, abs=0.5)
    bench.run(25.0)
    assert degrees(nav.attitude[2] - body.euler_rad[2]) == pytest.approx(20.0, abs=1.0)


def pressure_glitch() -> None:
    bench = Bench(kinds.PressureGlitch(at_s=3.0, for_s=2.0, offset_m=1.5)).under_water(2.0)
    flight, body = bench.simulation.autopilot.flight, bench.simulation.body
    offsets = []
    for until_s in (2.9, 3.5, 6.0):
        bench.run(until_s - bench.now)
        offsets.append(flight.depth_m - (body.down_m - 0.125) * 100.38 / 98.0)
    before, during, after = offsets
    assert during - before == pytest.approx(1.5 * 100.38 / 98.0, abs=0.15)
    assert after - before == pytest.approx(0.0, abs=0.15)


def current_gust() -> None:
    bench = Bench(kinds.CurrentGust(at_s=1.0, for_s=6.0, current_mps=0.6, towards_deg=90.0, ramp_s=2.0))
    water, place = bench.simulation.world.water, bench.simulation.body.position
    speeds = {}
    for until_s in (0.9, 2.0, 3.5, 7.5):
        bench.run(until_s - bench.now)
        speeds[until_s] = water.at(place, bench.now)
    assert speeds[0.9] == (0.0, 0.0, 0.0)
    assert speeds[2.0] == pytest.approx((0.0, 0.3, 0.0), abs=0.02), "half way up the ramp"
    assert speeds[3.5] == pytest.approx((0.0, 0.6, 0.0), abs=1e-6)
    assert speeds[7.5] == (0.0, 0.0, 0.0)


def ship_moves() -> None:
    bench = Bench(kinds.ShipMoves(at_s=1.0, for_s=20.0, north_m=1.0, east_m=-2.0, turn_deg=3.0, over_s=5.0), dvl="none")
    world = bench.simulation.world
    rest = world.motion.rest
    middle = np.array([30.0, 0.0, 0.0])
    bench.run(0.9)
    assert world.ship_pose == rest
    bench.run(6.0)
    moved = world.ship_pose.to_ned(middle) - rest.to_ned(middle)
    assert moved == pytest.approx([1.0, -2.0, 0.0], abs=1e-6)
    assert world.ship_pose.heading_rad - rest.heading_rad == pytest.approx(radians(3.0))
    bench.run(20.0)
    assert world.ship_pose.to_ned(middle) == pytest.approx(rest.to_ned(middle), abs=1e-6), "and goes back"


def propeller_starts() -> None:
    fault = kinds.PropellerStarts(at_s=1.0, jet_mps=4.0, diameter_m=2.0, station_m=1.5, depth_m=2.5, ramp_s=1.0)
    bench = Bench(fault, dvl="none")
    bench.run(3.0)
    world = bench.simulation.world

    def along(x: float, y: float = 0.0) -> float:
        n, e, _ = world.water.at(tuple(world.ship_pose.to_ned(np.array([x, y, 2.5])).tolist()), bench.now)
        heading = world.ship_pose.heading_rad
        return float(n * np.cos(heading) + e * np.sin(heading))

    assert along(1.4) == pytest.approx(-4.0, abs=0.1), "a jet aft"
    assert -3.0 < along(-10.0) < -1.0, "that slows as it spreads"
    assert abs(along(-2.0, 6.0)) < 0.1
    assert -1.0 < along(3.0) < -0.1, "and water that is drawn in from forward"
    assert abs(along(30.0)) < 0.01


def video_loss() -> None:
    faults = VideoFaults((kinds.VideoLoss(at_s=1.0, for_s=1.0),))
    assert [faults.shown(at) for at in (0.9, 1.5, 2.0)] == ["new", "none", "new"]


def video_freeze() -> None:
    faults = VideoFaults((kinds.VideoFreeze(at_s=1.0, for_s=1.0),))
    assert [faults.shown(at) for at in (0.9, 1.0, 1.9, 2.0)] == ["new", "old", "old", "new"]


def depth_sensor_loss() -> None:
    bench = Bench(kinds.DepthSensorLoss(at_s=2.0)).under_water()
    bench.run(4.0 - bench.now)
    assert "Depth sensor error!" in {message.text for message in bench.messages("STATUSTEXT")}
    assert bench.mode is Mode.MANUAL, "no mode that holds a depth can go on"


CHECKS: dict[str, Callable[[], None]] = {
    check.__name__: check
    for check in (
        dvl_dropout, position_loss, thruster_dead, thruster_fouled, leak, battery_sag, tether_snag, tether_pull,
        link_loss, link_burst_loss, other_station_heartbeat, operator_takes_over, video_freeze, video_loss,
        light_failure, compass_jump, pressure_glitch, depth_sensor_loss, current_gust, ship_moves, propeller_starts,
    )
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_effect_is_there(kind):
    CHECKS[kind]()


def test_faults_of_one_kind_overlap_and_the_end_of_one_does_not_end_the_other():
    bench = Bench(kinds.BatterySag(at_s=1.0, for_s=6.0, drop_v=1.0), kinds.BatterySag(at_s=2.0, for_s=2.0, drop_v=2.0))
    bench.run(3.9)
    assert bench.simulation.battery.sag_v == 3.0
    bench.run(1.0)
    assert bench.simulation.battery.sag_v == 1.0
    bench.run(2.5)
    assert bench.simulation.battery.sag_v == 0.0


def test_a_fault_outlives_a_reboot_of_the_autopilot():
    bench = Bench(kinds.Leak(at_s=1.0), kinds.LightFailure(at_s=1.0))
    bench.run(1.5)
    before = bench.simulation.autopilot
    bench.command(246, 1)
    bench.run(0.5)
    assert bench.simulation.autopilot is not before
    assert bench.simulation.autopilot.failsafes.leak
    assert bench.simulation.autopilot.payload.light_left == 0.0


# ---------------------------------------------------------------- the reader


@pytest.mark.parametrize(
    ("entry", "faults"),
    [
        pytest.param(
            "{at_s: 1, kind: dvl_dropot}",
            [f"faults[0].kind: input should be one of {CHOICES} (got 'dvl_dropot'); did you mean dvl_dropout?"],
            id="a kind with a slip of the pen",
        ),
        pytest.param("{at_s: 1}", [f"faults[0]: says not which it is: one of {CHOICES}"], id="no kind"),
        pytest.param(
            "{at_s: 1, kind: thruster_dead, motor: 3}",
            [
                "faults[0].motor: unknown key; known keys: at_s, for_s, kind, thruster",
                "faults[0].thruster: required, but not given",
            ],
            id="a key that the kind does not have",
        ),
        pytest.param(
            "{at_s: 1, kind: thruster_dead, thruster: 9}",
            ["faults[0].thruster: input should be less than or equal to 8 (got 9)"],
            id="a motor that is not there",
        ),
        pytest.param(
            "{at_s: soon, kind: leak, for_s: -1}",
            [
                "faults[0].at_s: input should be a valid number, unable to parse string as a number (got 'soon')",
                "faults[0].for_s: input should be greater than 0 (got -1)",
            ],
            id="words and negative times",
        ),
        pytest.param(
            "{at_s: 1, kind: link_loss, direction: up}",
            ["faults[0].direction: input should be 'both', 'to_vehicle' or 'from_vehicle' (got 'up')"],
            id="a choice that is none",
        ),
        pytest.param(
            "{at_s: 1, kind: leak, drop_v: 2}",
            ["faults[0].drop_v: unknown key; known keys: at_s, for_s, kind"],
            id="a key of another kind",
        ),
    ],
)
def test_bad_entries_are_refused_with_file_and_line(tmp_path: Path, entry: str, faults: list[str]):
    file = tmp_path / "x.yaml"
    file.write_text(f"seed: 1\nfaults:\n  - {entry}\n")
    with pytest.raises(MissionFileError) as refused:
        load_scenario(file)
    assert str(refused.value).splitlines() == [f"{file}:3: {fault}" for fault in faults]


def test_messages_of_a_foreign_station_are_what_a_station_sends():
    """They decode with the dialect alone, with sequence numbers that count."""
    bench = Bench(kinds.OperatorTakesOver(at_s=0.5))
    bench.run(2.0)
    numbers = [message.get_seq() for _, message in bench.others]
    assert numbers == list(range(len(numbers)))
    assert {type(message).__module__ for _, message in bench.others} == {mavlink.__name__}
