"""A real ArduSub (SITL) as the vehicle that is asked: started anew for each kind of vehicle that rows ask for.

It flies ArduPilot's own physics of a six-degree-of-freedom frame, not ours: firmware and body are then what the
behaviour sheet was measured on. A row that leaves the firmware unusable ends it, and the next row gets a fresh one.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from hullscan.errors import LinkError
from hullscan_sim.ardusub_process import ArduSubProcess
from hullscan_sim.conformance.bench import Bench, Check, Outcome, RemoteBench
from hullscan_sim.conformance.row import Row, Vehicle
from hullscan_sim.conformance.session import Session
from hullscan_sim.conformance.wire import UdpWire
from hullscan_sim.messages import mavlink

__all__ = ["FirmwareBench"]

_HOME = "35.0767,129.08,0,0"  # at height 0, the water's surface, and heading north
_DEFAULTS: dict[str, float] = {
    "FRAME_CONFIG": 2,  # vectored with six degrees of freedom
    "BATT_MONITOR": 4,  # voltage and current
    "SIM_BARO_RND": 0.02,  # m, as a Bar30; the default is 0.2
    # the joystick of ArduPilot's own sub-6dof.parm
    "BTN0_FUNCTION": 0, "BTN1_FUNCTION": 6, "BTN2_FUNCTION": 8, "BTN3_FUNCTION": 7, "BTN4_FUNCTION": 4,
    "BTN5_FUNCTION": 1, "BTN6_FUNCTION": 3, "BTN7_FUNCTION": 21, "BTN8_FUNCTION": 48, "BTN9_FUNCTION": 23,
    "BTN10_FUNCTION": 22, "BTN11_FUNCTION": 42, "BTN12_FUNCTION": 43, "BTN13_FUNCTION": 33, "BTN14_FUNCTION": 32,
    "BTN11_SFUNCTION": 47, "BTN12_SFUNCTION": 46, "BTN13_SFUNCTION": 45, "BTN14_SFUNCTION": 44,
    # the simulated sensors have offsets of their own, calibrated away by the same file
    **{f"COMPASS_OFS{n}_{axis}": value for n in ("", 2, 3) for axis, value in (("X", 5), ("Y", 13), ("Z", -18))},
    **{f"INS_ACC{n}OFFS_{axis}": 0.001 for n in ("", 2) for axis in "XYZ"},
    **{f"INS_ACC{n}SCAL_{axis}": 1.001 for n in ("", 2) for axis in "XYZ"},
}  # fmt: skip
_BY_DVL: dict[str, float] = {
    "GPS_TYPE": 0, "VISO_TYPE": 1, "EK3_SRC1_POSXY": 6, "EK3_SRC1_VELXY": 6, "EK3_SRC1_POSZ": 1, "EK3_SRC1_VELZ": 0,
    "SIM_VICON_TMASK": 8,  # SITL's own sensor of motion sends VISION_POSITION_DELTA alone, on its third serial line
}  # fmt: skip
_SILENT = {"serial0": "none:x", "serial1": "none:x", "serial2": "none:x"}


class FirmwareBench(Bench):
    """ArduSub's SITL in processes of its own.

    Args:
        binary: ArduSub 4.5.3, built with ``./waf configure --board sitl && ./waf sub``.
        pilot_binary: the same, built with the pilot-input failsafe left in; None skips the rows about it.
        defaults: a parameter file instead of ours, such as ArduPilot's ``sub-6dof.parm``.
        speedup: vehicle seconds for each real one. What the computer adds to an answer is multiplied by it.
    """

    def __init__(
        self, binary: Path, *, pilot_binary: Path | None = None, defaults: Path | None = None, speedup: float = 4.0
    ) -> None:
        self._binary, self._pilot_binary, self._speedup = binary, pilot_binary, speedup
        self._text = _lines(_DEFAULTS) if defaults is None else defaults.read_text(encoding="utf-8", errors="replace")
        self._stack = contextlib.ExitStack()
        self._remote: RemoteBench | None = None

    def run(self, row: Row) -> Outcome:
        """Run one row, twice where the vehicle could not be brought into its starting state."""
        if row.vehicle == "hardware" and self._pilot_binary is None:
            return Outcome(row, skipped="a stock SITL leaves the pilot-input failsafe out: give --pilot-binary")
        try:
            return self._run(row)
        except LinkError:
            self.close()
        try:
            return self._run(row)
        except LinkError as error:
            self.close()
            return Outcome(row, (Check("the row can be begun", str(error), False),))

    def _run(self, row: Row) -> Outcome:
        if self._remote is None or self._remote.vehicle != row.vehicle:
            self.close()
            self._remote = self._start(row.vehicle)
        self._remote.slack_s = self._remote.measure_slack()
        outcome = self._remote.run(row)
        if row.spoils or row.fails or row.boots:
            self.close()
        return outcome

    def _start(self, vehicle: Vehicle) -> RemoteBench:
        wire = UdpWire("udpin:127.0.0.1:0")
        self._stack.callback(wire.close)
        here = f"udpclient:127.0.0.1:{wire.port}"
        lines = {**_SILENT, "serial0": here}
        if vehicle == "dvl":
            lines["serial2"] = "sim:vicon"
        elif vehicle == "serial1":
            nobody = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            nobody.bind(("127.0.0.1", 0))
            lines.update(serial0=f"udpclient:127.0.0.1:{nobody.getsockname()[1]}", serial1=here)
        binary = self._pilot_binary if vehicle == "hardware" and self._pilot_binary is not None else self._binary
        text = self._text + "\n" + _lines(_BY_DVL if vehicle == "dvl" else {})
        self._stack.enter_context(ArduSubProcess(binary, text, self._command(lines)))
        return _OwnRemoteBench(wire, vehicle)

    def _command(self, lines: dict[str, str]) -> Callable[[Path], list[str]]:
        def command(defaults: Path) -> list[str]:
            with contextlib.ExitStack() as held:
                spare = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
                for each in spare:
                    each.bind(("127.0.0.1", 0))
                radio, lock = (str(each.getsockname()[1]) for each in spare)
            serial = [word for name, value in lines.items() for word in (f"--{name}", value)]
            return [
                "-w", "--model", "vectored_6dof", "--home", _HOME, "--speedup", f"{self._speedup:g}", "--rate", "400",
                "--defaults", str(defaults), *serial, "--sim-address", "127.0.0.1", "--rc-in-port", radio,
                "--irlock-port", lock,
            ]  # fmt: skip

        return command

    def close(self) -> None:
        """End the firmware."""
        self._remote = None
        self._stack.close()


class _OwnRemoteBench(RemoteBench):
    """A firmware that is ended, not rebooted, when a row has spoilt it."""

    def __init__(self, wire: UdpWire, vehicle: Vehicle) -> None:
        super().__init__("", vehicle, wire)

    def _begin(self) -> None:
        super()._begin()
        if self.vehicle == "dvl":  # a companion computer's task: without an origin there is no position
            _set_origin(self._link)

    def _spoiled(self, row: Row) -> None:
        """Nothing: the bench ends it."""


def _set_origin(session: Session) -> None:
    lat, lon = (round(float(part) * 1e7) for part in _HOME.split(",")[:2])
    for _ in range(10):
        session.send(mavlink.MAVLink_set_gps_global_origin_message(1, lat, lon, 0))
        if session.wait_for(lambda: "GPS_GLOBAL_ORIGIN" in session.last, 2.0):
            return


def _lines(values: dict[str, float]) -> str:
    return "".join(f"{name} {value:g}\n" for name, value in values.items())
