"""A recorded mission as the operator saw it: a snapshot of any moment, made from the folder alone.

What the pilot knew and nobody wrote down (its certainty of the place, what it waited for) is left unknown.
"""

from __future__ import annotations

import bisect
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hullscan.console.hull_window import COLUMNS, ROWS, HullWindow
from hullscan.console.snapshot import EventRow, FindingRow, HullImage, Place, Snapshot
from hullscan.errors import InputError
from hullscan.findings.viewpoint import Viewpoints
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.pilot.states import PilotState
from hullscan.record.database import MissionDatabase
from hullscan.record.events import read_events
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import hull_ranges
from hullscan.record.results import read_result
from hullscan.search.cells import HullCells
from hullscan.search.looks import REACH_SHARE, seen_cells
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.tlog import read_recording
from hullscan.video.index import load_index
from hullscan.words import mark

__all__ = ["Playback"]

_KEPT_EVENTS, _KEPT_TRACK = 40, 240
_RATE_OVER_S: Final = 3.0
_STATES: Final = {state.value for state in PilotState}
_HELD: Final = EventRow(after_s=0.0, kind="replay", message=mark("the replay is held"))


class Playback:
    """A mission folder, to be looked at as of any moment between ``begin_s`` and ``end_s``.

    Raises:
        HullscanError: the folder lacks what is needed, or it cannot be read.
    """

    def __init__(self, folder: MissionFolder) -> None:
        self._folder, self._mission = folder, load_mission(folder.mission_file)
        self._plan = plan_mission(self._mission, under_ship=False)
        self._telemetry = read_recording(folder.telemetry).telemetry
        mount = self._mission.vehicle.dvl_mount.rotation
        self._ranges: list[RangeReport] = hull_ranges(folder.dvl, mount, self._telemetry)
        self._ranges_s = [report.utc_s for report in self._ranges]
        self._frames_s = sorted(_frame_times(folder))
        self.events = [event for event in read_events(folder.events) if isinstance(event.get("utc_s"), (int, float))]
        self._events_s = [float(event["utc_s"]) for event in self.events]
        self._states = [(float(each["utc_s"]), each) for each in self.events if each.get("kind") in _STATES]
        self._findings = _findings(folder)
        cells = HullCells(self._mission.hull)
        self._area_m2, asked = cells.area_m2, self._plan.asked(cells)
        self._window = HullWindow(self._mission.hull, cells, asked)
        self._looks_s, self._seen, self._track = self._looked(cells)
        times = [*self._events_s, *self._ranges_s[:1], *self._ranges_s[-1:], *self._looks_s[-1:]]
        if not times:
            raise InputError("nothing was recorded in this folder", where=str(folder.path))
        flown = [utc_s for utc_s, each in self._states if each.get("kind") != PilotState.PREFLIGHT.value]
        self.begin_s, self.end_s = min(flown, default=min(times)), max(times)
        self._coverage = (0, np.zeros(len(cells), dtype=bool))

    def _looked(self, cells: HullCells) -> tuple[list[float], list[npt.NDArray[np.intp]], list[tuple[float, Place]]]:
        """Times of the looks, cells that each one saw, and the way in the picture; no places without a registration."""
        database = MissionDatabase(self._folder.database, read_only=True)
        try:
            looks, ship = database.looks(), database.ship_track()
        finally:
            database.close()
        times = [look.utc_s for look in looks]
        if ship is None:
            return times, [np.zeros(0, np.intp)] * len(times), []
        views = Viewpoints(self._telemetry, ship, self._mission.vehicle)
        camera = self._mission.vehicle.camera
        reach = REACH_SHARE * self._mission.file.conditions.visibility_m
        seen, track = [], []
        for look in looks:
            view = views.at(look.utc_s)
            if view is None or look.suspect:
                seen.append(np.zeros(0, np.intp))
                continue
            seen.append(seen_cells(cells, camera, view.camera_ship, reach).index)
            track.append((look.utc_s, self._window.place(view.body_ship.position_m)))
        return times, seen, track

    # ---------------------------------------------------------------- one moment

    def snapshot(self, utc_s: float, *, speed: float = 1.0, paused: bool = False) -> Snapshot:
        """What the screen shows of a moment; ``speed`` is that of the replay."""
        state, leg, leg_share = self._state(utc_s)
        seen = self._seen_until(utc_s)
        asked_m2 = self._plan.plannable_area_m2
        seen_m2 = float(self._area_m2[self._window.asked & seen].sum())
        position, battery = self._telemetry.position.before(utc_s), self._telemetry.battery.before(utc_s)
        beat = self._telemetry.heartbeat.before(utc_s)
        depth, limits = self._telemetry.depth.before(utc_s), self._mission.file.limits
        nearest = self._range(utc_s)
        data = leg.get("data") if leg is not None else None
        data = data if isinstance(data, dict) else {}
        return Snapshot(
            ship=self._mission.file.ship.name,
            folder=str(self._folder.path),
            after_s=utc_s - self.begin_s,
            window_s=self._mission.file.window_min * 60,
            state=state,
            mode="" if beat is None else beat.mode,
            armed=beat is not None and beat.armed,
            leg=int(data.get("leg", -1)) + 1 if isinstance(data.get("leg"), int) else 0,
            legs=len(self._plan.legs),
            leg_message=str(leg.get("message", "")) if leg is not None else "",
            leg_data=data,
            leg_share=leg_share,
            survey_share=seen_m2 / asked_m2 if asked_m2 > 0 else 0.0,
            holding=_HELD if paused else None,
            speed_share=speed,
            seen_m2=seen_m2,
            asked_m2=asked_m2,
            stand_off_m=self._plan.stand_off_m,
            range_m=nearest,
            least_m=limits.min_clearance_m,
            speed_mps=float("nan") if position is None else float(np.linalg.norm(position.velocity_ned_mps)),
            depth_m=float("nan") if depth is None else depth.depth_m,
            battery_v=float("nan") if battery is None else battery.voltage_v,
            battery_limit_v=limits.min_battery_v,
            current_a=float("nan") if battery is None else battery.current_a,
            tether_limit_m=limits.max_tether_m,
            link_age_s=float("nan") if position is None else utc_s - position.utc_s,
            video_age_s=_age(self._frames_s, utc_s),
            dvl_age_s=_age(self._ranges_s, utc_s),
            video_hz=_rate(self._frames_s, utc_s),
            looks_hz=_rate(self._looks_s, utc_s),
            dvl_hz=_rate(self._ranges_s, utc_s),
            findings=tuple(self._finding(each) for each in self._found(utc_s)[:9]),
            events=self._rows(utc_s),
            image=self._image(utc_s, seen),
        )

    def events_between(self, after_s: float, until_s: float) -> list[dict[str, Any]]:
        """Events behind one moment, up to another."""
        first, last = (bisect.bisect_right(self._events_s, at_s) for at_s in (after_s, until_s))
        return self.events[first:last]

    def _state(self, utc_s: float) -> tuple[str, dict[str, Any] | None, float]:
        """State, the event that began it, and which share of it is over."""
        index = bisect.bisect_right([at_s for at_s, _ in self._states], utc_s) - 1
        if index < 0:
            return PilotState.PREFLIGHT.value, None, 0.0
        at_s, event = self._states[index]
        next_s = self._states[index + 1][0] if index + 1 < len(self._states) else self.end_s
        share = (utc_s - at_s) / (next_s - at_s) if next_s > at_s else 1.0
        return str(event["kind"]), event, min(share, 1.0)

    def _seen_until(self, utc_s: float) -> npt.NDArray[np.bool_]:
        """(n,) cells that were seen up to a moment; going on from the moment before is quick."""
        count, seen = self._coverage
        wanted = bisect.bisect_right(self._looks_s, utc_s)
        if wanted < count:
            count, seen = 0, np.zeros(len(seen), dtype=bool)
        for index in self._seen[count:wanted]:
            seen[index] = True
        self._coverage = (wanted, seen)
        return seen.copy()

    def _range(self, utc_s: float) -> float:
        index = bisect.bisect_right(self._ranges_s, utc_s) - 1
        if index < 0 or not self._ranges[index].valid.any():
            return float("nan")
        return float(self._ranges[index].distances_m[self._ranges[index].valid].min())

    def _found(self, utc_s: float) -> list[tuple[float, dict[str, Any]]]:
        return [each for each in self._findings if each[0] <= utc_s]

    def _finding(self, found: tuple[float, dict[str, Any]]) -> FindingRow:
        finding = found[1]
        pictures = [self._folder.path / str(frame["file"]) for frame in finding["frames"]]
        return FindingRow(
            label=str(finding["label"]),
            score=float(finding["score"]),
            side=str(finding["side"]),
            station_m=float(finding["station_m"]),
            depth_m=float(finding["depth_m"]),
            radius95_m=float(finding["radius95_m"]),
            views=int(finding["views"]),
            picture=str(pictures[0]) if pictures else "",
        )

    def _rows(self, utc_s: float) -> tuple[EventRow, ...]:
        last = bisect.bisect_right(self._events_s, utc_s)
        rows = []
        for event in self.events[max(last - _KEPT_EVENTS, 0) : last]:
            data = event.get("data")
            rows.append(
                EventRow(
                    after_s=max(float(event["utc_s"]) - self.begin_s, 0.0),
                    kind=str(event.get("kind", "")),
                    message=str(event.get("message", "")),
                    data=data if isinstance(data, dict) else {},
                )
            )
        return tuple(rows)

    def _image(self, utc_s: float, seen: npt.NDArray[np.bool_]) -> HullImage:
        track = [place for at_s, place in self._track if at_s <= utc_s]
        places = (np.asarray(each["position_ship_m"], np.float64) for _, each in self._found(utc_s)[:9])
        return HullImage(
            columns=COLUMNS,
            rows=ROWS,
            kinds=self._window.kinds(seen),
            stations_m=self._window.stations_m,
            sides=self._window.sides,
            track=tuple(track[-_KEPT_TRACK:]),
            findings=tuple(self._window.place(place) for place in places),
        )


def _frame_times(folder: MissionFolder) -> list[float]:
    times: list[float] = []
    for path in folder.video.glob("*.mkv"):
        index = load_index(path)
        times += [] if index is None else [entry.utc_s for entry in index.entries]
    return times


def _findings(folder: MissionFolder) -> list[tuple[float, dict[str, Any]]]:
    """(when its first picture was taken, record); none of a mission that was cut off."""
    path = folder.path / "findings.json"
    if not path.is_file():
        return []
    found = read_result(path)["findings"]
    return [(min((float(f["utc_s"]) for f in each["frames"]), default=0.0), each) for each in found]


def _age(times_s: list[float], utc_s: float) -> float:
    index = bisect.bisect_right(times_s, utc_s) - 1
    return utc_s - times_s[index] if index >= 0 else float("nan")


def _rate(times_s: list[float], utc_s: float) -> float:
    count = bisect.bisect_right(times_s, utc_s) - bisect.bisect_right(times_s, utc_s - _RATE_OVER_S)
    return count / _RATE_OVER_S
