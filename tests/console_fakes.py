"""A snapshot with something in every panel, and a survey that is watched without being flown."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from hullscan.console.snapshot import EventRow, FindingRow, HullImage, Snapshot
from hullscan.geometry.frames import ShipPose
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import Plan, plan_mission
from hullscan.pilot.orders_of_operator import OrderDesk
from hullscan.pilot.requests import CloseUpRequests
from hullscan.pilot.states import PilotState, PilotStatus
from hullscan.search.cells import HullCells
from hullscan.vehicle.telemetry import Telemetry
from hullscan.video.frames import Frame

DEMO = Path(__file__).parent.parent / "missions" / "demo.yaml"


def image(**changed: Any) -> HullImage:
    """Hull all round, asked for within, its aft half seen."""
    kinds = np.ones((8, 40), int)
    kinds[2:6, 4:36] = 2
    kinds[2:6, 4:20] = 3
    kinds[0, :3] = 0
    text = "".join(map(str, kinds.ravel().tolist()))
    full = {
        "columns": 40, "rows": 8, "kinds": text, "stations_m": (30.0, 44.0), "sides": ("starboard",),
        "track": ((0.2, 0.5), (0.3, 0.5), (0.5, 0.5)), "findings": ((0.25, 0.4),), "flags": ((0.7, 0.6),),
    }  # fmt: skip
    return HullImage(**{**full, **changed})


def snapshot(**changed: Any) -> Snapshot:
    """A survey on its third leg, all well."""
    events = (
        EventRow(after_s=0.0, kind="armed", message="armed"),
        EventRow(
            after_s=44.0, kind="survey", message="leg {number} of {count}: lane {lane} of {lanes} along the side",
            data={"number": 4, "count": 7, "lane": 2, "lanes": 3, "leg": 3},
        ),
    )  # fmt: skip
    full: dict[str, Any] = {
        "ship": "MV Haneul", "folder": "/missions/20261122T093000Z-mv-haneul", "after_s": 62.0, "window_s": 900.0,
        "state": "survey", "mode": "GUIDED", "armed": True, "leg": 4, "legs": 7,
        "leg_message": "leg {number} of {count}: lane {lane} of {lanes} along the side",
        "leg_data": {"number": 4, "count": 7, "lane": 2, "lanes": 3}, "leg_share": 0.4, "survey_share": 0.5,
        "seen_m2": 20.0, "asked_m2": 45.0, "stand_off_m": 1.68, "range_m": 1.5, "least_m": 0.4, "speed_mps": 0.3,
        "depth_m": 2.1, "battery_v": 15.8, "battery_limit_v": 14.0, "current_a": 11.0, "tether_m": 13.0,
        "tether_limit_m": 100.0, "sigma_along_m": 0.3, "sigma_across_m": 0.04, "link_age_s": 0.1, "video_age_s": 0.1,
        "dvl_age_s": 0.1, "video_hz": 30.0, "looks_hz": 2.5, "dvl_hz": 8.0, "detector_lag_s": 0.2,
        "disk_free_mb": 90_000.0, "events": events, "image": image(),
        "findings": (
            FindingRow(
                label="parcel", score=0.82, side="starboard", station_m=36.5, depth_m=1.6, radius95_m=0.4, views=9,
                picture="/missions/20261122T093000Z-mv-haneul/live/track-3.jpg",
            ),
        ),
    }  # fmt: skip
    return Snapshot(**{**full, **changed})


@dataclass
class FakeClock:
    """Stands until it is moved."""

    now_s: float = 1000.0

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class FakePilot:
    desk: OrderDesk = field(default_factory=OrderDesk)
    requests: CloseUpRequests = field(default_factory=lambda: CloseUpRequests(FakeClock(), lambda *event: None))
    status: PilotStatus = field(default_factory=lambda: PilotStatus(PilotState.LEGS, leg=1))
    registration: Any = None

    @property
    def aborted(self) -> bool:
        return self.desk.aborted


@functools.cache
def _demo() -> tuple[Mission, Plan]:
    mission = load_mission(DEMO)
    return mission, plan_mission(mission)


class FakeSeeing:
    """Has looked at what it is told."""

    def __init__(self, cells: HullCells) -> None:
        self.seen_cells = np.zeros(len(cells), bool)
        self.looks, self.findings = 0, []
        self.record = SimpleNamespace(
            cells=cells, seen=lambda: self.seen_cells, area_m2=lambda which: float(cells.area_m2[which].sum())
        )

    def frame_age_s(self) -> float:
        return 0.2

    def picture_of(self, finding: Any) -> str:
        return "live/track-1.jpg"


@dataclass
class FakeStream:
    """Shows another picture each time that it is looked at."""

    counts: Any
    shown: int = 0

    def stats(self) -> Any:
        return self.counts

    def glimpse(self, after: int, width_px: int) -> Frame:
        self.shown += 1
        image = np.full((90, 160, 3), self.shown % 250, np.uint8)
        return Frame(image_bgr=image, utc_s=1000.0, stream_s=0.0, index=self.shown, suspect=False)


def watched(folder: Path) -> Any:
    """What ``LiveMission`` holds, as far as the screen reads it: the demo's plan, beside a ship at the origin."""
    mission, plan = _demo()
    clock = FakeClock()
    stats = SimpleNamespace(recorded=0, lost_packets=3, last_frame_utc_s=999.9)
    counts = SimpleNamespace(reports=0)
    flags: list[np.ndarray] = []
    live = SimpleNamespace(
        mission=mission, plan=plan, folder=SimpleNamespace(path=folder), clock=clock, pilot=FakePilot(),
        vehicle=SimpleNamespace(telemetry=Telemetry(clock)), seeing=FakeSeeing(HullCells(mission.hull)),
        ranges=SimpleNamespace(latest=lambda: None, counts=counts), stream=FakeStream(stats),
        stats=stats, flags=flags,
    )  # fmt: skip
    live.pilot.registration = SimpleNamespace(pose=ShipPose(0.0, 0.0, 0.0), updates=20)

    def flag() -> np.ndarray:
        flags.append(np.array([36.0, 5.2, 2.0]))
        return flags[-1]

    live.flag = flag
    return live
