"""A real ArduSub in our world: its pulses move our body, our sensors are what it feels.

In lock-step: ArduSub sends the pulses of one step and waits, the world moves by that step, and the answer lets
ArduSub think the next one. MAVLink is passed on in both directions unread, so a ground station talks to the
firmware itself. What the embedded autopilot has to imitate comes from the real thing here: estimator, modes,
failsafes, battery monitor, barometer, compass and, for ``vehicle.position: gps``, the GPS.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf
from typing import Protocol

from hullscan.errors import LinkError
from hullscan_sim.ardusub_parameters import BATTERY_V
from hullscan_sim.companion import Companion
from hullscan_sim.dynamics import STEP_S
from hullscan_sim.json_backend import Arrival, JsonPort, ServoPacket, sensor_line
from hullscan_sim.mavlink_server import Bystanders, MavlinkServer
from hullscan_sim.pacing import Pacer
from hullscan_sim.plant import Plant
from hullscan_sim.servo_rail import ServoRail
from hullscan_sim.steel import LEAST_CHANGE_MGAUSS, PERIOD_S, SteelCompass

__all__ = ["ArduSubSimulation", "Firmware"]

_WAIT_S = 0.2  # of ``JsonPort.wait``
_RELAY_S = 0.01
_SLOW_S = 0.05
_NOT_INSIDE = ("leak", "compass_jump", "depth_sensor_loss")  # 4.5.3 takes none of them from outside


class Firmware(Protocol):
    """The program that is flown, as far as the simulation cares."""

    def check(self) -> None:
        """Raise LinkError when it has ended by itself."""
        ...


class ArduSubSimulation:
    """One flight of a real ArduSub.

    Args:
        plant: the vehicle without its autopilot.
        port: where ArduSub's physics is served.
        firmware: the running program.
        ground: where a ground station talks.
        autopilot: the other end of ArduSub's first serial line.
        companion: the computer on its second one.
        steel: what the hull does to the compass; None for a perfect one.
        note: told of notable events, one line each.
        patience_s: for how long ArduSub may be silent, in real time.
    """

    def __init__(
        self,
        plant: Plant,
        port: JsonPort,
        firmware: Firmware,
        *,
        ground: MavlinkServer,
        autopilot: MavlinkServer,
        companion: Companion,
        steel: SteelCompass | None = None,
        note: Callable[[str], None] = lambda line: None,
        patience_s: float = 20.0,
    ) -> None:
        self._patience_s = patience_s
        self.plant, self._port, self._firmware, self._note = plant, port, firmware, note
        self._ground, self._autopilot, self._companion = ground, autopilot, companion
        self._home = plant.body.position[:2]
        self._bystanders, self.rail = Bystanders(), ServoRail()
        self.time_s = self._boot_s = 0.0
        self._relay_s = self._slow_s = self._steel_s = 0.0
        self._steel = steel
        self._answer = b""
        self._acting: dict[str, float] = {}
        self._gps = plant.world.scenario.vehicle.position == "gps"
        for fault in plant.world.scenario.faults:
            if fault.kind in _NOT_INSIDE:
                note(f"fault {fault.kind} cannot act inside a real firmware: left out")

    # ---------------------------------------------------------------- time

    def await_firmware(self, stop: Callable[[], bool]) -> None:
        """Return when ArduSub has asked for its first step, or when told to stop.

        Raises:
            LinkError: it ended, or sent nothing within its patience.
        """
        while not stop() and not self.step(stop):
            pass

    def run(self, speedup: float, stop: Callable[[], bool]) -> None:
        """Advance at a multiple of real time until told to stop; slower when the computer cannot keep up.

        Raises:
            LinkError: ArduSub ended or fell silent.
        """
        pacer = Pacer(speedup)
        while not stop():
            if self.step(stop):
                pacer.wait(self.time_s)

    def step(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Wait for ArduSub's next step and take it; False when told to stop meanwhile.

        Raises:
            LinkError: ArduSub ended or fell silent.
        """
        silent_s = 0.0
        while True:
            arrival = self._port.wait()
            if arrival is Arrival.AGAIN:
                self._port.answer(self._answer)
            elif arrival is not Arrival.NOTHING:
                break
            self._firmware.check()
            silent_s += _WAIT_S
            if silent_s >= self._patience_s:
                raise LinkError(
                    f"ArduSub sent no servo packet within {self._patience_s:.0f} s",
                    where="--binary",
                    todo="give an ArduSub SITL of version 4.5",
                )
            if stop():
                return False
        if arrival is Arrival.REBOOT:
            self._reboot()
        packet = self._port.packet
        assert packet is not None
        self._advance(packet)
        return True

    # ---------------------------------------------------------------- parts of a step

    def _reboot(self) -> None:
        self._boot_s = self.time_s
        self._companion.restart()
        self._acting.clear()
        self._note(f"{self.time_s:.1f} s: ArduSub reboots")

    def _advance(self, packet: ServoPacket) -> None:
        plant, step_s = self.plant, packet.step_s
        pulses = packet.pulses_us[:8]
        self.rail.follow(packet.pulses_us, step_s)
        parts = max(ceil(step_s / STEP_S - 1e-9), 1)  # the body's steps have a greatest length
        for _ in range(parts):
            plant.move(self.time_s, pulses, step_s / parts)
            self.time_s += step_s / parts
        time_s, boot_s = self.time_s, self.time_s - self._boot_s
        plant.begin_step(time_s)
        report = plant.sense(time_s)
        if report is not None and not self._gps and not plant.faults.now.position_loss:
            body = plant.body
            self._companion.pass_on(report, boot_s, (body.roll_rate, body.pitch_rate, body.yaw_rate))
        if time_s >= self._slow_s:
            self._slow_s += _SLOW_S
            plant.battery.step(plant.thrusters.power_w, self.rail.lights, _SLOW_S)
            self._inject()
        if time_s >= self._relay_s:
            self._relay_s += _RELAY_S
            self._relay(time_s, boot_s)
        plant.picture(time_s, self.rail.lights * plant.faults.now.light_left, self.rail.tilt_rad)
        plant.record(time_s)
        down, forward = plant.sounders.down.distance_m, plant.sounders.forward.distance_m
        self._answer = sensor_line(boot_s, plant.body, self._home, down, forward)
        self._port.answer(self._answer)

    def _relay(self, time_s: float, boot_s: float) -> None:
        """Pass MAVLink on both ways, unread; what the scenario's faults do to a link acts on it."""
        self._companion.poll(boot_s)
        if self._companion.armed:
            self.plant.tender.let_go()
        down, up = self._autopilot.receive_datagrams(), self._ground.receive_datagrams()
        acting = self.plant.faults.now
        heard, acting.heard = acting.heard, []
        down, up = [*self._bystanders.packets(time_s), *heard, *down], [*heard, *up]
        if not acting.mute:
            self._ground.send([packet for packet in down if not any(burst.loses() for burst in acting.bursts)])
        if not acting.deaf:
            self._autopilot.send([packet for packet in up if not any(burst.loses() for burst in acting.bursts)])

    def _inject(self) -> None:
        """Let faults and steel act in the firmware, by its own simulator's parameters."""
        if not self._companion.heard:
            return
        acting = self.plant.faults.now
        wanted = {"SIM_BATT_VOLTAGE": BATTERY_V - acting.sag_v}
        # told as height, ours as depth; of both its sensors: it flies by the first and tells the second as the water's
        wanted |= dict.fromkeys(("SIM_BARO_GLITCH", "SIM_BAR2_GLITCH"), -acting.glitch_m)
        if self._gps:
            wanted["SIM_GPS_DISABLE"] = float(acting.position_loss)
        for name, value in wanted.items():
            usual = BATTERY_V if name == "SIM_BATT_VOLTAGE" else 0.0
            if value != self._acting.get(name, usual):
                self._acting[name] = value
                self._companion.set_parameter(name, value)
        if self._steel is not None and self.time_s >= self._steel_s:
            self._steel_s = self.time_s + PERIOD_S
            for axis, offset in zip("XYZ", self._steel.offset_mgauss(), strict=True):
                name = f"SIM_MAG1_OFS_{axis}"
                if abs(offset - self._acting.get(name, inf)) > LEAST_CHANGE_MGAUSS:  # each is echoed to everybody
                    self._acting[name] = offset
                    self._companion.set_parameter(name, offset)
