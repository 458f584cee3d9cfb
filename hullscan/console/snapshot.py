"""What the operator's console shows at one moment: plain values that travel from the survey to the console's process.

The console never touches the survey's own objects. It gets one of these a few times a second, as a line of JSON, and
gives back the names of keys; so it can neither stall the survey nor bring it down.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["ACCEPT", "DECLINE", "EventRow", "FindingRow", "HullImage", "RequestRow", "Snapshot"]

ACCEPT, DECLINE = "accept", "decline"
"""What the console gives back, with the number of the request, beside the names of keys."""

Place = tuple[float, float]
"""Share of the picture's width from the left, and of its height from above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that happened.

    Attributes:
        after_s: since the flight began.
        kind: key of the record.
        message, data: words for people, see ``hullscan.words``.
    """

    after_s: float
    kind: str
    message: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A provisional finding; ``picture`` is its thumbnail's path, empty without one, ``at`` its place in the map."""

    label: str
    score: float
    side: str
    station_m: float
    depth_m: float
    radius95_m: float
    views: int
    picture: str = ""
    at: Place = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A close-up that a reader asked for; ``state`` as in ``pilot.requests``, ``at`` its place in the picture."""

    number: int
    asked_by: str
    side: str
    station_m: float
    depth_m: float
    after_s: float
    state: str
    reason: str = ""
    views: int = 0
    at: Place = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HullImage:
    """The part of the unrolled hull that is asked for, port above the keel, the bow to the right.

    Attributes:
        columns, rows: of the picture.
        kinds: one digit for each pixel, row by row: 0 no hull, 1 hull, 2 asked for, 3 seen.
        stations_m: at the left and the right edge.
        sides: that it shows, from above.
        track: where the vehicle was, the newest last.
        findings: in the order of the findings.
        flags: places that the operator flagged.
    """

    columns: int = 0
    rows: int = 0
    kinds: str = ""
    stations_m: tuple[float, float] = (0.0, 0.0)
    sides: tuple[str, ...] = ()
    track: tuple[Place, ...] = ()
    findings: tuple[Place, ...] = ()
    flags: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One moment; NaN where a number is not known, and seconds of mission time.

    Attributes:
        state: of the pilot, see ``PilotState``.
        leg: number of the leg from 1, 0 outside of them; legs: how many there are.
        leg_message, leg_data: what the leg is.
        leg_share, survey_share: of its length, and of all searched legs.
        holding: why it stands, as it is now; None while it flies.
        speed_share: of the planned speed.
        stand_off_m: planned, of the camera; range_m: nearest beam to the hull.
        sigma_along_m, sigma_across_m: of the place, one standard deviation.
        link_age_s, video_age_s, dvl_age_s: since something was last heard.
        video_hz, looks_hz, dvl_hz: frames recorded, frames examined, range reports, a second.
        detector_lag_s: how far it is behind the video.
        tether_m: that the plan expects to be out here.
        overhead: plating is, or may be, above the vehicle.
        aborted: the way home has been asked for.
    """

    ship: str
    folder: str
    after_s: float
    window_s: float
    state: str
    mode: str = ""
    armed: bool = False
    leg: int = 0
    legs: int = 0
    leg_message: str = ""
    leg_data: dict[str, Any] = field(default_factory=dict)
    leg_share: float = 0.0
    survey_share: float = 0.0
    holding: EventRow | None = None
    speed_share: float = 1.0
    seen_m2: float = 0.0
    asked_m2: float = 0.0
    stand_off_m: float = float("nan")
    range_m: float = float("nan")
    least_m: float = float("nan")
    speed_mps: float = float("nan")
    depth_m: float = float("nan")
    battery_v: float = float("nan")
    battery_limit_v: float = float("nan")
    current_a: float = float("nan")
    tether_m: float = float("nan")
    tether_limit_m: float = float("nan")
    sigma_along_m: float = float("nan")
    sigma_across_m: float = float("nan")
    link_age_s: float = float("nan")
    video_age_s: float = float("nan")
    dvl_age_s: float = float("nan")
    video_hz: float = float("nan")
    looks_hz: float = float("nan")
    dvl_hz: float = float("nan")
    detector_lag_s: float = float("nan")
    packets_lost: int = 0
    disk_free_mb: float = float("nan")
    overhead: bool = False
    aborted: bool = False
    findings: tuple[FindingRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    requests: tuple[RequestRow, ...] = ()
    image: HullImage = field(default_factory=HullImage)

    def to_json(self) -> bytes:
        """One line; what JSON does not know is written as its text."""
        return json.dumps(asdict(self), ensure_ascii=True, default=str).encode("ascii")

    @classmethod
    def from_json(cls, line: bytes) -> Snapshot:
        """The same again."""
        content = json.loads(line)
        image = content.pop("image")
        for key in ("track", "findings", "flags"):
            image[key] = tuple((float(x), float(y)) for x, y in image[key])
        image["stations_m"], image["sides"] = tuple(image["stations_m"]), tuple(image["sides"])
        for row in (*content["findings"], *content["requests"]):
            row["at"] = (float(row["at"][0]), float(row["at"][1]))
        findings = tuple(FindingRow(**each) for each in content.pop("findings"))
        events = tuple(EventRow(**each) for each in content.pop("events"))
        requests = tuple(RequestRow(**each) for each in content.pop("requests"))
        content["holding"] = content["holding"] and EventRow(**content["holding"])
        return cls(**content, findings=findings, events=events, requests=requests, image=HullImage(**image))

    @property
    def request(self) -> RequestRow | None:
        """The request that waits for the operator's answer."""
        return next((each for each in self.requests if each.state == "waiting"), None)
