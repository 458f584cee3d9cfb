"""Where a parcel is more likely: weights of zones with their reasons, and cues; by default, or from a risk file.

    schema: hullscan.risk/1
    present: 0.02                        # chance that she carries one at all
    zones:
      - {zone: sea_chest, weight: 70, reason: came from Santos, source: route}
      - {zone: side_port_aft, weight: 10, reason: boat seen alongside there, source: tip_off}
    cues:
      - {side: port, station_m: 31, depth_m: 2.5, radius_m: 4, chance: 0.3, reason: sonar contact, source: sensor}

A zone's weight is relative to the others, in the units of ``DEFAULT_WEIGHTS`` (which sum to 100): that of a kind is
shared by all zones of the kind, that of one zone is its own. ``chance`` is that of a cue being right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import numpy as np
from annotated_types import Gt, Le, Len

from hullscan.documents import read_document
from hullscan.geometry.frames import Array
from hullscan.search.cells import HullCells
from hullscan.search.zones import ZONE_KINDS, HullZones, ZoneKind
from hullscan.ship.surface import Side, side_sign
from hullscan.units import Depth, NonNegative, Positive, Share

__all__ = ["DEFAULT_RISK", "DEFAULT_WEIGHTS", "Cue", "RiskFile", "RiskSource", "ZoneWeight", "load_risk", "risk_share"]

RiskSource = Literal["route", "flag", "earlier_calls", "tip_off", "sensor", "statistics", "other"]
Reason = Annotated[str, Len(1, 200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneWeight:
    """The weight of a kind of zone, or of one zone by its identity."""

    zone: Annotated[str, Len(1, 60)]
    weight: NonNegative
    reason: Reason
    source: RiskSource = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A place that something points at.

    Attributes:
        radius_m: holds the parcel with 95 % if the cue is right.
        chance: that the cue is right.
    """

    side: Side
    station_m: float
    depth_m: Depth
    radius_m: Positive
    chance: Annotated[float, Gt(0), Le(0.95)]
    reason: Reason
    source: RiskSource = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFile:
    """What is known about one ship before she is searched."""

    schema: Literal["hullscan.risk/1"] = "hullscan.risk/1"
    ship: Annotated[str, Len(1, 80)] | None = None
    present: Share = 0.02
    zones: tuple[ZoneWeight, ...] = ()
    cues: tuple[Cue, ...] = ()


DEFAULT_WEIGHTS: Final[dict[ZoneKind, tuple[float, str]]] = {
    "sea_chest": (50, "sea chests of about 50 ships in 2020-2022, 20 of 26 finds of 2022 in bulk carriers (Vanguard)"),
    "rudder_trunk": (15, "100 to 300 kg loads, reached from sea level (Officer of the Watch)"),
    "stern": (6, "steel box on a magnet at the stern, New Zealand 2024; boxes at the running gear"),
    "thruster_tunnel": (6, "among the first landmarks of search doctrine (The ROV Manual, 2nd ed.)"),
    "bilge_keel": (6, "among the first landmarks of search doctrine (The ROV Manual, 2nd ed.)"),
    "side": (9, "cases and clamped boxes on the open hull: CAUTIN, USA, Netherlands"),
    "bilge": (2, "open hull, farther from the water's edge"),
    "flat_bottom": (3, "open hull, farther from the water's edge"),
    "keel": (1, "open hull, farther from the water's edge"),
    "bow": (2, "open hull in the ship's own wash"),
}
"""Weights that sum to 100, and their reasons. Published finds say in which order, not in which proportion: press
reports favour large loads, and nobody counts what was not found. The proportions are a judgement."""

DEFAULT_RISK = RiskFile()


def load_risk(path: Path) -> RiskFile:
    """Read a ship's risk file.

    Raises:
        InputError, MissionFileError: every fault as ``path:line: key: message``.
    """
    return read_document(path, RiskFile, _check)


def _check(file: RiskFile) -> list[tuple[tuple[str | int, ...], str]]:
    faults: list[tuple[tuple[str | int, ...], str]] = []
    total = sum(cue.chance for cue in file.cues)
    if total > 0.95:
        faults.append((("cues",), f"their chances sum to {total:.2f}; leave at least 0.05 for the rest of the hull"))
    for index, each in enumerate(file.zones):
        if not any(each.zone == kind or each.zone.startswith(f"{kind}_") for kind in get_args(ZoneKind)):
            kinds = ", ".join(ZONE_KINDS)
            faults.append((("zones", index, "zone"), f"no such zone {each.zone!r}; kinds of zones: {kinds}"))
    if set(ZONE_KINDS) <= {each.zone for each in file.zones if each.weight == 0}:
        faults.append((("zones",), "no zone has any weight"))
    return faults


def risk_share(cells: HullCells, zones: HullZones, risk: RiskFile = DEFAULT_RISK) -> Array:
    """(n,) chance of each cell to hold the parcel, if there is one on the hull; sums to one."""
    weights = _zone_weights(zones, risk)
    density = weights / np.maximum(zones.area_m2, 1e-9)
    share = density[zones.of_cell] * cells.area_m2
    if share.sum() <= 0:  # all that has weight is not on this ship
        share = cells.area_m2.copy()
    share = share / share.sum()
    trust = sum(cue.chance for cue in risk.cues)
    mixed = share * (1 - trust)
    for cue in risk.cues:
        mixed = mixed + cue.chance * _cue_share(cells, cue, share)
    return np.asarray(mixed / mixed.sum(), dtype=np.float64)


def _zone_weights(zones: HullZones, risk: RiskFile) -> Array:
    """(k,) weights: a kind's is shared by number where zones are fittings, by area where they are plating."""
    given = {each.zone: each.weight for each in risk.zones}
    kinds = np.array([zone.kind for zone in zones.zones])
    weights = np.zeros(len(kinds))
    for kind in ZONE_KINDS:
        mine = kinds == kind
        if mine.any():
            split = np.ones(int(mine.sum())) if kind in ("sea_chest", "thruster_tunnel") else zones.area_m2[mine]
            weights[mine] = given.get(kind, DEFAULT_WEIGHTS[kind][0]) * split / split.sum()
    for index, zone in enumerate(zones.zones):
        weights[index] = given.get(zone.identity, weights[index]) if zone.identity != zone.kind else weights[index]
    return weights


def _cue_share(cells: HullCells, cue: Cue, otherwise: Array) -> Array:
    """(n,) a normal distribution on the hull about the cue, 95 % of it within the radius; sums to one."""
    girth = cells.hull.girth_to_depth(np.array([cue.station_m]), np.array([cue.depth_m]), cue.side)
    sides = np.array([side_sign(cue.side)], dtype=np.int8)
    centre = cells.hull.point(sides, np.array([cue.station_m]), girth)[0]
    sigma_m = cue.radius_m / np.sqrt(-2 * np.log(0.05))
    apart2 = ((cells.points_m - centre) ** 2).sum(axis=1)
    # measured through the water: the far side of a thin stern must not catch what is said of the near one
    likely = np.where(cells.normals @ cells.hull.normal(sides, np.array([cue.station_m]), girth)[0] > 0, 1.0, 0.0)
    share = np.exp(-apart2 / (2 * sigma_m**2)) * likely * cells.area_m2
    return share / share.sum() if share.sum() > 0 else otherwise
