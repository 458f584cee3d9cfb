"""What QGroundControl demands of a plan file, by the checks of its own loader, key by key.

Missions and items after its source (``MissionController::_loadJsonMissionFileV2``, ``MissionItem::load``,
``SimpleMissionItem::load``), the rest after "Plan File Format" of its developer guide. A key that is there has to have
the type; null stands for a number that is not given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from pydantic.alias_generators import to_camel

__all__ = ["QgcPlan", "load_qgc_plan"]

Params = tuple[
    FiniteFloat | None, FiniteFloat | None, FiniteFloat | None, FiniteFloat | None, FiniteFloat | None,
    FiniteFloat | None, FiniteFloat | None,
]  # fmt: skip
Latitude = Annotated[FiniteFloat, Field(ge=-90, le=90)]
Longitude = Annotated[FiniteFloat, Field(ge=-180, le=180)]


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, alias_generator=to_camel)


class SimpleItem(_Read):
    """One command."""

    type: Literal["SimpleItem"]
    frame: int
    command: int
    params: Params
    auto_continue: bool
    do_jump_id: int
    altitude: FiniteFloat | None = Field(default=None, alias="Altitude")
    altitude_mode: Literal[0, 1, 2, 3, 4] | None = Field(default=None, alias="AltitudeMode")
    altitude_amsl: FiniteFloat | None = Field(default=None, alias="AMSLAltAboveTerrain")


class Mission(_Read):
    """The mission object."""

    version: Literal[2]
    planned_home_position: tuple[Latitude, Longitude, FiniteFloat]
    items: list[SimpleItem]
    firmware_type: int
    vehicle_type: int
    cruise_speed: FiniteFloat
    hover_speed: FiniteFloat
    global_plan_altitude_mode: int


class GeoFence(_Read):
    """The fence, which may be empty."""

    version: Literal[2]
    circles: list[Any]
    polygons: list[Any]


class RallyPoints(_Read):
    """The rally points, which may be none."""

    version: Literal[2]
    points: list[Any]


class QgcPlan(_Read):
    """A whole file."""

    file_type: Literal["Plan"]
    version: Literal[1]
    ground_station: str
    mission: Mission
    geo_fence: GeoFence
    rally_points: RallyPoints


def load_qgc_plan(path: Path) -> QgcPlan:
    """Read a plan file as QGroundControl does.

    Raises:
        pydantic.ValidationError: it would refuse it.
    """
    plan = QgcPlan.model_validate_json(path.read_text(encoding="utf-8"))
    for item in plan.mission.items:
        if item.command == 16:  # a waypoint has a place, and says by what its altitude counts
            latitude, longitude, altitude = item.params[4:]
            assert latitude is not None
            assert longitude is not None
            assert abs(latitude) <= 90
            assert abs(longitude) <= 180
            assert item.altitude == altitude
            assert item.altitude_mode is not None
            assert item.model_fields_set >= {"altitude", "altitude_mode", "altitude_amsl"}, "all three or none"
    numbers = [item.do_jump_id for item in plan.mission.items]
    assert len(set(numbers)) == len(numbers), "jumps would be ambiguous"
    return plan
