"""Ways home: back along the route that is known to be clear, out from under the ship before rising.

The vehicle has come where it is along planned legs, and planned legs keep clear of hull, quay and sea bed. So the way
back is the flown route reversed, cut short where the straight way keeps clear of the hull's surface too. A short cut
leads out from under the ship or past her, never under her: the tether trails along the route. Where the vehicle
is under her, it leaves athwart on the side it came from, if that is clear, since each metre under plating is a metre
where it cannot rise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.hearing import BLIND_S, deaf_s
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.patterns.clearance import crosses_hull, hull_gap, quay_face_m
from hullscan.mission.patterns.leg import dense, timed

__all__ = [
    "flown_poses",
    "legs_under_ship",
    "legs_without_position",
    "require_ways_home",
    "under_ship",
    "way_along",
    "way_back",
    "way_out",
]

_RISE_M = 0.5  # beside the vehicle's box: what must be open above it before it rises
_KNOWN_STEP_M = 1.0  # of the flown route, as far as short cuts are tried from it
_OUT_STEP_M, _OUT_MOST_M = 0.5, 40.0
_RESERVE_M = 0.05


def under_ship(mission: Mission, places_m: Array, aside_m: float = 0.0) -> npt.NDArray[np.bool_]:
    """(n,) whether plating lies above the vehicle, its box widened by ``aside_m``, at (n, 3) places of the ship frame.

    What lies above the waterline is no ceiling.
    """
    places = np.atleast_2d(places_m)
    reach = float(np.hypot(*mission.vehicle.half_size_m[:2])) + aside_m
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.concatenate([[[0.0, 0.0]], reach * np.column_stack([np.cos(turn), np.sin(turn)])])
    corners = np.column_stack([ring, np.zeros(len(ring))])
    origins = (places[:, None] + corners[None]).reshape(-1, 3)
    met = mission.hull.cast(origins, np.tile([0.0, 0.0, -1.0], (len(origins), 1)))
    return np.asarray((met.hit & (met.distance_m < origins[:, 2])).reshape(len(places), -1).any(axis=1))


def legs_under_ship(mission: Mission, legs: Sequence[Leg]) -> list[int]:
    """Numbers, from 1, of the legs on which plating lies above the vehicle somewhere."""
    return [number for number, leg in enumerate(legs, start=1) if under_ship(mission, leg.poses[:, 1:4]).any()]


def legs_without_position(mission: Mission, legs: Sequence[Leg]) -> list[int]:
    """Numbers, from 1, of the legs under the ship on which the DVL would hear too little for a velocity, too long.

    Elsewhere a vehicle that loses its position can rise. Under the ship it could not, nor could it search on.
    """
    return [number for number in legs_under_ship(mission, legs) if deaf_s(mission, legs[number - 1].poses) > BLIND_S]


def require_ways_home(mission: Mission, legs: Sequence[Leg]) -> None:
    """Refuse to fly where there is no way home.

    By position there always is one: back along the planned legs. It fails only where the position itself would be
    lost under the ship.

    Raises:
        InputError: on some legs under the ship the vehicle would lose its position.
    """
    found = [] if mission.vehicle.bottom_lock else legs_without_position(mission, legs)
    if found:
        numbers = ", ".join(map(str, found[:6])) + (", ..." if len(found) > 6 else "")
        raise InputError(
            f"legs {numbers} of {len(legs)} lie under the ship where a DVL that faces forward hears no plating: "
            f"{mission.vehicle.name} would lose its position there, and could not rise",
            where="survey",
            todo="take a vehicle with a second DVL that looks down (bluerov2-heavy-two-dvls), or leave them out",
        )


def flown_poses(legs: Sequence[Leg], number: int, share: float) -> Array:
    """(n, 6) planned poses from the launch up to a share of a leg's length: the route that is known."""
    pieces = [leg.poses[:, 1:] for leg in legs[: max(number, 0)]]
    if number >= 0:
        last = legs[number].poses[:, 1:]
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(last[:, :3], axis=0), axis=1))])
        pieces.append(last[along <= max(share, 0.0) * along[-1] + 1e-9])
    return np.concatenate(pieces) if pieces else legs[0].poses[:1, 1:]


def way_back(mission: Mission, flown: Array, here: Array, launch_m: Array) -> Leg:
    """The leg from where the vehicle is to the launch.

    Args:
        flown: (n, 6) poses of the route so far, from the launch on.
        here: (6,) pose of the vehicle now, ship frame; its heading is kept all the way.
        launch_m: (3,) where it went down; left out if the way to it from the route's beginning is not clear.
    """
    start = [here.copy()]
    if under_ship(mission, here[:3])[0]:
        out = way_out(mission, here, flown)
        if out is not None:
            start.append(out)
    elif (off := _moved_off(mission, here)) is not None:
        start.append(off)
    launch = np.array([*launch_m, *here[3:]])
    last = [launch] if _clear(mission, dense(np.array([flown[0], launch]))) else []
    known = np.array([*flown[::-1], *last])
    # beyond the place where the vehicle left the route nothing of it is needed
    nearest = int(np.argmin(np.linalg.norm(known[: len(flown), :3] - start[-1][:3], axis=1)))
    return _pulled(mission, start, known[nearest:])


def way_along(mission: Mission, here: Array, known: Array, *, room_m: float = _RESERVE_M) -> Leg:
    """The leg along (n, 6) poses that are known to be clear, cut short where that is clear too, to the last of them.

    Args:
        here: (6,) pose of the vehicle now, near the first of them; its heading is kept all the way.
        room_m: besides the clearance limit, that a short cut must have.
    """
    return _pulled(mission, [here.copy()], known, room_m)


def _pulled(mission: Mission, start: list[Array], known: Array, room_m: float = _RESERVE_M) -> Leg:
    way, ahead, at = start, list(_thinned(known)), 0
    heading = float(start[0][3])
    while at < len(ahead):
        at = _farthest(mission, way[-1], ahead, at, room_m)
        way.append(ahead[at])
        at += 1
    poses = np.array(way)
    poses[:, 3:] = [heading, 0.0, 0.0]
    keep = np.concatenate([[True], np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1) > 1e-6])
    poses = poses[keep] if keep.sum() > 1 else np.array([poses[0], poses[0]])
    leg, _ = timed("water", "return", poses, mission.vehicle.transit_speed_mps, 0.0, surveys=False)
    return leg


def _thinned(flown: Array) -> Array:
    """Poses of the route about a metre apart, the first and the last with them."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(flown[:, :3], axis=0), axis=1))])
    wanted = np.unique(np.searchsorted(along, np.arange(0.0, along[-1] + _KNOWN_STEP_M, _KNOWN_STEP_M)))
    index = np.unique(np.concatenate([[0], np.minimum(wanted, len(flown) - 1), [len(flown) - 1]]))
    return np.asarray(flown[index])


def _farthest(mission: Mission, start: Array, known: list[Array], first: int, room_m: float) -> int:
    """Index of a far place of the known way that can be reached straight; the next one always can."""
    last = len(known) - 1
    step = last - first
    while step > 0:
        if _may_cut(mission, start, known[first + step], room_m):
            return first + step
        step //= 2
    return first


def _may_cut(mission: Mission, start: Array, end: Array, room_m: float) -> bool:
    """Whether a straight way is clear and leads under the ship no longer than it begins under her."""
    fine = dense(np.array([start, np.array([*end[:3], *start[3:]])]))
    if not _clear(mission, fine, room_m):
        return False
    under = under_ship(mission, fine[:, :3])
    return not bool((np.diff(under.astype(int)) > 0).any()) and not (under[0] and under[-1])


def _clear(mission: Mission, fine: Array, room_m: float = _RESERVE_M) -> bool:
    limit = mission.file.limits.min_clearance_m
    quay = quay_face_m(mission)
    if quay is not None and (quay[0] * (quay[1] - fine[:, 1])).min() < limit + max(mission.vehicle.half_size_m):
        return False
    if crosses_hull(mission, fine).any():
        return False
    # the first poses may be too near already: the way must lead off, not keep what it has
    gap, _ = hull_gap(mission, fine)
    return bool((gap[1:] >= np.minimum(limit + room_m, gap[0])).all())


def _moved_off(mission: Mission, here: Array) -> Array | None:
    """A pose a little farther from the hull, when the vehicle stands near it; None in open water."""
    gap, away = hull_gap(mission, here[None])
    if gap[0] > 2.5:
        return None
    off = here.copy()
    level = np.array([*away[0, :2], 0.0])
    length = float(np.linalg.norm(level))
    off[:3] += (level / length if length > 0.3 else away[0]) * 0.8
    off[2] = max(off[2], 0.5)
    return off if _clear(mission, dense(np.array([here, off]))) else None


def way_out(mission: Mission, here: Array, flown: Array) -> Array | None:
    """The pose straight out athwart from under the ship, on the side that the vehicle came from; None if barred."""
    open_before = np.flatnonzero(~under_ship(mission, _thinned(flown)[:, :3], _RISE_M))
    came_from = _thinned(flown)[open_before[-1], 1] if len(open_before) else here[1]
    sign = 1.0 if came_from >= 0 else -1.0
    steps = np.arange(_OUT_STEP_M, _OUT_MOST_M, _OUT_STEP_M)
    places = here[:3] + np.column_stack([np.zeros(len(steps)), sign * steps, np.zeros(len(steps))])
    free = np.flatnonzero(~under_ship(mission, places, _RISE_M))
    if not len(free):
        return None
    out = here.copy()
    out[:3] = places[free[0]]
    return out if _clear(mission, dense(np.array([here, out]))) else None
