"""Marine snow: particles that stand in the water and stream past the camera as it moves.

Two populations, one per hashed cell of space each: flakes of a few millimetres out to two metres, and fine matter
close to the lens, where the lamps are brightest. A near one is out of focus, a disc instead of a point; during the
exposure each draws the streak of its way relative to the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan_sim.camera.noise import Image, hash01

__all__ = ["Snow"]

_NEAREST_M = 0.10
_FOCUS_M = 1.0
_MOST_STEPS = 9  # discs that a streak is made of
_LARGEST_PX = 9.0  # radius, in a picture 640 px wide


@dataclass(frozen=True, slots=True)
class _Population:
    """One particle per cell with a probability.

    Attributes:
        cell_m, reach_m: side of the cells, and how far out they are looked at.
        share: of the cells, at full density.
        radius_m: of the smallest; larger ones are rarer by a power law.
        brightness: at 1 m.
    """

    cell_m: float
    reach_m: float
    share: float
    radius_m: float
    brightness: float


_POPULATIONS = (
    _Population(0.20, 1.8, 0.62, 0.0008, 1.3),
    _Population(0.085, 0.60, 0.45, 0.00022, 0.12),
)


class Snow:
    """The particles of one stretch of water.

    Args:
        camera: intrinsics.
        density: 0 none to 1 thick.
        seed: of where they are.
    """

    def __init__(self, camera: Camera, density: float, seed: int) -> None:
        self.camera, self.density, self.seed = camera, density, seed
        self._around = [_ball(population) for population in _POPULATIONS]
        self._light = np.zeros(camera.height_px * camera.width_px, np.float32)

    def draw(
        self, linear: Image, position_m: Array, r_ship_cam: Array, drift_m: Array, moved: tuple[Array, Array]
    ) -> None:
        """Add the particles to a linear picture, in place.

        Args:
            drift_m: (3,) how far the water has moved since the start.
            moved: (3,) way and (3,) turn vector, camera frame, of the camera through the water during the exposure.
        """
        level = np.median(linear[::9, ::9], axis=(0, 1)) + 0.15 * linear[::9, ::9].max(axis=(0, 1))
        places, lights = [], []
        for number, population in enumerate(_POPULATIONS):
            local, lot = self._near(population, number, position_m, r_ship_cam, drift_m)
            if len(local):
                place, light = self._discs(population, local, lot, moved)
                places.append(place)
                lights.append(light)
        if not places:
            return
        at, light = np.concatenate(places), np.concatenate(lights)
        np.add.at(self._light, at, light)
        flat = linear.reshape(-1, 3)
        flat[at] += self._light[at, None] * level.astype(np.float32)  # a place that is there twice gets the same twice
        self._light[at] = 0

    def _near(
        self, population: _Population, number: int, position_m: Array, r_ship_cam: Array, drift_m: Array
    ) -> tuple[Array, Array]:
        """(n, 3) particles in front of the camera, camera frame, and (2, n) random numbers of each."""
        side, seed = population.cell_m, self.seed + 50 * number
        offsets, span = self._around[number]
        ahead = offsets.astype(np.float32) @ np.asarray(r_ship_cam, np.float32)[:, 2]
        offsets = offsets[ahead > 0.55 * span - 1.5]
        cells = offsets + np.floor((position_m - drift_m) / side).astype(np.int64)
        flat = cells[:, 0] * 73856093 ^ cells[:, 2] * 19349663
        keep = hash01(flat, cells[:, 1], seed) < population.share * self.density
        cells, flat = cells[keep], flat[keep]
        jitter = np.stack([hash01(flat, cells[:, 1], seed + 1 + axis) for axis in range(3)], axis=1)
        local = ((cells + jitter) * side + drift_m - position_m) @ r_ship_cam
        lot = np.stack([hash01(flat, cells[:, 1], seed + 5 + k) for k in range(2)])
        inside = (local[:, 2] > _NEAREST_M) & (local[:, 2] < population.reach_m)
        return local[inside], lot[:, inside].astype(np.float64)

    def _discs(
        self, population: _Population, local: Array, lot: Array, moved: tuple[Array, Array]
    ) -> tuple[npt.NDArray[np.intp], Image]:
        """Pixels and the light on them."""
        camera, z = self.camera, local[:, 2]
        scale = camera.width_px / 640
        way, turn = moved
        now = camera.project(local)
        margin = 1.3 * _LARGEST_PX * scale
        inside = (now > -margin).all(axis=1) & (now < [camera.width_px + margin, camera.height_px + margin]).all(axis=1)
        local, lot, now, z = local[inside], lot[:, inside], now[inside], z[inside]
        if not len(local):
            return np.zeros(0, np.intp), np.zeros(0, np.float32)
        began = local + way + np.cross(np.broadcast_to(turn, local.shape), local)
        began[:, 2] = np.maximum(began[:, 2], 0.5 * _NEAREST_M)
        then = camera.project(began)
        length = np.linalg.norm(now - then, axis=1)
        size = population.radius_m * (1.0 - 0.96 * lot[0]) ** -0.55  # few are large
        blur = 1.5 * scale * np.abs(_FOCUS_M / z - 1) * 0.75
        radius = np.clip(np.hypot(size / z * camera.fx_px, blur), 0.55 * scale, _LARGEST_PX * scale)
        shine = population.brightness * (0.35 + 1.3 * lot[1] ** 2) * np.exp(-0.9 * z) / np.maximum(z, 0.25) ** 0.7
        area = np.maximum((size / z * camera.fx_px) ** 2, 0.15 * scale**2)
        shine = shine * np.clip(area / radius**2, 0.02, 1.0) * 2.4
        steps = np.clip(np.ceil(length / np.maximum(0.8 * radius, 0.7)), 1, _MOST_STEPS).astype(np.int64)
        who = np.repeat(np.arange(len(local)), steps)
        first = np.repeat(np.cumsum(steps) - steps, steps)
        share = ((np.arange(len(who)) - first + 0.5) / steps[who]).astype(np.float32)[:, None]
        centre = now[who] * (1 - share) + then[who] * share
        reach = int(np.ceil(radius.max() * 1.3))
        places, lights = [], []
        for low, high in ((0.0, 1.6 * scale), (1.6 * scale, 4.0 * scale), (4.0 * scale, np.inf)):
            some = np.flatnonzero((radius[who] >= low) & (radius[who] < high))
            if not len(some):
                continue
            r = radius[who[some]]
            k = min(int(np.ceil(r.max() * 1.4)), reach + 1)
            middle = np.floor(centre[some]).astype(np.int64)
            off = np.arange(-k, k + 1)
            x, y = middle[:, :1] + off, middle[:, 1:] + off
            dx, dy = x + 0.5 - centre[some, :1], y + 0.5 - centre[some, 1:]
            square = (dx[:, None, :] ** 2 + dy[:, :, None] ** 2) / (r * r)[:, None, None]
            spot = np.exp(-(square**1.5)) * (shine[who[some]] / steps[who[some]])[:, None, None]
            seen = ((x >= 0) & (x < camera.width_px))[:, None, :] & ((y >= 0) & (y < camera.height_px))[:, :, None]
            seen &= square < 2.2
            places.append((y[:, :, None] * camera.width_px + x[:, None, :])[seen])
            lights.append(spot[seen].astype(np.float32))
        return np.concatenate(places).astype(np.intp), np.concatenate(lights)


def _ball(population: _Population) -> tuple[npt.NDArray[np.int64], Image]:
    """(n, 3) cells within reach of the camera's, and (n,) how far they are, in cells."""
    reach = int(population.reach_m / population.cell_m)
    around = np.arange(-reach, reach + 1)
    offsets = np.stack(np.meshgrid(around, around, around, indexing="ij"), -1).reshape(-1, 3)
    span = np.linalg.norm(offsets, axis=1).astype(np.float32)
    return offsets[span <= reach], span[span <= reach]
