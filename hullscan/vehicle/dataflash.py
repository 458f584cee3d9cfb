"""The autopilot's own log (dataflash, ``.BIN``) as telemetry: for dives of which no ground station kept a ``.tlog``.

Its records carry microseconds since the autopilot started. The time of day comes from a GPS in the log; a vehicle that
only dives has none, and then somebody must say when the log began.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from math import radians
from pathlib import Path
from typing import Any, Final

from hullscan.clock import SimulatedClock
from hullscan.errors import InputError
from hullscan.vehicle import messages as m
from hullscan.vehicle.sources import AUTOPILOT
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["is_dataflash", "read_dataflash"]

_MAGIC: Final = b"\xa3\x95"
_READ: Final = ("ATT", "XKF1", "NKF1", "CTUN", "BARO", "BAT", "RFND", "MODE", "ARM", "ORGN", "MSG", "GPS")
_EKF_LIKE: Final = ("XKF1", "NKF1")
_SUBMARINE, _ARDUPILOT = 12, 3  # MAV_TYPE, MAV_AUTOPILOT
_GPS_EPOCH_S, _LEAP_S = 315_964_800.0, 18  # of 1980-01-06 in UTC; leap seconds since then (none new since 2017)
_RANGE_M: Final = (0.2, 50.0)  # what an RFND record counts as measured; it states no limits itself


def is_dataflash(path: Path) -> bool:
    """Whether a file begins as such a log does; a file that cannot be read does not."""
    try:
        with path.open("rb") as file:
            return file.read(2) == _MAGIC
    except OSError:
        return False


def read_dataflash(path: Path, begin_utc_s: float | None = None) -> Telemetry:
    """Fill a ``Telemetry`` from a log.

    Args:
        path: the ``.BIN``.
        begin_utc_s: UTC of its first record, where it has no GPS time.

    Raises:
        InputError: it cannot be read, or nobody knows its time.
    """
    from pymavlink import DFReader

    try:
        with _quiet():
            log = DFReader.DFReader_binary(str(path))
            records = _records(log)
            log.close()
    except Exception as error:  # noqa: BLE001 - the library raises anything on a damaged log
        raise InputError(f"the log cannot be read: {error}", where=str(path)) from None
    offset_s = _boot_utc_s(records, path, begin_utc_s)
    telemetry = Telemetry(SimulatedClock(), AUTOPILOT, offset_s)
    armed, mode = False, 0
    for record in records:
        boot_s, kind = record.TimeUS / 1e6, record.get_type()
        if kind == "ARM":
            armed = bool(record.ArmState)
        if kind == "MODE":
            mode = int(record.ModeNum)
        message = _beat(armed, mode) if kind in ("ARM", "MODE") else _message(record, kind, boot_s)
        if message is not None:
            telemetry.observe(AUTOPILOT, message, offset_s + boot_s)
    return telemetry


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The library prints a line for each damaged byte."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


def _records(log: Any) -> list[Any]:
    """What is read of a log, in order; a damaged record is its end."""
    records = []
    with contextlib.suppress(Exception):  # the library raises anything on a damaged record
        while (record := log.recv_match(type=list(_READ))) is not None:
            if getattr(record, "TimeUS", 0):
                records.append(record)
    return records


def _boot_utc_s(records: list[Any], path: Path, begin_utc_s: float | None) -> float:
    """UTC at which the autopilot's clock read zero."""
    if begin_utc_s is not None:
        if not records:
            raise InputError("the log holds no attitude and no position", where=str(path))
        return begin_utc_s - float(records[0].TimeUS) / 1e6
    for record in records:
        if record.get_type() == "GPS" and record.Status >= 3 and record.GWk > 0:
            gps_s = record.GWk * 604_800 + record.GMS / 1000
            return float(_GPS_EPOCH_S + gps_s - _LEAP_S - record.TimeUS / 1e6)
    raise InputError(
        "the log does not know the time of day: there is no GPS time in it",
        where=str(path),
        todo="give --telemetry-utc, when it began",
    )


def _beat(armed: bool, mode: int) -> m.Heartbeat:
    return m.Heartbeat(_SUBMARINE, _ARDUPILOT, 128 * armed, mode, 4)


def _message(record: Any, kind: str, boot_s: float) -> m.Message | None:
    """The message that says the same; of several estimators and sensors the first."""
    if kind == "ATT":
        angles = (radians(record.Roll), radians(record.Pitch), radians(record.Yaw))
        return m.Attitude(boot_s, *angles, (0.0, 0.0, 0.0))
    if kind in _EKF_LIKE:
        if getattr(record, "C", 0):
            return None
        return m.LocalPosition(boot_s, (record.PN, record.PE, record.PD), (record.VN, record.VE, record.VD))
    if kind == "CTUN":
        return m.VfrHud(record.Alt, 0.0, 0.0)
    if kind == "BARO":
        return m.Pressure(boot_s, 2, record.Press, record.Temp) if getattr(record, "I", 0) == 1 else None
    if kind == "BAT":
        return m.SysStatus(0, 0, 0, record.Volt, record.Curr, 0.0) if not getattr(record, "Instance", 0) else None
    if kind == "RFND":
        distance_m = float(getattr(record, "Dist", getattr(record, "Dist1", 0.0)))
        orientation = int(getattr(record, "Orient", 0))
        return m.DistanceSensor(boot_s, 0, orientation, distance_m, *_RANGE_M, 0, 0)
    if kind == "ORGN":
        return m.GpsOrigin(record.Lat, record.Lng, record.Alt)
    return m.StatusText(6, str(record.Message)) if kind == "MSG" else None
