"""One line of a Water Linked DVL's JSON, as values.

Protocol json_v3.3 (docs.waterlinked.com, TCP JSON API), down to the first one, which has no ``type`` and no
time stamps. Distances are along the beam, velocities are the DVL's relative to what it looks at; axes are the
DVL's own: x towards its LED, z out of its face.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from hullscan.vehicle.messages import Vector3

__all__ = ["Beam", "Config", "DamagedLineError", "Other", "Response", "VelocityReport", "parse_line"]

MAX_LINE = 65_536
"""Bytes; a velocity report has about 1,000."""
_MAX_BEAMS = 16


class DamagedLineError(Exception):
    """The line is not the DVL's JSON; stays inside the client, which counts it."""


@dataclass(frozen=True, slots=True)
class Beam:
    """One transducer, numbered 0 to 3; ``distance_m`` NaN unless ``valid``."""

    index: int
    distance_m: float
    valid: bool


@dataclass(frozen=True, slots=True)
class VelocityReport:
    """A velocity-and-transducer report.

    Attributes:
        velocity_mps: None unless the DVL vouches for it and it tracks the surface, not the water.
        figure_of_merit: m/s, NaN when missing.
        altitude_m: along the DVL's z axis, NaN unless valid (the DVL writes -1, or its last value).
        beams: what each transducer saw.
        validity_s, transmission_s: of the echo and of the sending, the DVL's clock; None in old protocols.
        hot: it will soon switch itself off (status bit 0).
    """

    velocity_mps: Vector3 | None
    figure_of_merit: float
    altitude_m: float
    beams: tuple[Beam, ...]
    validity_s: float | None
    transmission_s: float | None
    hot: bool


@dataclass(frozen=True, slots=True)
class Config:
    """What the DVL is set to."""

    range_mode: str
    rotation_rad: float
    """Mounting rotation offset: velocities were turned by it about z, clockwise."""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a command."""

    command: str
    success: bool
    error: str
    config: Config | None


@dataclass(frozen=True, slots=True)
class Other:
    """A line that is not used here, such as ``position_local``."""

    kind: str


def _number(value: Any) -> float:
    """A finite number or NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return float("nan")
    try:
        number = float(value)
    except OverflowError:
        return float("nan")
    return number if math.isfinite(number) else float("nan")


def _stamp(value: Any) -> float | None:
    """Microseconds as seconds; None when missing or not sane."""
    number = _number(value)
    return number / 1e6 if 0 < number < 1e17 else None


def _beam(value: Any) -> Beam | None:
    if not isinstance(value, dict):
        return None
    index = value.get("id")
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < _MAX_BEAMS:
        return None
    distance_m = _number(value.get("distance"))
    valid = value.get("beam_valid") is True and distance_m > 0
    return Beam(index, distance_m if valid else float("nan"), valid)


def _velocity(line: dict[str, Any]) -> VelocityReport:
    tracks_water = line.get("type") == "velocity_water" or line.get("tracking_mode") == "water"
    valid = line.get("velocity_valid") is True and not tracks_water
    velocity = (_number(line.get("vx")), _number(line.get("vy")), _number(line.get("vz")))
    altitude_m = _number(line.get("altitude"))
    listed = line.get("transducers")
    beams = [beam for value in (listed if isinstance(listed, list) else [])[:_MAX_BEAMS] if (beam := _beam(value))]
    if tracks_water:
        beams = [Beam(beam.index, float("nan"), False) for beam in beams]
    status = line.get("status")
    return VelocityReport(
        velocity if valid and all(math.isfinite(component) for component in velocity) else None,
        _number(line.get("fom")),
        altitude_m if valid and altitude_m > 0 else float("nan"),
        tuple(sorted(beams, key=lambda beam: beam.index)),
        _stamp(line.get("time_of_validity")),
        _stamp(line.get("time_of_transmission")),
        isinstance(status, int) and bool(status & 1),
    )


def _response(line: dict[str, Any]) -> Response:
    result = line.get("result")
    config = None
    if isinstance(result, dict) and "range_mode" in result:
        degrees = _number(result.get("mounting_rotation_offset"))
        config = Config(str(result["range_mode"])[:20], math.radians(degrees) if math.isfinite(degrees) else 0.0)
    error = str(line.get("error_message") or "")[:200]
    return Response(str(line.get("response_to"))[:40], line.get("success") is True, error, config)


def parse_line(line: bytes) -> VelocityReport | Response | Other:
    """Read one line, without its newline.

    Raises:
        DamagedLineError: it is not an object in JSON.
    """
    if len(line) > MAX_LINE:
        raise DamagedLineError("too long")
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, a number of thousands of digits, nested too deep
        raise DamagedLineError("not JSON") from None
    if not isinstance(parsed, dict):
        raise DamagedLineError("not an object")
    kind = parsed.get("type")
    if kind in ("velocity", "velocity_water") or (kind is None and "velocity_valid" in parsed):
        return _velocity(parsed)
    if kind == "response" or "response_to" in parsed:
        return _response(parsed)
    return Other(str(kind)[:40])
