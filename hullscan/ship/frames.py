"""Frame numbers: the ship's own ruler, in which crews and yards name a place along her."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

__all__ = ["FrameAt", "FrameSpacing", "frame_at", "frames_fault"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameAt:
    """One frame of a table."""

    number: Annotated[int, Ge(-50), Le(2000)]
    station_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpacing:
    """Frames at even distances.

    Attributes:
        spacing_m: from one to the next.
        first_number: of the frame at ``first_station_m``; frame 0 at the aft perpendicular is the custom.
        forward: whether numbers grow forward, as in Europe and Asia, or aft, as in the United States.
    """

    spacing_m: Annotated[float, Gt(0.1), Le(5)]
    first_number: Annotated[int, Ge(-50), Le(2000)] = 0
    first_station_m: float = 0.0
    forward: bool = True


def frame_at(frames: FrameSpacing | tuple[FrameAt, ...] | None, station_m: float) -> float | None:
    """Frame number of a station, with its fraction; None where no frames are known.

    Beyond the ends of a table the spacing of its last two frames goes on.
    """
    if isinstance(frames, FrameSpacing):
        steps = (station_m - frames.first_station_m) / frames.spacing_m
        return frames.first_number + (steps if frames.forward else -steps)
    if not frames:
        return None
    table = sorted(frames, key=lambda frame: frame.station_m)
    stations = np.array([frame.station_m for frame in table])
    index = int(np.clip(np.searchsorted(stations, station_m) - 1, 0, len(table) - 2))
    a, b = table[index], table[index + 1]
    return a.number + (station_m - a.station_m) / (b.station_m - a.station_m) * (b.number - a.number)


def frames_fault(frames: FrameSpacing | tuple[FrameAt, ...] | None) -> str:
    """What is wrong with a table; empty when nothing is."""
    if frames is None or isinstance(frames, FrameSpacing):
        return ""
    if len(frames) < 2:
        return "a table needs two frames at least"
    table = sorted(frames, key=lambda frame: frame.station_m)
    steps = np.diff([frame.number for frame in table])
    if (np.diff([frame.station_m for frame in table]) < 1e-6).any() or not ((steps > 0).all() or (steps < 0).all()):
        return "numbers must grow steadily along the ship, each frame at a station of its own"
    return ""
