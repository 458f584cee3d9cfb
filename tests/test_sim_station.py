"""The link, and the ground station in this process that the other simulator tests fly with."""

from __future__ import annotations

from collections.abc import Iterable
from math import degrees
from typing import Any

from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.spec import Berth, Launch, Ship
from hullscan.ship.surface import HullSurface
from hullscan_sim.mavlink_server import MemoryLink, parse
from hullscan_sim.messages import mavlink
from hullscan_sim.modes import Mode
from hullscan_sim.scenario import Scenario, ShipAtBerth, VehicleOptions
from hullscan_sim.simulation import Simulation

FORM = BulkCarrier(length_m=60, beam_m=11, draught_fwd_m=3.6, draught_aft_m=3.9)
HULL: HullSurface = build_hull(FORM)


def stated_ship(**launch: Any) -> ShipAtBerth:
    return ShipAtBerth(
        ship=Ship(name="MV Haneul", form=FORM),
        berth=Berth(lat_deg=35.0767, lon_deg=129.08, heading_deg=62, quay_side="port", water_depth_m=9.5),
        launch=Launch(**{"side": "starboard", "station_m": 30.0, "distance_m": 4.0, **launch}),
    )


IGNORE_ALL_BUT = {"position": 0x0DF8, "position_yaw": 0x09F8, "velocity": 0x0DC7, "velocity_yaw": 0x09C7,
                  "velocity_rate": 0x05C7, "posvel": 0x0DC0, "posvel_yaw": 0x09C0}  # fmt: skip


class Station:
    """A ground station (255, 190) on a memory link; sends its heartbeat once a second of simulated time."""

    def __init__(self, simulation: Simulation, link: MemoryLink, *, system: int = 255, heartbeat: bool = True) -> None:
        self.simulation, self.link, self.heartbeat = simulation, link, heartbeat
        self.received: list[tuple[float, Any]] = []
        self.last: dict[str, Any] = {}
        self._mav = mavlink.MAVLink(None, srcSystem=system, srcComponent=190)
        self._next_s = 0.0

    @property
    def now(self) -> float:
        return self.simulation.time_s

    def send(self, message: Any) -> None:
        self.link.put(message.pack(self._mav))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end - 1e-9:
            if self.heartbeat and self.now >= self._next_s:
                self._next_s = self.now + 1.0
                self.send(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3))
            self.simulation.step()
            packets = self.link.take()
            if not packets:
                continue
            for message in (message for packet in packets for message in parse(packet)):
                if message.get_srcComponent() == 1:
                    self.received.append((self.now, message))
                    kind = message.get_type()
                    self.last[kind] = message
                    if kind == "NAMED_VALUE_FLOAT":
                        self.last[message.name] = message.value

    def wait(self, done: Any, seconds: float = 60.0) -> bool:
        end = self.now + seconds
        while self.now < end:
            if done():
                return True
            self.run(0.05)
        return bool(done())

    # ------------------------------------------------------------ what came

    def messages(self, kind: str, since: float = -1.0) -> list[Any]:
        return [message for at, message in self.received if at >= since and message.get_type() == kind]

    def texts(self, since: float = -1.0) -> list[tuple[int, str]]:
        return [(message.severity, message.text) for message in self.messages("STATUSTEXT", since)]

    @property
    def flags(self) -> int:
        message = self.last.get("EKF_STATUS_REPORT")
        return int(message.flags) if message else 0

    @property
    def mode(self) -> Mode:
        return Mode(self.last["HEARTBEAT"].custom_mode)

    @property
    def armed(self) -> bool:
        return bool(self.last["HEARTBEAT"].base_mode & 128)

    @property
    def position(self) -> tuple[float, float, float]:
        return self.simulation.autopilot.nav.position

    @property
    def yaw_deg(self) -> float:
        return degrees(self.simulation.autopilot.nav.attitude[2])

    # ------------------------------------------------------------ what to do

    def command(self, number: int, *params: float, as_int: bool = False, wait_s: float = 0.1) -> int | None:
        """The MAV_RESULT, or None when no acknowledgement came in time."""
        p = [*params, *[0.0] * (7 - len(params))]
        start = self.now
        if as_int:
            self.send(mavlink.MAVLink_command_int_message(1, 1, 6, number, 0, 0, *p[:4], int(p[4]), int(p[5]), p[6]))
        else:
            self.send(mavlink.MAVLink_command_long_message(1, 1, number, 0, *p))
        end = start + wait_s
        while self.now < end:
            self.run(0.01)
            for message in self.messages("COMMAND_ACK", start):
                if message.command == number:
                    return int(message.result)
        return None

    def set_mode(self, mode: int) -> int | None:
        return self.command(176, 1, mode)

    def arm(self) -> int | None:
        return self.command(400, 1)

    def set_param(self, name: str, value: float) -> None:
        self.send(mavlink.MAVLink_param_set_message(1, 1, name.encode(), value, 9))
        self.run(0.05)

    def setpoint(
        self,
        place: Iterable[float] = (0, 0, 0),
        velocity: Iterable[float] = (0, 0, 0),
        yaw: float = 0.0,
        rate: float = 0.0,
        *,
        mask: int,
        frame: int = 1,
    ) -> None:
        self.send(
            mavlink.MAVLink_set_position_target_local_ned_message(
                0, 1, 1, frame, mask, *place, *velocity, 0, 0, 0, yaw, rate
            )
        )

    def sticks(self, x: int = 0, y: int = 0, z: int = 500, r: int = 0, buttons: int = 0, **more: int) -> None:
        self.send(mavlink.MAVLink_manual_control_message(1, x, y, z, r, buttons, **more))

    def fly(self, seconds: float, each: Any, rate_hz: float = 10.0) -> None:
        """Call ``each`` with the time since the start at a rate."""
        start = self.now
        while self.now - start < seconds - 1e-9:
            each(self.now - start)
            self.run(1 / rate_hz)

    def ready(self, mode: Mode = Mode.GUIDED, *, stock: bool = True) -> Station:
        """Wait for a position, enter a mode, arm; ``stock`` leaves the pilot-input failsafe out, as stock SITL does."""
        if stock:
            self.simulation.parameters.set("FS_PILOT_INPUT", 0)
        assert self.wait(lambda: self.flags & 24 and not self.flags & 128), "no position"
        if not stock:
            self.run(max(3.5 - self.now, 0.0))  # past the pilot-input failsafe's first look
        assert self.set_mode(mode) == 0
        assert self.arm() == 0
        return self


def station(scenario: Scenario | None = None, *, launch: dict[str, Any] | None = None, **options: Any) -> Station:
    """A simulation and a ground station on it; ``options`` are VehicleOptions."""
    if scenario is None:
        # no lag to speak of: what the tests expect was measured on SITL's own vehicle, which has none
        merged = {"position": "gps", "compass": "perfect", "start_up": 0.0, "thruster_lag_s": 0.05, **options}
        scenario = Scenario(seed=7, vehicle=VehicleOptions(**merged))
    link = MemoryLink()
    simulation = Simulation(scenario, stated_ship(**(launch or {"distance_m": 30.0})), HULL, link=link)
    return Station(simulation, link)
