"""The companion computer beside a real ArduSub: what BlueOS and its DVL driver do on a vehicle.

It talks over the second serial line. It tells the estimator where the local frame's origin lies until the
estimator says that it knows, and passes on each valid velocity of the DVL as VISION_POSITION_DELTA. It also
listens: whether the vehicle is armed, its mode, and its warnings. It sends no heartbeat of a ground station,
which would hold off ArduSub's failsafe.
"""

from __future__ import annotations

from collections.abc import Callable

from hullscan.geometry.frames import GeoOrigin
from hullscan_sim.dvl import DvlReport
from hullscan_sim.mavlink_server import MavlinkServer, Packer
from hullscan_sim.messages import Message, mavlink
from hullscan_sim.modes import Mode

__all__ = ["BOOT_S", "Companion"]

BOOT_S = 9.0
"""From the autopilot's start to the first word of its companion, whose own start takes longer. It matters: when
deltas come before the estimator has levelled itself (4.2 s) it navigates by them at once, later only when it has
learned its gyros' biases, which took until 43.5 s."""

_COMPONENT = 194  # as of the bystanders: MAV_COMP_ID_ONBOARD_COMPUTER4
_AUTOPILOT = 1
_ARMED = 128  # MAV_MODE_FLAG_SAFETY_ARMED
_ORIGIN_S = 1.0
_BEAT_S = 1.0
_LONGEST_S = 0.5  # a delta over a longer gap would be a guess
_WORST_FOM_MPS = 0.4  # of the DVL; BlueOS makes 100 % to 0 % confidence of 0 to this
_WARNING = 4  # MAV_SEVERITY
_REAL32 = 9  # MAV_PARAM_TYPE
_MODES = {int(mode): mode.name for mode in Mode}

Vector = tuple[float, float, float]


class Companion:
    """One line to the autopilot.

    Args:
        link: the second serial line's other end.
        origin: where the local frame's origin is to be; None leaves it to the GPS.
        note: told of changes and warnings, one line each.
        boot_s: it says nothing before this time of the autopilot's.

    Attributes:
        armed: as the autopilot's last heartbeat said.
        heard: whether it ever spoke.
        deltas: how many were sent.
    """

    def __init__(
        self, link: MavlinkServer, origin: GeoOrigin | None, note: Callable[[str], None], *, boot_s: float = 0.0
    ) -> None:
        self._link, self._origin, self._note, self._boot_s = link, origin, note, boot_s
        self._packer = Packer(_COMPONENT)
        self.restart()
        self.deltas = 0

    def restart(self) -> None:
        """The autopilot starts anew: it knows nothing."""
        self.armed = self.heard = False
        self._mode: int | None = None
        self._origin_known = self._origin is None
        self._origin_s = self._beat_s = 0.0

    def poll(self, time_s: float) -> None:
        """Hear what the autopilot says, and keep it informed of the origin.

        Args:
            time_s: since the autopilot's start.
        """
        for message in self._link.receive():
            if message.get_srcComponent() == _AUTOPILOT:
                self._hear(message, time_s)
        if not self.heard or time_s < self._boot_s:
            return
        if time_s >= self._beat_s:
            self._beat_s = time_s + _BEAT_S
            self._send(mavlink.MAVLink_heartbeat_message(18, 8, 0, 0, 4, 3))  # onboard controller, no autopilot
        if not self._origin_known and self._origin is not None and time_s >= self._origin_s:
            self._origin_s = time_s + _ORIGIN_S
            place = (round(part * 1e7) for part in (self._origin.lat_deg, self._origin.lon_deg))
            self._send(mavlink.MAVLink_set_gps_global_origin_message(1, *place, 0))

    def _hear(self, message: Message, time_s: float) -> None:
        self.heard = True
        kind = message.get_type()
        if kind == "HEARTBEAT":
            self._beat(message, time_s)
        elif kind == "GPS_GLOBAL_ORIGIN":
            self._origin_known = True
        elif kind == "STATUSTEXT" and message.severity <= _WARNING:
            self._note(f"{time_s:.1f} s: ArduSub: {message.text}")

    def _beat(self, message: Message, time_s: float) -> None:
        armed, mode = bool(message.base_mode & _ARMED), int(message.custom_mode)
        if mode != self._mode:
            self._mode = mode
            self._note(f"{time_s:.1f} s: mode {_MODES.get(mode, mode)}")
        if armed != self.armed:
            self.armed = armed
            self._note(f"{time_s:.1f} s: {'armed' if armed else 'disarmed'}")

    def pass_on(self, report: DvlReport, time_s: float, rates_radps: Vector) -> None:
        """One velocity of the DVL, as the driver on the companion passes it on; an invalid one is not.

        Args:
            time_s: since the autopilot's start.
            rates_radps: of the body, from the autopilot's gyro.
        """
        step_s = report.interval_ms / 1000
        if not report.valid or not 0 < step_s <= _LONGEST_S or time_s < self._boot_s:
            return
        confidence = 100 * (1 - min(report.fom / _WORST_FOM_MPS, 1.0))
        turn = [rate * step_s for rate in rates_radps]
        way = [speed * step_s for speed in report.velocity_frd]
        self._send(
            mavlink.MAVLink_vision_position_delta_message(
                round(time_s * 1e6), round(step_s * 1e6), turn, way, confidence
            )
        )
        self.deltas += 1

    def set_parameter(self, name: str, value: float) -> None:
        """Set one of the simulator's own parameters; the scenario's faults act by them."""
        self._send(mavlink.MAVLink_param_set_message(1, _AUTOPILOT, name.encode("ascii"), value, _REAL32))

    def _send(self, message: Message) -> None:
        self._link.send([self._packer(message)])

    def close(self) -> None:
        """Hang up."""
        self._link.close()
