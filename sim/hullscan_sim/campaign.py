"""A campaign: many worlds around one mission, each with its own water, coating, ship error and planted parcels.

Everything follows from one seed. A world is a folder with ``mission.yaml`` and ``scenario.yaml``, flown with
``hullscan survey``; ``hullscan evaluate`` scores what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hullscan.errors import InputError
from hullscan_sim.scenario import load_scenario, load_ship

__all__ = ["CampaignRequest", "write_campaign"]

_COATINGS = ("red", "red", "black", "blue", "green", "grey")
_WATERS = ("coastal_1C", "coastal_3C", "coastal_5C")
_COLOURS = ("black", "grey", "white", "green", "blue", "orange", "yellow", "brown", "hull")
# width and height as shares of the length, by kind: from the seizures of the field notes (boxes, bags, cylinders,
# torpedoes of 0.3 to 1.2 m)
_SLENDER = {"box": (0.5, 1.0), "bag": (0.5, 0.9), "cylinder": (0.22, 0.5), "torpedo": (0.18, 0.3)}
_LEAST_GAP_M = 1.6  # between parcels along the ship: nearer ones are a trial of their own, of separation
_FREE_M = 0.5  # between parcels that share a stretch, past their ends
_TRIES = 2000  # places drawn for one parcel before the stretch counts as full


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRequest:
    """What to write.

    Attributes:
        mission: the mission that every world is a variant of.
        stations_m, depths_m: where parcels are planted.
        parcels: in each world. As many as fit lie 1.6 m apart along the ship, each a trial by itself; more of them lie
            anywhere, half a metre of free plating between them, for errors of place and size.
        visibility_m: range that each world draws its water's visibility from; the mission's own when not given.
    """

    mission: Path
    count: int
    seed: int
    side: str
    stations_m: tuple[float, float]
    depths_m: tuple[float, float]
    visibility_m: tuple[float, float] | None = None
    parcels: int = 3


def write_campaign(request: CampaignRequest, out: Path) -> list[Path]:
    """Write the worlds of a campaign.

    Returns:
        Their folders.

    Raises:
        InputError: the parcels do not fit between the stations, or a file that was written does not read back.
    """
    stated = yaml.safe_load(request.mission.read_text(encoding="utf-8"))
    folders = []
    for number in range(request.count):
        rng = np.random.default_rng([request.seed, number, 41])
        folder = out / f"{number:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        visibility = float(stated["conditions"]["visibility_m"])
        if request.visibility_m is not None:
            visibility = round(float(rng.uniform(*request.visibility_m)), 2)
        stated["conditions"]["visibility_m"] = visibility
        _write(folder / "mission.yaml", stated)
        _write(folder / "scenario.yaml", _scenario(request, rng, number, visibility, stated["conditions"]))
        load_ship(folder / "mission.yaml", load_scenario(folder / "scenario.yaml"))
        folders.append(folder)
    return folders


def _scenario(
    request: CampaignRequest, rng: np.random.Generator, number: int, visibility_m: float, conditions: dict[str, Any]
) -> dict[str, Any]:
    return {
        "mission": "mission.yaml",
        "seed": request.seed * 1000 + number,
        "water": {
            "visibility_m": visibility_m,
            "type": str(rng.choice(_WATERS)),
            "particles": round(float(rng.uniform(0.1, 0.6)), 2),
            "current_mps": conditions.get("current_mps", 0.0),
            "current_towards_deg": conditions.get("current_towards_deg", 0.0),
            "waves_m": 0.1,
        },
        "surface": {
            "coating": str(rng.choice(_COATINGS)),
            "fouling": round(float(rng.uniform(0.1, 0.6)), 2),
            "age": round(float(rng.uniform(0.1, 0.9)), 2),
        },
        "ship_error": {
            "north_m": round(float(rng.uniform(-0.7, 0.7)), 2),
            "east_m": round(float(rng.uniform(-0.7, 0.7)), 2),
            "heading_deg": round(float(rng.uniform(-1, 1)), 2),
        },
        "vehicle": {"compass": "near_steel", "position": "dvl", "dvl": "a50"},
        "parcels": _parcels(request, rng),
    }


def _parcels(request: CampaignRequest, rng: np.random.Generator) -> list[dict[str, Any]]:
    (low, high), (shallow, deep) = request.stations_m, request.depths_m
    slack = high - low - _LEAST_GAP_M * request.parcels
    if slack < 0:
        return _crowd(request, rng)
    stations = low + np.sort(rng.uniform(0, slack, request.parcels)) + _LEAST_GAP_M * (np.arange(request.parcels) + 0.5)
    parcels = []
    for station in stations:
        shape = _shape(rng)
        depth = float(rng.uniform(shallow, deep))
        parcels.append(_parcel(request, rng, shape, float(station), depth))
    return parcels


def _crowd(request: CampaignRequest, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Parcels anywhere on the stretch, the long ones first, each where there is room for it."""
    shapes = sorted((_shape(rng) for _ in range(request.parcels)), key=lambda shape: -shape[1][0])
    parcels: list[dict[str, Any]] = []
    taken = np.zeros((0, 3))  # station, depth, length
    low, high = zip(request.stations_m, request.depths_m, strict=True)
    for shape in shapes:
        length = shape[1][0]
        draws = rng.uniform(list(low), list(high), size=(_TRIES, 2))
        gaps = np.linalg.norm(draws[:, None] - taken[None, :, :2], axis=2) - (length + taken[:, 2]) / 2
        free = np.flatnonzero((gaps >= _FREE_M).all(axis=1))
        if not len(free):
            raise InputError(f"{request.parcels} parcels do not fit there", where="--stations, --depths, --parcels")
        station, depth = (float(value) for value in draws[free[0]])
        taken = np.vstack([taken, [station, depth, length]])
        parcels.append(_parcel(request, rng, shape, station, depth))
    return parcels


def _shape(rng: np.random.Generator) -> tuple[str, tuple[float, float, float], float]:
    """Kind, size and turn of a parcel."""
    kind = str(rng.choice(list(_SLENDER)))
    length = float(np.exp(rng.uniform(np.log(0.25), np.log(1.2))))
    width = length * float(rng.uniform(*_SLENDER[kind]))
    turn = float(rng.choice([0.0, 90.0, rng.uniform(-90, 90)]))
    return kind, (length, width, min(width, 0.35)), turn


def _parcel(
    request: CampaignRequest,
    rng: np.random.Generator,
    shape: tuple[str, tuple[float, float, float], float],
    station_m: float,
    depth_m: float,
) -> dict[str, Any]:
    kind, size_m, turn_deg = shape
    return {
        "kind": kind,
        "size_m": [round(part, 2) for part in size_m],
        "side": request.side,
        "station_m": round(station_m, 2),
        "depth_m": round(depth_m, 2),
        "attach": str(rng.choice(["magnet", "rope", "strap"])),
        "turn_deg": round(turn_deg, 1),
        "colour": str(rng.choice(_COLOURS)),
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
