"""How near the vehicle's box is to the hull, and what happens when they touch.

The hull is sampled densely as small discs (points with normals), held in a tree. 26 points of the vehicle's box
(corners, middles of edges and faces) look up their nearest disc now and then, more often the nearer they are;
between two looks the discs' planes stand for the hull, so that a step costs little and nothing tunnels: at 2 m/s
the vehicle moves 1 cm in a step, and the planes hold for 8 cm.

Contact is a stiff spring with damping and friction at the deepest points: 20 kN/m against at most 160 N of
thrust gives under a centimetre, with the lightest set still 0.2 of the step's stability limit. Sea bed and quay
stop the vehicle in the same way, but only the ship's contacts are counted: her hull, and rudder, propeller and
bilge keels, which are thinner than the box and are looked up by more of its points (``obstacles``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import cos, sin, sqrt

import numpy as np
from scipy.spatial import cKDTree

from hullscan.geometry.frames import Array
from hullscan.ship.half import HullHalf
from hullscan.ship.surface import HullSurface
from hullscan_sim.dynamics import SIZE_M, RigidBody, Vector
from hullscan_sim.world import World

__all__ = ["Contacts", "HullDistance"]

_STIFFNESS_NPM = 20_000.0
_DAMPING_NSPM = 500.0
_FRICTION = 0.3
_NEAR_M = 0.08
_CLOSE_M = 0.35  # nearer than this to an obstacle, more points of the box are looked at
_APART_S = 1.0  # contacts nearer in time than this are one
_POINTS = np.array([p for p in product((-0.5, 0.0, 0.5), repeat=3) if any(p)]) * np.array(SIZE_M)
_STILL: Vector = (0.0, 0.0, 0.0)
_ARMS: list[Vector] = [(x, y, z) for x, y, z in _POINTS.tolist()]


@dataclass(frozen=True, slots=True)
class _Discs:
    """Middles (n, 3) and outward normals (n, 3) of discs, y outward."""

    points: Array
    normals: Array
    tree: cKDTree


def _discs(half: HullHalf, columns: Array, rows: Array) -> _Discs:
    points = _between(half.grid_m, columns, rows)
    normals = _between(half.vertex_normals, columns, rows)
    solid = np.ones(len(points), dtype=bool)
    if half.gaps is not None:  # there is water between a bulb and the stem above it
        column = np.minimum(columns.astype(int), half.grid_m.shape[0] - 2)
        row = np.minimum(rows.astype(int), half.grid_m.shape[1] - 2)
        gaps = half.gaps[column] | half.gaps[column + 1]
        solid = ~(gaps[:, row] & (rows > row)[None, :]).ravel()
    points, normals = points[solid], normals[solid]
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return _Discs(points, normals, cKDTree(points))


class HullDistance:
    """Signed distance from points to a hull, by discs of 0.15 m radius about 0.2 m apart.

    A point over a disc is as far as the disc's plane; beside it, as far as its rim. On plates this is exact, on
    a bilge of 1.5 m radius it is within a centimetre, and a point beyond the end of a sharp stem is not mistaken
    for one inside.
    """

    RADIUS_M = 0.15

    def __init__(self, hull: HullSurface) -> None:
        gaps = np.linalg.norm(np.diff(hull.grid_m, axis=1), axis=2)
        rows = np.linspace(0, hull.grid_m.shape[1] - 1, 1 + (hull.grid_m.shape[1] - 1) * _parts(gaps.max()))
        lengths = np.diff(hull.stations_m)
        columns = np.concatenate(
            [index + np.arange(_parts(length)) / _parts(length) for index, length in enumerate(lengths)]
        )
        # the halves of a symmetric hull share one set of discs; with a list each has its own, told apart by side
        halves = (hull.starboard,) if hull.symmetric else (hull.starboard, hull.port)
        self._discs = [_discs(half, columns, rows) for half in halves]

    def nearest(self, points_ship: Array) -> tuple[Array, Array]:
        """Of (n, 3) points: (n,) signed distances, and (n, 3) outward normals of the discs, ship frame."""
        if len(self._discs) == 1:
            side = np.where(points_ship[:, 1:2] >= 0, 1.0, -1.0)
            mirror = np.concatenate([np.ones_like(side), side, np.ones_like(side)], axis=1)
            return self._nearest(points_ship, mirror, self._discs[0])
        either = [
            self._nearest(points_ship, np.broadcast_to([1.0, sign, 1.0], points_ship.shape), discs)
            for sign, discs in zip((1.0, -1.0), self._discs, strict=True)
        ]
        port = np.abs(either[1][0]) < np.abs(either[0][0])
        return np.where(port, either[1][0], either[0][0]), np.where(port[:, None], either[1][1], either[0][1])

    def _nearest(self, points_ship: Array, mirror: Array, discs: _Discs) -> tuple[Array, Array]:
        folded = points_ship * mirror
        _, index = discs.tree.query(folded)
        centre, normal = discs.points[index], discs.normals[index]
        offset = folded - centre
        height = (offset * normal).sum(axis=1)
        beside = np.sqrt(np.maximum((offset * offset).sum(axis=1) - height * height, 0.0))
        over = np.maximum(beside - self.RADIUS_M, 0.0)
        distance = np.where(over > 0, np.hypot(height, over), height)
        return distance, normal * mirror


def _parts(length_m: float) -> int:
    """Into how many parts a length is cut so that none exceeds the discs' distance."""
    return max(int(np.ceil(length_m / 0.2)), 1)


def _between(grid: Array, columns: Array, rows: Array) -> Array:
    """(n, 3) values of an (a, b, 3) grid, linear between its nodes."""
    column = np.minimum(columns.astype(int), grid.shape[0] - 2)
    row = np.minimum(rows.astype(int), grid.shape[1] - 2)
    u, v = (columns - column)[:, None, None], (rows - row)[None, :, None]
    near = grid[column] * (1 - u) + grid[column + 1] * u
    return np.asarray(near[:, row] * (1 - v) + near[:, row + 1] * v, dtype=np.float64).reshape(-1, 3)


@lru_cache(maxsize=2)
def _distance_to(hull: HullSurface) -> HullDistance:
    """The discs of a hull, made once."""
    return HullDistance(hull)


class Contacts:
    """Clearance, contact forces and their count.

    Attributes:
        clearance_m: of the box to the ship, at the last look; negative when pressed into her.
        count: contacts with the ship so far; touches less than a second apart are one.
        min_clearance_m: least clearance so far.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._distance = _distance_to(world.hull)
        self._fine_points = world.obstacles.box_points_m
        self._fine_arms: list[Vector] = [(x, y, z) for x, y, z in self._fine_points.tolist()]
        self._next_s = -1.0
        self._planes: list[tuple[Vector, Vector, float, bool]] = []  # box point, normal, offset (ned), of the hull?
        self._looked_s = 0.0
        self._last_touch_s = -1e9
        self.clearance_m = float("inf")
        self.min_clearance_m = float("inf")
        self.count = 0

    def step(self, body: RigidBody, time_s: float) -> tuple[Vector, Vector]:
        """Force and torque of contact now, body axes."""
        if time_s >= self._next_s:
            self.look(body, time_s)
        if not self._planes:
            return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        return self._push(body, time_s)

    def look(self, body: RigidBody, time_s: float) -> None:
        """Measure afresh, and remember the planes that are near."""
        self._looked_s = time_s
        matrix = np.array(body.matrix).reshape(3, 3)
        arms = _POINTS @ matrix.T
        points = arms + np.array(body.position)
        world = self._world
        in_ship = self._in_ship(points)
        distance, normal = self._distance.nearest(in_ship)
        self._planes = []
        self._remember_ship(_ARMS, points, distance, normal)
        room = float(distance.min())
        self.clearance_m = min(room, self._obstacles(np.array(body.position), matrix, in_ship, room))
        self.min_clearance_m = min(self.min_clearance_m, self.clearance_m)
        nearest_other = self._other_planes(points, in_ship)
        speed = sqrt(sum(part * part for part in body.velocity)) + 0.3
        if not world.motion.still:
            speed += sqrt(sum(part * part for part in world.ship_velocity(body.position)))
        room = min(self.clearance_m, nearest_other)
        longest_s = min(max(0.1 * room, 0.1), 0.5)
        self._next_s = time_s + min(max((room - 0.03) / 2, _NEAR_M / 2) / speed, longest_s)

    def _in_ship(self, points: Array) -> Array:
        """(n, 3) points of ned in the ship frame."""
        pose, world = self._world.ship_pose, self._world
        shift = points - [pose.north_m, pose.east_m, pose.down_m]
        turn = np.array(world.direction_to_ned((1, 0, 0))), np.array(world.direction_to_ned((0, 1, 0)))
        return np.column_stack([shift @ turn[0], shift @ turn[1], shift[:, 2]])

    def _remember_ship(self, arms: list[Vector], points: Array, distance: Array, normal_ship: Array) -> None:
        for index in np.flatnonzero(distance < _NEAR_M).tolist():
            x, y, z = normal_ship[index].tolist()
            facing = self._world.direction_to_ned((x, y, z))
            self._remember(arms[index], points[index].tolist(), facing, float(distance[index]), of_hull=True)

    def _obstacles(self, position: Array, matrix: Array, in_ship: Array, to_hull_m: float) -> float:
        """What stands out of the plating; returns the room to it where that is less than to the hull."""
        obstacles = self._world.obstacles
        room = obstacles.room(in_ship, max(to_hull_m, _CLOSE_M))
        if room > _CLOSE_M:
            return room
        points = self._fine_points @ matrix.T + position
        fine = self._in_ship(np.vstack([position, points]))
        distance, normal = obstacles.nearest(fine[0], fine[1:])
        self._remember_ship(self._fine_arms, points, distance, normal)
        return float(distance.min())

    def _other_planes(self, points: Array, in_ship: Array) -> float:
        """Sea bed and quay; returns the room to the nearer of them."""
        bed = self._world.bed_m - points[:, 2]
        room = float(bed.min())
        for index in np.flatnonzero(bed < _NEAR_M).tolist():
            self._remember(_ARMS[index], points[index].tolist(), (0.0, 0.0, -1.0), float(bed[index]), of_hull=False)
        quay_y = self._world.quay_y_m
        if quay_y is not None:
            sign = 1.0 if quay_y > 0 else -1.0
            gap = sign * self._world.off_quay(in_ship)
            room = min(room, float(gap.min()))
            along = self._world.motion.rest.heading_rad
            facing = (sign * sin(along), -sign * cos(along), 0.0)
            for index in np.flatnonzero(gap < _NEAR_M).tolist():
                self._remember(_ARMS[index], points[index].tolist(), facing, float(gap[index]), of_hull=False)
        return room

    def _remember(self, arm: Vector, point: list[float], facing: Vector, distance_m: float, *, of_hull: bool) -> None:
        """Keep the plane that a point of the box is near to."""
        offset = distance_m - sum(way * part for way, part in zip(facing, point, strict=True))
        self._planes.append((arm, facing, offset, of_hull))

    def _push(self, body: RigidBody, time_s: float) -> tuple[Vector, Vector]:
        touching = []
        ship = self._world.ship_velocity(body.position)  # the planes of the hull go with her
        since_s = time_s - self._looked_s
        for arm, facing, offset, of_hull in self._planes:
            ax, ay, az = body.to_ned(arm)
            n, e, d = facing
            if of_hull:
                offset -= since_s * (n * ship[0] + e * ship[1])
            depth = -(n * (body.north_m + ax) + e * (body.east_m + ay) + d * (body.down_m + az) + offset)
            if depth > 0:
                touching.append((arm, facing, depth, of_hull))
        fx = fy = fz = tx = ty = tz = 0.0
        for arm, facing, depth, of_hull in touching:
            x, y, z = self._at_point(body, arm, facing, depth, len(touching), ship if of_hull else _STILL)
            fx, fy, fz = fx + x, fy + y, fz + z
            ax, ay, az = arm
            tx, ty, tz = tx + ay * z - az * y, ty + az * x - ax * z, tz + ax * y - ay * x
            if of_hull:
                self._touched(depth, time_s)
        return (fx, fy, fz), (tx, ty, tz)

    def _at_point(
        self, body: RigidBody, arm: Vector, facing: Vector, depth: float, sharing: int, surface: Vector
    ) -> Vector:
        """Force at one point of the box, body axes; points in contact share the stiffness.

        Args:
            surface: velocity (ned) of what is touched.
        """
        nx, ny, nz = body.to_body(facing)
        n, e, d = body.velocity
        ux, uy, uz = body.to_body((n - surface[0], e - surface[1], d - surface[2]))
        p, q, r = body.roll_rate, body.pitch_rate, body.yaw_rate
        ax, ay, az = arm
        vx, vy, vz = ux + q * az - r * ay, uy + r * ax - p * az, uz + p * ay - q * ax
        into = nx * vx + ny * vy + nz * vz
        press = max((_STIFFNESS_NPM * depth - _DAMPING_NSPM * into) / sharing, 0.0)
        sx, sy, sz = vx - into * nx, vy - into * ny, vz - into * nz
        slide = sqrt(sx * sx + sy * sy + sz * sz)
        rub = -_FRICTION * press / max(slide, 0.05)
        return press * nx + rub * sx, press * ny + rub * sy, press * nz + rub * sz

    def _touched(self, depth: float, time_s: float) -> None:
        self.clearance_m = min(self.clearance_m, -depth)
        self.min_clearance_m = min(self.min_clearance_m, -depth)
        if time_s - self._last_touch_s > _APART_S:
            self.count += 1
        self._last_touch_s = time_s
