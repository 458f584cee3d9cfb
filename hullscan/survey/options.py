"""What a survey is asked for, what its screen is shown, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hullscan.clock import Clock, PacedClock, SystemClock
from hullscan.errors import HullscanError
from hullscan.findings.assess import Assessment
from hullscan.findings.merge import FindingRules
from hullscan.findings.seeing import LiveSeeing
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.pilot.pilot import Pilot
from hullscan.preflight.check import PreflightReport
from hullscan.record.folder import MissionFolder
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.protocol import RangeSensor
from hullscan.video.recorder import Recorder
from hullscan.video.stream import RtpStream

__all__ = ["LiveMission", "Outcome", "Screen", "SurveyOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyOptions:
    """How a survey is run.

    Attributes:
        out: folder in which the mission folder is made.
        connect: MAVLink address; not used with ``scenario``.
        dvl: host or host:port of the DVL; empty for a vehicle that has an echo sounder alone.
        video_port: UDP port of the camera's RTP stream.
        scenario: fly in the simulator, in this world.
        speedup: of the simulator, at most.
        paced: mission time is the vehicle's own; for a simulator behind ``connect`` that does not keep real time.
        model: detector; ours by default.
        threads: of the detector.
        signing_key: file with the link's key; that of the mission when None.
        approve: asked about a preflight with cautions; None goes on, and the record has them.
        resume: folder of a mission that was broken off; it goes on there.
        seal_key: signs the closed folder; made if it is not there. Without one the folder is sealed unsigned.
        pilot: name of who flies, for the summary; empty when it is not told.
    """

    out: Path
    connect: str = "udpin:0.0.0.0:14550"
    dvl: str = "192.168.194.95"
    video_port: int = 5600
    scenario: Path | None = None
    speedup: float = 1.0
    paced: bool = False
    model: Path | None = None
    threads: int = 1
    resume: Path | None = None
    language: str = "en"
    rules: FindingRules = field(default_factory=FindingRules)
    signing_key: Path | None = None
    approve: Callable[[PreflightReport], bool] | None = None
    seal_key: Path | None = None
    pilot: str = ""

    def make_clock(self) -> Clock:
        """The mission clock: the computer's beside a real vehicle, the vehicle's own in a simulator."""
        simulated = self.paced or self.scenario is not None
        return PacedClock(self.speedup) if simulated else SystemClock()


@dataclass(frozen=True, slots=True)
class LiveMission:
    """What the screen shows while it flies."""

    mission: Mission
    plan: Plan
    folder: MissionFolder
    clock: Clock
    pilot: Pilot
    vehicle: ArduSubVehicle
    ranges: RangeSensor
    stream: RtpStream
    recorder: Recorder
    seeing: LiveSeeing
    flag: Callable[[], Array | None]
    """Write down the place of the hull that the camera looks at, because the operator asks for it; may be called from
    any thread."""


class Screen(Protocol):
    """Shows the mission to the operator."""

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Something happened; may come from any thread."""
        ...

    def begin(self, live: LiveMission) -> None:
        """The flight begins."""
        ...

    def end(self) -> None:
        """The flight has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: the folder, the assessment, and the error that ended it, if any."""

    folder: MissionFolder
    assessment: Assessment | None
    ended_by: HullscanError | None
    aborted: bool
