"""A mission folder read again: its telemetry, its ranges, its pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from scipy.spatial.transform import Rotation

from hullscan.clock import SimulatedClock
from hullscan.errors import RecordError, VideoError
from hullscan.record.lines import LineFile
from hullscan.vehicle.dvl import WaterLinkedDvl
from hullscan.vehicle.mavlink_range import MavlinkRange
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.telemetry import Telemetry
from hullscan.video.files import VideoFile
from hullscan.video.frames import Frame
from hullscan.video.recorded import RecordedVideo

__all__ = ["DvlLog", "FilePictures", "FolderPictures", "has_recording", "hull_ranges", "recorded_ranges"]


class DvlLog:
    """Writes each line of the DVL with its time of arrival.

    Raises:
        RecordError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = LineFile(path)
        except OSError as error:
            raise RecordError(f"the DVL's log cannot be written: {error.strerror}", where=str(path)) from error

    def __call__(self, arrival_utc_s: float, line: bytes) -> None:
        """Take one line.

        Raises:
            RecordError: the disk did not take it.
        """
        text = line.decode("utf-8", errors="replace").strip()
        try:
            self._file.append(json.dumps({"utc_s": round(arrival_utc_s, 4), "line": text}).encode())
        except (OSError, ValueError) as error:
            raise RecordError(f"the DVL's log cannot be written: {error}", where=str(self._path)) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def recorded_ranges(path: Path, r_frd_dvl: Rotation) -> Iterator[RangeReport]:
    """Reports of a recorded DVL, in order, through the same client that heard them live."""
    if not path.is_file():
        return
    dvl = WaterLinkedDvl("recording", SimulatedClock(), r_frd_dvl)
    until_s = float("-inf")
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
            arrival_s, raw = float(entry["utc_s"]), str(entry["line"]).encode()
        except (ValueError, KeyError, TypeError):
            continue  # the last line of a mission that was cut off
        dvl.take(raw, arrival_s)
        for report in dvl.since(until_s):
            until_s = report.utc_s
            yield report


def hull_ranges(path: Path, r_frd_dvl: Rotation, telemetry: Telemetry) -> list[RangeReport]:
    """Reports of a recorded DVL, or of the echo sounder in the telemetry of a vehicle without one, in order."""
    return list(recorded_ranges(path, r_frd_dvl)) or MavlinkRange(telemetry).since(float("-inf"))


class FolderPictures:
    """Pictures of a mission's own recording, found by mission time."""

    def __init__(self, folder: Path) -> None:
        self._video = RecordedVideo(folder)

    def at(self, utc_s: float, stream_s: float) -> Frame:
        """The frame taken at a mission time."""
        path, place_s = self.locate(utc_s, stream_s)
        with VideoFile(path) as file:
            return file.frame_at(place_s)

    def locate(self, utc_s: float, stream_s: float) -> tuple[Path, float]:
        """The file, and the time in it, of a mission time."""
        del stream_s
        return self._video.locate(utc_s)


class FilePictures:
    """Pictures of a foreign video, found by its own time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def at(self, utc_s: float, stream_s: float) -> Frame:
        """The frame at a place of the file."""
        del utc_s
        with VideoFile(self._path) as file:
            return file.frame_at(stream_s)

    def locate(self, utc_s: float, stream_s: float) -> tuple[Path, float]:
        """The file itself."""
        del utc_s
        return self._path, stream_s


def has_recording(folder: Path) -> bool:
    """Whether a folder holds a recording."""
    try:
        RecordedVideo(folder)
    except VideoError:
        return False
    return True
