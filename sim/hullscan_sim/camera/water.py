"""Light in turbid water: attenuation, lamps, the veil that they raise, daylight.

The usual model of under-water images (ambient light only) is wrong for an ROV, whose own lamps light the water in
front of its camera. The lamps are fixed to the camera, so their single-scattered light is a table over
(pixel, depth) that is made once: after Jaffe (1990, IEEE J. Oceanic Eng. 15) and McGlamery (1980, SPIE 208), with
the effective attenuation a + g b of Ismiroglou et al. (2025), which leaves forward-scattered light in the beam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan_sim.camera.noise import Image
from hullscan_sim.scenario import Water

__all__ = ["Lamp", "Veil", "WaterOptics", "rov_lamps"]

# Absorption a and scattering b of Jerlov's coastal waters at about 450, 550 and 650 nm (B, G, R), 1/m; figures as
# given for Solonenko & Mobley, Appl. Opt. 54, 5392 (2015).
_JERLOV: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "clear": ((0.025, 0.062, 0.462), (0.524, 0.358, 0.250)),
    "coastal_1C": ((0.120, 0.076, 0.480), (0.534, 0.365, 0.254)),
    "coastal_3C": ((0.182, 0.082, 0.484), (1.559, 1.060, 0.741)),
    "coastal_5C": ((0.347, 0.117, 0.520), (1.942, 1.330, 0.928)),
    "coastal_7C": ((0.620, 0.195, 0.578), (3.427, 2.350, 1.639)),
}
_VISIBILITY_C = 4.8  # V = 4.8 / c, black target, horizontal (Zaneveld & Pegau 2003)
_FORWARD_SHARE = 0.3  # g of a + g b
_HG_G, _ISOTROPIC = 0.75, 0.03  # phase function: Henyey-Greenstein with a little isotropic part


@dataclass(frozen=True, slots=True)
class WaterOptics:
    """Per colour channel (B, G, R), 1/m.

    Attributes:
        attenuation: of light along a ray, forward-scattered light kept.
        scattering: b.
        diffuse: of daylight with depth.
    """

    attenuation: Image
    scattering: Image
    diffuse: Image

    @classmethod
    def from_water(cls, water: Water) -> WaterOptics:
        """The colour of a water type at a stated visibility.

        Pure sea water absorbs red light however clear it is, so absorption falls less than scattering does.
        """
        a, b = (np.array(values, np.float32) for values in _JERLOV[water.type])
        wanted_c = _VISIBILITY_C / water.visibility_m
        scale = wanted_c / float(a[1] + b[1])
        pure = np.array([0.015, 0.06, 0.33], np.float32)  # Pope & Fry, Appl. Opt. 36, 8710 (1997)
        a = pure + np.maximum(a - pure, 0) * scale
        b = b * np.float32((wanted_c - float(a[1])) / float(b[1]))
        return cls(a + np.float32(_FORWARD_SHARE) * b, b, a + np.float32(0.12) * b)


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp in the camera frame at zero tilt.

    Attributes:
        position_m: (3,) x right, y down, z forward.
        axis: (3,) unit.
        power: relative intensity at 1 m on the axis.
        half_angle_rad: where the beam has fallen to half.
        colour: (3,) B, G, R.
    """

    position_m: Array
    axis: Array
    power: float
    half_angle_rad: float
    colour: Array

    def turned(self, tilt_rad: float) -> Lamp:
        """As seen from a camera tilted up by an angle: lamps are fixed to the frame, the camera is not."""
        c, s = np.cos(tilt_rad), np.sin(tilt_rad)
        r = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
        return Lamp(r @ self.position_m, r @ self.axis, self.power, self.half_angle_rad, self.colour)

    def intensity(self, cos_off_axis: Image) -> Image:
        """Relative intensity by the cosine of the angle from the axis."""
        edge = float(np.cos(self.half_angle_rad))
        return np.asarray(np.clip((cos_off_axis - edge + 0.25) / 0.4, 0, 1) * float(self.power), dtype=np.float32)


def rov_lamps(level: float = 1.0) -> list[Lamp]:
    """Two of a BlueROV2 Heavy's lamps, left and right above the dome (Lumen: 135 degrees; with baffles less)."""
    warm = np.array([0.85, 1.0, 0.97])
    axis = np.array([0.0, 0.08, 1.0])
    axis /= np.linalg.norm(axis)
    return [
        Lamp(np.array([x, -0.12, -0.05]), axis, 1.6 * level * gain, np.radians(55), warm)
        for x, gain in ((-0.22, 1.0), (0.22, 0.94))
    ]


class Veil:
    """Light scattered into the camera by the water itself, as a table over coarse pixels and depth.

    Args:
        camera: intrinsics.
        lamps: in the camera frame.
        optics: of the water.
        max_depth_m: depth of the last entry.
    """

    ROWS, COLUMNS, DEPTHS, STEPS = 46, 81, 32, 72

    def __init__(self, camera: Camera, lamps: list[Lamp], optics: WaterOptics, max_depth_m: float = 12.0) -> None:
        self.max_depth_m = max_depth_m
        coarse_rows, coarse_columns = self.ROWS // 4 + 2, self.COLUMNS // 4 + 2
        xs = np.linspace(0, camera.width_px, coarse_columns)
        ys = np.linspace(0, camera.height_px, coarse_rows)
        rays = camera.rays_cam(np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)).astype(np.float32)
        edges = (np.linspace(0, 1, self.STEPS + 1, dtype=np.float32) ** 2) * np.float32(max_depth_m)
        middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
        points = rays[:, None, :] * middle[None, :, None]
        light = np.zeros((*points.shape[:2], 3), np.float32)
        for lamp in lamps:
            toward = points - lamp.position_m.astype(np.float32)
            distance = np.maximum(np.linalg.norm(toward, axis=2), 0.05)
            beam = toward / distance[..., None]
            falling = lamp.intensity(beam @ lamp.axis.astype(np.float32)) / distance**2
            turn = (beam * rays[:, None, :]).sum(-1)  # cosine between beam and view: scattering back to the camera
            weight = (falling * _phase(-turn))[..., None]
            path = (distance + middle[None, :])[..., None]
            light += weight * np.exp(-optics.attenuation * path) * lamp.colour.astype(np.float32)
        light *= optics.scattering * width[None, :, None]
        total = np.concatenate([np.zeros((len(rays), 1, 3), np.float32), np.cumsum(light, axis=1)], axis=1)
        wanted = (np.linspace(0, 1, self.DEPTHS) ** 2) * max_depth_m
        index = np.clip(np.searchsorted(edges, wanted), 1, self.STEPS)
        share = ((wanted - edges[index - 1]) / (edges[index] - edges[index - 1])).astype(np.float32)[None, :, None]
        table = total[:, index - 1] * (1 - share) + total[:, index] * share
        # integrated on a coarse grid, then enlarged between the grid's corners
        smooth = RegularGridInterpolator((ys, xs), table.reshape(coarse_rows, coarse_columns, -1))
        fine = np.meshgrid(
            np.linspace(0, camera.height_px, self.ROWS), np.linspace(0, camera.width_px, self.COLUMNS), indexing="ij"
        )
        fine_table = smooth(np.stack(fine, -1).reshape(-1, 2))
        self._table = fine_table.reshape(self.ROWS, self.COLUMNS, self.DEPTHS, 3).astype(np.float32)
        self._size = (camera.width_px, camera.height_px)

    def at(self, pixels: Image, depth_m: Image) -> Image:
        """(n, 3) veil of (n, 2) pixels up to (n,) depths; nearest in the image, where it is smooth, linear in depth."""
        column = np.rint(pixels[:, 0] * ((self.COLUMNS - 1) / self._size[0])).astype(np.intp)
        row = np.rint(pixels[:, 1] * ((self.ROWS - 1) / self._size[1])).astype(np.intp)
        z = np.sqrt(np.minimum(depth_m, self.max_depth_m) * (1 / self.max_depth_m)) * (self.DEPTHS - 1.001)
        k = z.astype(np.intp)
        share = (z - k)[:, None]
        row, column = np.clip(row, 0, self.ROWS - 1), np.clip(column, 0, self.COLUMNS - 1)
        below = (row * self.COLUMNS + column) * self.DEPTHS + k
        flat = self._table.reshape(-1, 3)
        low = flat[below]
        return np.asarray(low + (flat[below + 1] - low) * share, dtype=np.float32)


def _phase(cos_turn: Image) -> Image:
    """Henyey-Greenstein with an isotropic part, 1/sr; cos_turn is +1 for light that goes straight on."""
    hg = (1 - _HG_G**2) / (1 + _HG_G**2 - 2 * _HG_G * cos_turn) ** 1.5
    return np.asarray(((1 - _ISOTROPIC) * hg + _ISOTROPIC) / (4 * np.pi), dtype=np.float32)
