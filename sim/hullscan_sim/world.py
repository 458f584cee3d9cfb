"""Where things truly are: the ship, the quay, the sea bed, the water's motion, and what a ray meets.

The ``ned`` frame of the simulator has its origin at the berth's latitude and longitude (the stated aft
perpendicular). The vehicle's own estimator uses another one, at its launch place; only ``estimator`` knows both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, exp, pi, radians, sin

import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.geometry.frames import Array, GeoOrigin, ShipPose
from hullscan.ship.surface import HullSurface, Side, side_sign
from hullscan_sim.dynamics import FLOATING_DEPTH_M, GRAVITY_MPS2, Vector
from hullscan_sim.faults.flow import Flow
from hullscan_sim.fitted import fit_out, parcel_place
from hullscan_sim.mooring import ShipMotion
from hullscan_sim.obstacles import Obstacles
from hullscan_sim.plating import Plating
from hullscan_sim.scenario import Scenario, ShipAtBerth, Water

__all__ = ["HULL", "NOTHING", "QUAY", "SEA_BED", "RayHits", "WaterMotion", "World"]

_LEAST_INCIDENCE = 0.3  # a ray that grazes meets the side of a bulge, not the far end of it
NOTHING, HULL, SEA_BED, QUAY = 0, 1, 2, 3
"""What a ray met."""


@dataclass(frozen=True, slots=True)
class RayHits:
    """Where n rays end.

    Attributes:
        distance_m: (n,) along the ray, along the whole path if it was mirrored; inf where it meets nothing.
        kind: (n,) NOTHING, HULL (with what stands out of it), SEA_BED or QUAY.
        incidence: (n,) cosine of the angle between the ray and the surface's normal, 0 where it meets nothing.
        mirrored: (n,) whether the surface of the water threw it back on its way.
    """

    distance_m: Array
    kind: npt.NDArray[np.int8]
    incidence: Array
    mirrored: npt.NDArray[np.bool_]


class WaterMotion:
    """Velocity of the water: a uniform current, and the orbital motion of waves near the surface.

    Waves are two long-crested components (periods 2.6 and 3.4 s, as in a harbour) whose amplitudes make up the
    significant height. There is no shadow of the hull in the current.

    Attributes:
        current: steady, ned, m/s.
        disturbances: what faults add.
    """

    def __init__(self, water: Water, generator: np.random.Generator) -> None:
        towards = radians(water.current_towards_deg)
        self.current: Vector = (water.current_mps * cos(towards), water.current_mps * sin(towards), 0.0)
        self.disturbances: list[Flow] = []
        direction = generator.uniform(0, 2 * pi)
        self._waves = []
        if water.waves_m > 0:
            for period_s in (2.6, 3.4):
                turn = 2 * pi / period_s
                amplitude_m = water.waves_m / 4  # each carries half of the variance Hs^2 / 16, its amplitude sqrt(2) s
                phase, way = generator.uniform(0, 2 * pi), direction + generator.uniform(-0.3, 0.3)
                self._waves.append((turn, turn * turn / GRAVITY_MPS2, amplitude_m, phase, cos(way), sin(way)))

    def at(self, position: Vector, time_s: float) -> Vector:
        """Velocity of the water, ned, m/s."""
        if not self.disturbances:
            return self._undisturbed(position, time_s)
        parts = [self._undisturbed(position, time_s), *(flow(position, time_s) for flow in self.disturbances)]
        n, e, d = (sum(part) for part in zip(*parts, strict=True))
        return n, e, d

    def _undisturbed(self, position: Vector, time_s: float) -> Vector:
        if not self._waves:
            return self.current
        n, e, d = self.current
        for turn, number, amplitude, phase, way_n, way_e in self._waves:
            angle = number * (way_n * position[0] + way_e * position[1]) - turn * time_s + phase
            speed = amplitude * turn * exp(-number * max(position[2], 0.0))
            n, e, d = n + speed * way_n * cos(angle), e + speed * way_e * cos(angle), d - speed * sin(angle)
        return n, e, d

    def surface_m(self, position: Vector, time_s: float) -> float:
        """How much deeper the pressure says the place is, from the waves above it (attenuated with depth)."""
        if not self._waves:
            return 0.0
        return sum(
            amplitude * exp(-number * max(position[2], 0.0))
            * cos(number * (way_n * position[0] + way_e * position[1]) - turn * time_s + phase)
            for turn, number, amplitude, phase, way_n, way_e in self._waves
        )  # fmt: skip


class World:
    """The ship as she truly lies, with quay and sea bed.

    Attributes:
        ship_pose: now; ``advance`` brings it to a moment.
        motion: of the ship at her moorings.
        bed_m: depth of the sea bed below the surface of the water.
        quay_y_m: of the quay's face, in the frame of the ship at rest.
        fitted: what is truly fitted to the ship.
        parcel_places: where the scenario's parcels are.
        obstacles: what stands out of her plating.

    Args:
        stated: ship, berth and launch of the mission file.
        hull: her surface.
        scenario: where she really lies, and the water.
        generator: for the phases of the waves.
    """

    def __init__(
        self, stated: ShipAtBerth, hull: HullSurface, scenario: Scenario, generator: np.random.Generator
    ) -> None:
        self.stated, self.hull, self.scenario = stated, hull, scenario
        berth = stated.berth
        self.origin: GeoOrigin = berth.origin
        self.fitted = fit_out(stated, hull, scenario.seed)
        self.parcel_places = tuple(
            parcel_place(self.fitted, hull, parcel, index) for index, parcel in enumerate(scenario.parcels)
        )
        self.obstacles = Obstacles(hull, self.fitted)
        self._plating = Plating(scenario.surface.uneven_m, np.random.default_rng([scenario.seed, 19]))
        self.motion = ShipMotion(scenario, stated, hull.dimensions.length_m)
        self._time_s = 0.0
        self._rates: Vector | None = None
        self._place(self.motion.pose(0.0))
        self.bed_m = berth.water_depth_m + scenario.water.tide_m
        self.half_beam_m = float(np.abs(hull.vertices_m[:, 1]).max())
        # the quay follows the true ship: the gap is what the mooring leaves, wherever she lies
        self.quay_y_m = None if berth.quay_side is None else (
            side_sign(berth.quay_side) * (self.half_beam_m + berth.quay_gap_m)
        )  # fmt: skip
        self.water = WaterMotion(scenario.water, generator)
        if self.bed_m <= float(hull.grid_m[:, :, 2].max()) + self.ship_pose.down_m:
            raise InputError(
                f"water_depth_m {self.bed_m:g}, tide included, is less than the ship draws",
                where="berth",
                todo="she would be aground",
            )

    # ---------------------------------------------------------------- the ship's motion

    def advance(self, time_s: float) -> None:
        """Bring the ship to where she is at a moment."""
        if not self.motion.still:
            self._place(self.motion.pose(time_s))
            self._time_s, self._rates = time_s, None

    def _place(self, pose: ShipPose) -> None:
        self.ship_pose = pose
        self._cos, self._sin = cos(pose.heading_rad), sin(pose.heading_rad)

    def ship_velocity(self, point: Vector) -> Vector:
        """Velocity (ned) of the ship's plating at a place (ned)."""
        if self.motion.still:
            return 0.0, 0.0, 0.0
        if self._rates is None:
            self._rates = self.motion.rates(self._time_s)
        north, east, turn = self._rates
        n, e = point[0] - self.ship_pose.north_m, point[1] - self.ship_pose.east_m
        return north - turn * e, east + turn * n, 0.0

    # ---------------------------------------------------------------- frames

    def to_ship(self, point: Vector) -> Vector:
        """A point of ned in the frame of the ship as she truly lies."""
        n, e = point[0] - self.ship_pose.north_m, point[1] - self.ship_pose.east_m
        return self._cos * n + self._sin * e, self._cos * e - self._sin * n, point[2] - self.ship_pose.down_m

    def direction_to_ned(self, direction: Vector) -> Vector:
        """A direction of the ship's frame in ned."""
        x, y, z = direction
        return self._cos * x - self._sin * y, self._sin * x + self._cos * y, z

    @cached_property
    def launch(self) -> tuple[Vector, float]:
        """Where the vehicle floats at first (ned) and its heading: towards the ship as she is stated to lie."""
        place, pose = self.stated.launch, self.stated.berth.ship_pose
        sign = side_sign(place.side)
        station = np.array([place.station_m])
        edge = self.hull.point(np.array([sign], dtype=np.int8), station, np.zeros(1))[0]
        point = pose.to_ned(np.array([place.station_m, edge[1] + sign * place.distance_m, 0.0]))
        heading = pose.heading_rad - sign * pi / 2
        return (float(point[0]), float(point[1]), FLOATING_DEPTH_M), heading

    # ---------------------------------------------------------------- rays

    def cast(self, origin: Vector, directions_ned: Array, max_range_m: float, *, mirror: bool = False) -> RayHits:
        """What (n, 3) rays of unit length from one place meet first.

        Args:
            origin: ned, m.
            directions_ned: (n, 3) unit vectors.
            max_range_m: beyond this a ray meets nothing.
            mirror: throw rays that reach the surface of the water back down, as sound is; else they end there.
        """
        x, y, z = self.to_ship(origin)
        rays = np.empty_like(directions_ned)
        rays[:, 0] = self._cos * directions_ned[:, 0] + self._sin * directions_ned[:, 1]
        rays[:, 1] = self._cos * directions_ned[:, 1] - self._sin * directions_ned[:, 0]
        rays[:, 2] = directions_ned[:, 2]
        origins = np.tile([x, y, z], (len(rays), 1))
        hits = self._cast_below(origins, rays, max_range_m)
        if not mirror:
            return hits
        up = rays[:, 2] < -1e-6
        depth_m = max(z - self._surface_z_m, 0.0)  # a sensor that a wave lifts out of the water is taken to be at it
        to_surface = np.where(up, depth_m / np.where(up, -rays[:, 2], 1.0), np.inf)
        back = (to_surface < max_range_m) & (hits.kind == NOTHING)
        if back.any():
            turned = rays[back] * [1, 1, -1]
            start = origins[back] + rays[back] * to_surface[back, None]
            start[:, 2] = self._surface_z_m + 1e-4
            again = self._cast_below(start, turned, max_range_m)
            whole = again.distance_m + to_surface[back]
            met = whole <= max_range_m
            hits.distance_m[back] = np.where(met, whole, np.inf)
            hits.kind[back] = np.where(met, again.kind, NOTHING)
            hits.incidence[back] = np.where(met, again.incidence, 0.0)
            hits.mirrored[back] = True
        return hits

    def _cast_below(self, origins: Array, rays: Array, max_range_m: float) -> RayHits:
        """Ship frame; whatever lies above the surface of the water does not count."""
        found = self.hull.cast(origins, rays, max_range_m)
        distance, kind = found.distance_m, found.hit.astype(np.int8) * HULL
        incidence = np.where(found.hit, np.abs((found.normals * rays).sum(axis=1)), 0.0)
        if found.hit.any():
            off = self._plating.off_m(origins[found.hit] + found.distance_m[found.hit, None] * rays[found.hit])
            grazing = np.maximum(incidence[found.hit], _LEAST_INCIDENCE)
            distance[found.hit] = np.maximum(distance[found.hit] - off / grazing, 0.0)
        standing = self.obstacles.cast(origins, rays, max_range_m)
        if standing is not None and (first := standing.distance_m < distance).any():
            distance[first], kind[first] = standing.distance_m[first], HULL
            incidence[first] = np.abs((standing.normals[first] * rays[first]).sum(axis=1))
        _stop_at(self.bed_m + self._surface_z_m - origins[:, 2], rays[:, 2], SEA_BED, distance, kind, incidence)
        if self.quay_y_m is not None:
            out, way = self.off_quay(origins), rays[:, 1]
            if not self.motion.still:
                turn = self.ship_pose.heading_rad - self.motion.rest.heading_rad
                way = cos(turn) * way + sin(turn) * rays[:, 0]
            _stop_at(out, way, QUAY, distance, kind, incidence)
        none = distance > max_range_m
        distance[none] = 0.0
        none |= origins[:, 2] + distance * rays[:, 2] < self._surface_z_m
        distance[none], kind[none], incidence[none] = np.inf, NOTHING, 0.0
        return RayHits(distance, kind, incidence, np.zeros(len(rays), dtype=np.bool_))

    @property
    def _surface_z_m(self) -> float:
        """Of the surface of the water, ship frame: she may float deeper than drawn."""
        return -self.ship_pose.down_m

    def off_quay(self, points_ship: Array) -> Array:
        """(n,) distance to the quay's face, along its normal, of (n, 3) points of the ship's frame; quays only.

        The quay stays where it is when the ship moves.
        """
        assert self.quay_y_m is not None
        if self.motion.still:
            return np.asarray(self.quay_y_m - points_ship[:, 1], dtype=np.float64)
        rest, pose = self.motion.rest, self.ship_pose
        turn = pose.heading_rad - rest.heading_rad
        north, east = pose.north_m - rest.north_m, pose.east_m - rest.east_m
        shift = cos(rest.heading_rad) * east - sin(rest.heading_rad) * north
        return np.asarray(self.quay_y_m - shift - sin(turn) * points_ship[:, 0] - cos(turn) * points_ship[:, 1])

    def inside_ship(self, point: Vector) -> bool:
        """Whether a place lies inside the hull: a level ray outwards meets it from within."""
        x, y, z = self.to_ship(point)
        side: Side = "starboard" if y >= 0 else "port"
        section = self.hull.girth_to_depth(np.array([x]), np.array([max(z, 0.0)]), side)
        edge = self.hull.point(np.array([side_sign(side)], dtype=np.int8), np.array([x]), section)[0]
        ends = self.hull.stations_m
        return bool(ends[0] < x < ends[-1] and abs(y) < abs(edge[1]) and z < edge[2] + 1e-6)


def _stop_at(gap: Array, way: Array, what: int, distance: Array, kind: npt.NDArray[np.int8], incidence: Array) -> None:
    """Let a plane stop the rays that reach it first: its distance along an axis, and the rays' share of that axis."""
    towards = way * gap > 1e-12
    to_plane = np.where(towards, gap / np.where(towards, way, 1.0), np.inf)
    first = to_plane < distance
    if first.any():
        distance[first], kind[first], incidence[first] = to_plane[first], what, np.abs(way[first])
