"""The two seams of this room: a vehicle, and a sensor that measures distances.

Implementations: ``ArduSubVehicle`` (a BlueROV2, the embedded simulator and ArduSub's own simulator: the same
code), ``WaterLinkedDvl`` and ``MavlinkRange``; replays of recorded missions implement both.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.vehicle.commands import Command
from hullscan.vehicle.messages import Source
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.sources import Station
from hullscan.vehicle.telemetry import Telemetry
from hullscan.words import fill

__all__ = [
    "Bools",
    "ControlState",
    "Disarm",
    "RangeCounts",
    "RangeReport",
    "RangeSensor",
    "Readiness",
    "Vehicle",
    "VehicleIdentity",
]

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class VehicleIdentity:
    """Who answered: MAVLink source, firmware ("4.5.3") and its git hash; empty where it did not say."""

    source: Source
    firmware: str = ""
    git_hash: str = ""


@dataclass(frozen=True, slots=True)
class ControlState:
    """Whether hullscan flies, and if not, why.

    Attributes:
        held: True between ``take_control`` and the moment when somebody or something else took over.
        reason: for people, in English, such as "mode changed from GUIDED to MANUAL, not by hullscan".
        since_utc_s: when this state began.
        message, data: the same with words for people (``hullscan.words``).
    """

    held: bool
    message: str
    since_utc_s: float
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """In English."""
        return fill(self.message, self.data)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the estimator knows a position good enough for GUIDED, and what it lacks."""

    ready: bool
    reason: str


class Disarm(Enum):
    """What ``armed()`` does when it is left.

    Under a hull neither is safe by itself: a disarmed vehicle floats up against the ship, and so does SURFACE.
    """

    WHEN_SHALLOW = "disarm near the surface; else hold position, stay armed and say so"
    SURFACE_FIRST = "rise to the surface, then disarm; only where the water above is open"
    AT_ONCE = "disarm at any depth"


class Vehicle(Protocol):
    """One vehicle. Every wait is in mission time; every method may be called from any thread."""

    @property
    def telemetry(self) -> Telemetry:
        """What it said, by mission time."""
        ...

    @property
    def control(self) -> ControlState:
        """Whether hullscan flies it."""
        ...

    def connect(self) -> VehicleIdentity:
        """Find the vehicle and start its streams.

        Raises:
            LinkError: it is not heard, or a stream that is needed does not come.
        """
        ...

    def close(self) -> None:
        """Let go and hang up."""
        ...

    def check(self) -> None:
        """Raise what went wrong behind our back: the log's disk (RecordError), the link (LinkError)."""
        ...

    def readiness(self) -> Readiness:
        """Whether it can be flown by position."""
        ...

    def stations(self) -> list[Station]:
        """Other ground stations whose heartbeat was heard."""
        ...

    def slowed_streams(self) -> tuple[str, ...]:
        """Messages that came as often as asked for, and do not now: they have been asked for again."""
        ...

    def take_control(self) -> None:
        """Begin to fly: our heartbeat starts, and from now on a foreign hand is noticed."""
        ...

    def let_go(self, reason: str) -> None:
        """Stop heartbeat and commands at once; the vehicle is left as it is."""
        ...

    def armed(self, leaving: Disarm = Disarm.WHEN_SHALLOW) -> AbstractContextManager[None]:
        """Arm; on any exit disarm as ``leaving`` says, unless somebody else flies by then."""
        ...

    def rearm(self) -> None:
        """Arm again what a failsafe has disarmed, inside ``armed()``.

        Raises:
            RefusedError: not in control, or refused, with the vehicle's own words.
        """
        ...

    def set_mode(self, mode: Mode) -> None:
        """Change the flight mode and wait until the vehicle's heartbeat says so.

        Raises:
            RefusedError: with the vehicle's own words.
            LinkError: no answer.
        """
        ...

    def send(self, command: Command) -> Command:
        """Send a command; the command as it was really sent, after clipping.

        Raises:
            RefusedError: not in control, not in a mode that obeys it, or not finite.
        """
        ...

    def parameter(self, name: str) -> float:
        """Value of a parameter, under this or another vintage's name."""
        ...

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter and verify what the vehicle made of it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RangeReport:
    """One measurement of distances along known directions.

    Attributes:
        utc_s: mission time of the measurement itself.
        directions_frd: (n, 3) unit vectors from the sensor, body frame.
        distances_m: (n,) along them; NaN where not valid.
        valid: (n,) whether the sensor vouches for the beam.
        suspect: (n,) valid but implausibly short against the last seconds; use with care, never in silence.
        velocity_frd_mps: (3,) of the vehicle relative to what it looks at; None when unknown.
        figure_of_merit: of the velocity, m/s; NaN when the sensor has none.
    """

    utc_s: float
    directions_frd: Array
    distances_m: Array
    valid: Bools
    suspect: Bools
    velocity_frd_mps: Array | None = None
    figure_of_merit: float = float("nan")

    def __post_init__(self) -> None:
        n = len(self.distances_m)
        shapes = self.directions_frd.shape, self.distances_m.shape, self.valid.shape, self.suspect.shape
        if shapes != ((n, 3), (n,), (n,), (n,)):
            raise ValueError(f"expected shapes (n, 3), (n,), (n,), (n,), got {shapes}")

    @property
    def good(self) -> Bools:
        """(n,) valid and not suspect."""
        return self.valid & ~self.suspect


@dataclass(slots=True)
class RangeCounts:
    """What a sensor delivered, and what was wrong with it; nothing is dropped uncounted.

    Attributes:
        reports: measurements taken, the invalid and suspect ones included.
        invalid: of them without a single valid beam.
        suspect: of them with at least one implausibly short beam.
        repeated: identical lines, left out.
        damaged: lines that could not be read, left out.
        other: messages of other kinds, by kind.
        reconnects: how often a lost connection came back.
        clock_jumps: how often the sensor's own clock was set anew.
    """

    reports: int = 0
    invalid: int = 0
    suspect: int = 0
    repeated: int = 0
    damaged: int = 0
    other: dict[str, int] = field(default_factory=dict)
    reconnects: int = 0
    clock_jumps: int = 0


class RangeSensor(Protocol):
    """Distances along beams, by mission time."""

    @property
    def counts(self) -> RangeCounts:
        """What came so far."""
        ...

    def start(self) -> None:
        """Begin to listen.

        Raises:
            SensorError: it cannot be reached.
        """
        ...

    def close(self) -> None:
        """Stop listening."""
        ...

    def check(self) -> None:
        """Raise what went wrong behind our back: SensorError, or RecordError of its log."""
        ...

    def latest(self) -> RangeReport | None:
        """The last report, valid or not; None before the first."""
        ...

    def since(self, utc_s: float) -> list[RangeReport]:
        """Reports later than a time, the oldest first; at least the last minute is kept."""
        ...

    def age_s(self, now_s: float) -> float:
        """How old the last report with a good beam is; infinite before the first."""
        ...
