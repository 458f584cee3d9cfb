"""Takes snapshots of a survey in flight, from what its threads leave for reading; the pilot is never asked."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np

from hullscan.console.hull_window import COLUMNS, ROWS, HullWindow
from hullscan.console.snapshot import EventRow, FindingRow, HullImage, Place, RequestRow, Snapshot
from hullscan.findings.merge import Finding
from hullscan.geometry.frames import Array, Pose
from hullscan.pilot.requests import CloseUpRequest
from hullscan.pilot.supervisor import Verdict
from hullscan.record.folder import free_mb
from hullscan.ship.surface import side_name
from hullscan.survey import LiveMission

__all__ = ["Observer"]

_KEPT_EVENTS, _KEPT_TRACK, _KEPT_REQUESTS = 40, 240, 8
_IMAGE_EVERY_S = 1.0  # of mission time
_RATE_OVER_S = 3.0
_DISK_EVERY_S = 10.0
_SAME_PLACE_M = 1.0  # a pixel of a long ship's picture is as wide


class Observer:
    """Watches one survey; events may come from any thread."""

    def __init__(self) -> None:
        self._events: deque[tuple[float | None, str, str, dict[str, Any]]] = deque(maxlen=_KEPT_EVENTS)
        self._lock = threading.Lock()
        self._live: LiveMission | None = None
        self._begun_s = 0.0

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Remember an event; never waits."""
        live = self._live
        with self._lock:
            self._events.append((None if live is None else live.clock.now(), kind, message, data))

    def begin(self, live: LiveMission) -> None:
        """The flight begins."""
        self._begun_s = live.clock.now()
        cells = live.seeing.record.cells
        self._window = HullWindow(live.mission.hull, cells, live.plan.asked(cells))
        self._rates = _Rates()
        self._track: deque[Place] = deque(maxlen=_KEPT_TRACK)
        self._flags: list[Place] = []
        self._image, self._image_s = HullImage(), float("-inf")
        self._disk_mb, self._disk_s = float("nan"), float("-inf")
        self._live = live

    def snapshot(self) -> Snapshot:
        """This moment."""
        live = self._live
        assert live is not None
        now_s = live.clock.now()
        status, telemetry = live.pilot.status, live.vehicle.telemetry
        video, battery, position = live.stream.stats(), telemetry.battery.latest, telemetry.position.latest
        video_age_s = float("nan") if video.last_frame_utc_s is None else now_s - video.last_frame_utc_s
        rates = self._rates.over(now_s, (video.recorded, live.seeing.looks, live.ranges.counts.reports))
        leg = live.plan.legs[status.leg] if 0 <= status.leg < len(live.plan.legs) else None
        record = live.seeing.record
        asked = self._window.asked
        newest = live.ranges.latest()
        if now_s - self._image_s >= _IMAGE_EVERY_S:
            self._image, self._image_s = self._drawn(live), now_s
        if now_s - self._disk_s >= _DISK_EVERY_S:
            self._disk_mb, self._disk_s = free_mb(live.folder.path), now_s
        limits = live.mission.file.limits
        return Snapshot(
            ship=live.mission.file.ship.name,
            folder=str(live.folder.path),
            after_s=now_s - self._begun_s,
            window_s=live.mission.file.window_min * 60,
            state=status.state.value,
            mode=telemetry.mode,
            armed=telemetry.armed,
            leg=status.leg + 1,
            legs=len(live.plan.legs),
            leg_message="" if leg is None else leg.words,
            leg_data={} if leg is None else {**leg.words_data, "number": status.leg + 1, "count": len(live.plan.legs)},
            leg_share=status.leg_share,
            survey_share=status.survey_share,
            holding=_row(status.holding),
            speed_share=status.speed_share,
            seen_m2=record.area_m2(asked & record.seen()),
            asked_m2=live.plan.plannable_area_m2,
            stand_off_m=live.plan.stand_off_m,
            range_m=status.range_m,
            least_m=limits.min_clearance_m,
            speed_mps=float("nan") if position is None else float(np.linalg.norm(position.velocity_ned_mps)),
            depth_m=telemetry.depth_m,
            battery_v=float("nan") if battery is None else battery.voltage_v,
            battery_limit_v=limits.min_battery_v,
            current_a=float("nan") if battery is None else battery.current_a,
            tether_m=leg.tether_m if leg is not None and leg.tether_m > 0 else float("nan"),
            tether_limit_m=limits.max_tether_m,
            sigma_along_m=status.sigma_along_m,
            sigma_across_m=status.sigma_across_m,
            link_age_s=telemetry.age_s(now_s),
            video_age_s=video_age_s,
            dvl_age_s=float("nan") if newest is None else now_s - newest.utc_s,
            video_hz=rates[0],
            looks_hz=rates[1],
            dvl_hz=rates[2],
            detector_lag_s=max(live.seeing.frame_age_s() - video_age_s, 0.0),
            packets_lost=video.lost_packets,
            disk_free_mb=self._disk_mb,
            overhead=status.overhead,
            aborted=live.pilot.aborted,
            findings=tuple(self._finding(live, each) for each in list(live.seeing.findings)[:9]),
            events=self._rows(),
            requests=tuple(self._request(each) for each in live.pilot.requests.all()[-_KEPT_REQUESTS:]),
            image=self._image,
        )

    def place_of(self, at: Place) -> Array | None:
        """(3,) place of the hull at a place of the picture, ship frame: a finding that lies there, else the plating."""
        live = self._live
        point = None if live is None else self._window.point(at)
        if live is None or point is None:
            return None
        near = [each.position_ship_m for each in list(live.seeing.findings)]
        near = [each for each in near if float(np.linalg.norm(each - point)) < _SAME_PLACE_M]
        return min(near, key=lambda each: float(np.linalg.norm(each - point)), default=point)

    def flagged(self, place_ship_m: Array) -> None:
        """Show a place that the operator has flagged."""
        if self._live is not None:
            self._flags.append(self._window.place(place_ship_m))

    def _rows(self) -> tuple[EventRow, ...]:
        with self._lock:
            events = list(self._events)
        return tuple(
            EventRow(after_s=0.0 if at is None else max(at - self._begun_s, 0.0), kind=kind, message=message, data=data)
            for at, kind, message, data in events
        )

    def _finding(self, live: LiveMission, finding: Finding) -> FindingRow:
        x, y, z = finding.position_ship_m
        return FindingRow(
            label=finding.label,
            score=finding.score,
            side=side_name(float(y)),
            station_m=float(x),
            depth_m=float(z),
            radius95_m=finding.radius95_m,
            views=finding.views,
            picture=live.seeing.picture_of(finding),
            at=self._window.place(finding.position_ship_m),
        )

    def _request(self, request: CloseUpRequest) -> RequestRow:
        x, y, z = (float(value) for value in request.place_ship_m)
        return RequestRow(
            number=request.number,
            asked_by=request.asked_by,
            side=side_name(y),
            station_m=x,
            depth_m=z,
            after_s=request.asked_utc_s - self._begun_s,
            state=request.state.value,
            reason=request.reason,
            views=request.views,
            at=self._window.place(request.place_ship_m),
        )

    def _drawn(self, live: LiveMission) -> HullImage:
        registration, telemetry = live.pilot.registration, live.vehicle.telemetry
        position, attitude = telemetry.position.latest, telemetry.attitude.latest
        if registration is not None and registration.updates and position is not None and attitude is not None:
            here = Pose(np.asarray(position.position_ned_m, np.float64), attitude.r_ned_frd)
            self._track.append(self._window.place(registration.pose.pose_in_ship(here).position_m))
        found = [self._window.place(each.position_ship_m) for each in list(live.seeing.findings)[:9]]
        return HullImage(
            columns=COLUMNS,
            rows=ROWS,
            kinds=self._window.kinds(live.seeing.record.seen()),
            stations_m=self._window.stations_m,
            sides=self._window.sides,
            track=tuple(self._track),
            findings=tuple(found),
            flags=tuple(self._flags),
        )


def _row(held: Verdict | None) -> EventRow | None:
    return None if held is None else EventRow(after_s=0.0, kind=held.rule, message=held.message, data=held.data)


class _Rates:
    """Counts a second, over the last few seconds."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, tuple[int, ...]]] = deque()

    def over(self, now_s: float, counts: tuple[int, ...]) -> list[float]:
        """The rates at a moment."""
        self._past.append((now_s, counts))
        while len(self._past) > 2 and now_s - self._past[0][0] > _RATE_OVER_S:
            self._past.popleft()
        since_s, before = self._past[0]
        if now_s - since_s < 0.5:
            return [float("nan")] * len(counts)
        return [(new - old) / (now_s - since_s) for new, old in zip(counts, before, strict=True)]
