"""One frame of linear light: coarse rays over bare hull, a ray for each pixel where something stands or ends.

Geometry and lighting vary slowly over plating, so they are computed on a grid of rays 8 px apart and enlarged;
the texture is looked up for every pixel. Cells in which a solid, an edge of the ship or its shadow may lie are
computed pixel by pixel, with shadows: object numbers there are what labels are made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan_sim.camera.noise import Image
from hullscan_sim.camera.pages import PageSource
from hullscan_sim.camera.scene import HULL, NOTHING, Hit, Scene
from hullscan_sim.camera.skin import Skin
from hullscan_sim.camera.texture import ALBEDO_OF_CODE, SLOPE_OF_CODE
from hullscan_sim.camera.water import Lamp, Veil, WaterOptics

__all__ = ["Radiance", "Rendered", "Renderer"]

_STEP_PX = 8
_PROBE_PX = 2  # distance of the rays that look whether a cell holds something thin; a rope at 2 m is 2 px wide
_SHADOW_CELLS = 5  # how far outside its outline a solid's shadow may fall
_FAR_M = 12.0  # beyond this nothing is left of an object in any water that we model
_LAMPLIT = 4.6  # attenuation lengths from which a ten-thousandth of a lamp's light comes back
_HIDDEN = np.float32(0.002)  # of the veil: less than this, no eight-bit picture shows
_NOTHING_M = 60.0  # stands for infinity where depths are interpolated


@dataclass(frozen=True, slots=True)
class Radiance:
    """The light of a frame before the camera's own electronics.

    Attributes:
        linear: (h, w, 3) radiance, BGR.
        median_depth_m: of what is not open water.
    """

    linear: Image
    median_depth_m: float


@dataclass(frozen=True, slots=True)
class Rendered(Radiance):
    """A frame with what is known of each of its pixels.

    Attributes:
        depth_m: (h, w) distance along the ray; 60 m for open water, so that it can be interpolated.
        object: (h, w) object number of ``Scene``; exact but for what is thinner than two pixels.
    """

    depth_m: Image
    object: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Light:
    """Per point, after the way through the water.

    Attributes:
        diffuse: (n, 3) light that a flat surface reflects, but for its albedo.
        tilt: (n, 2) relative change of it with the slope of the relief along u and v.
        veil: (n, 3) light that does not depend on the albedo: scattered in the water, and highlights.
    """

    diffuse: Image
    tilt: Image
    veil: Image


class Renderer:
    """Draws a scene.

    Args:
        scene: what there is.
        pages: texture of the hull.
        camera: intrinsics of the rendered frame.
        lamps: in the camera frame at zero tilt.
        optics: of the water.
        daylight: at the surface, 0 to about 3.
        seed: of the patterns on solids.
        shadows: whether solids cast shadows.
    """

    def __init__(
        self,
        scene: Scene,
        pages: PageSource,
        camera: Camera,
        lamps: list[Lamp],
        optics: WaterOptics,
        *,
        daylight: float,
        seed: int = 0,
        shadows: bool = True,
    ) -> None:
        self.scene, self.pages, self.camera = scene, pages, camera
        self.optics, self.daylight, self.shadows = optics, daylight, shadows
        self._lamps0, self._tilt_rad, self._level = lamps, np.nan, 1.0
        self.set_lamps(0.0, 1.0)
        width, height = camera.width_px, camera.height_px
        xs, ys = np.arange(0, width + _STEP_PX, _STEP_PX), np.arange(0, height + _STEP_PX, _STEP_PX)
        self._nodes = np.stack(np.meshgrid(xs, ys), -1).astype(np.float32)
        self._node_rays = camera.rays_cam(self._nodes.reshape(-1, 2).astype(np.float64)).astype(np.float32)
        grid = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)
        self._pixels = grid.reshape(-1, 2).astype(np.float32)
        self._pixel_rays = camera.rays_cam(grid.reshape(-1, 2)).astype(np.float32)
        probes = np.arange(_PROBE_PX // 2, _STEP_PX, _PROBE_PX)
        inside = np.stack(np.meshgrid(probes, probes), -1).reshape(-1, 2) + 0.5
        corners = self._nodes[:-1, :-1].astype(np.float64)
        self._probe_rays = camera.rays_cam((corners[:, :, None] + inside).reshape(-1, 2)).astype(np.float32)
        self._probe_rays = self._probe_rays.reshape(*corners.shape[:2], len(inside), 3)
        self._skin = Skin(scene.materials, seed)
        self._shine = np.array([material.shine for material in scene.materials], np.float32) * np.float32(0.35)

    def set_lamps(self, tilt_rad: float, level: float) -> None:
        """Camera tilt (up positive) turns the lamps the other way; level 0 to 1 dims them."""
        if not abs(tilt_rad - self._tilt_rad) <= np.radians(1.5):
            self._tilt_rad = tilt_rad
            self._lamps = [lamp.turned(tilt_rad) for lamp in self._lamps0]
            self._veil = Veil(self.camera, self._lamps, self.optics)
        self._level = level

    def set_optics(self, optics: WaterOptics) -> None:
        """Other water."""
        self.optics = optics
        self._veil = Veil(self.camera, self._lamps, optics)

    def render(self, position_m: Array, r_ship_cam: Array) -> Rendered:
        """Draw the view from a place.

        Args:
            position_m: (3,) of the camera, ship frame.
            r_ship_cam: (3, 3) ship from camera.
        """
        rotation = np.asarray(r_ship_cam, np.float32)
        rows, columns = self._nodes.shape[:2]
        open_sky = self._open_above(position_m)
        rays = self._node_rays @ rotation.T
        hit = self.scene.cast(position_m, rays)
        boxes = self._outlines(position_m, rotation)
        shaded = self._near_solids(boxes)
        light, dark = self._lit(hit, rays, self._nodes.reshape(-1, 2), position_m, rotation, open_sky, shaded)
        fine = self._fine_cells(hit, dark)
        thin = self._thin_cells(boxes, position_m, rotation) & ~fine
        fine |= self._holding_something(thin, hit, position_m, rotation)
        numbers = self._per_pixel(hit.object.reshape(rows, columns)[:-1, :-1])
        material = self._per_pixel(hit.material.reshape(rows, columns)[:-1, :-1])
        uv, distance = self._enlarge(hit.uv_m), self._enlarge(_finite(hit.distance_m)[:, None])
        diffuse, tilt, veil = self._enlarge(light.diffuse), self._enlarge(light.tilt), self._enlarge(light.veil)
        at = np.flatnonzero(self._per_pixel(fine))
        if len(at):
            rays = self._pixel_rays[at] @ rotation.T
            close = self.scene.cast(position_m, rays)
            near = self._per_pixel(shaded.reshape(rows, columns)[:-1, :-1]).ravel()[at]
            lit, _ = self._lit(close, rays, self._pixels[at], position_m, rotation, open_sky, near)
            numbers.ravel()[at], material.ravel()[at] = close.object, close.material
            distance.ravel()[at] = _finite(close.distance_m)
            uv.reshape(-1, 2)[at], tilt.reshape(-1, 2)[at] = close.uv_m, lit.tilt
            diffuse.reshape(-1, 3)[at], veil.reshape(-1, 3)[at] = lit.diffuse, lit.veil
        linear = self._compose(numbers, material, uv, distance, diffuse, tilt, veil)
        seen = distance[::5, ::7][numbers[::5, ::7] != NOTHING]
        return Rendered(linear, float(np.median(seen)) if len(seen) > 30 else 3.0, distance, numbers)

    def light_at(self, hit: Hit, pixels: Image, position_m: Array, r_ship_cam: Array) -> tuple[Image, Image]:
        """(n, 3) light that flat surfaces reflect, but for their albedo, and (n, 3) veil before them.

        Args:
            hit: what stands in the picture without being in the scene.
            pixels: (n, 2) where.
        """
        rotation = np.asarray(r_ship_cam, np.float32)
        rays = self.camera.rays_cam(pixels.astype(np.float64)).astype(np.float32) @ rotation.T
        unshaded = np.zeros(len(pixels), bool)
        light, _ = self._lit(hit, rays, pixels, position_m, rotation, self._open_above(position_m), unshaded)
        return light.diffuse, light.veil

    def _per_pixel(self, cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Cell values for each pixel, a fresh array."""
        if (cells == cells[0, 0]).all():  # nothing but hull
            return np.full((self.camera.height_px, self.camera.width_px), cells[0, 0])
        big = np.repeat(np.repeat(cells, _STEP_PX, axis=0), _STEP_PX, axis=1)
        return np.ascontiguousarray(big[: self.camera.height_px, : self.camera.width_px])

    # ---------------------------------------------------------------- what needs a ray for each pixel

    def _fine_cells(self, hit: Hit, dark: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(rows - 1, columns - 1) cells whose corners differ: another thing, a bend, a step, the edge of a shadow."""
        rows, columns = self._nodes.shape[:2]
        kind = (hit.object.astype(np.int64) * 4096 + hit.material).reshape(rows, columns) * 2
        kind += dark.reshape(rows, columns)
        normal = hit.normals.reshape(rows, columns, 3)
        depth = _finite(hit.distance_m).reshape(rows, columns)
        v = hit.uv_m[:, 1].reshape(rows, columns)
        fine = np.zeros((rows - 1, columns - 1), bool)
        for values in (kind[1:, :-1], kind[:-1, 1:], kind[1:, 1:]):
            fine |= values != kind[:-1, :-1]
        solid_or_hull = hit.object.reshape(rows, columns)[:-1, :-1] >= HULL
        bend = np.einsum("ijk,ijk->ij", normal[:-1, :-1], normal[1:, 1:]) < 0.9
        bend |= np.einsum("ijk,ijk->ij", normal[1:, :-1], normal[:-1, 1:]) < 0.9
        step = np.abs(depth[:-1, :-1] - depth[1:, 1:]) > 0.25 * depth[:-1, :-1]
        jump = np.abs(v[1:, 1:] - v[:-1, :-1]) > 1.5
        return np.asarray(fine | (solid_or_hull & (bend | step | jump)), dtype=bool)

    def _near_solids(self, boxes: list[tuple[int, list[int]]]) -> npt.NDArray[np.bool_]:
        """(nodes,) that a solid's shadow may reach."""
        rows, columns = self._nodes.shape[:2]
        near = np.zeros((rows, columns), bool)
        if self.shadows:
            for index, (low_x, low_y, high_x, high_y) in boxes:
                margin = 0 if self.scene.solids[index].behind else _SHADOW_CELLS  # plating keeps a recess's shadows in
                near[max(low_y - margin, 0) : high_y + 2 + margin, max(low_x - margin, 0) : high_x + 2 + margin] = True
        return near.ravel()

    def _thin_cells(
        self, boxes: list[tuple[int, list[int]]], position_m: Array, rotation: Image
    ) -> npt.NDArray[np.bool_]:
        """Cells that touch something which the rays of the grid may miss: ropes, straps, bolts, whatever is small."""
        rows, columns = self._nodes.shape[0] - 1, self._nodes.shape[1] - 1
        cells = np.zeros((rows, columns), np.uint8)
        for index, (low_x, low_y, high_x, high_y) in boxes:
            if self.scene.solids[index].fine or min(high_x - low_x, high_y - low_y) <= 2:
                cells[low_y : high_y + 1, low_x : high_x + 1] = 1
                continue
            vertices = self.scene.thin_vertices_m[index]
            if not len(vertices):
                continue
            local = (vertices - position_m) @ rotation
            pixels = self.camera.project(local[local[:, 2] > 0.05])
            cell = (pixels // _STEP_PX).astype(np.intp)
            inside = ((cell >= 0) & (cell < [columns, rows])).all(axis=1)
            cells[cell[inside, 1], cell[inside, 0]] = 1
        return cv2.dilate(cells, np.ones((3, 3), np.uint8)).astype(bool)

    def _holding_something(
        self, cells: npt.NDArray[np.bool_], hit: Hit, position_m: Array, rotation: Image
    ) -> npt.NDArray[np.bool_]:
        """Of some cells those where rays 2 px apart meet something else than the corner, and neighbours of these."""
        if not cells.any():
            return cells
        rows, columns = self._nodes.shape[:2]
        close = self.scene.cast(position_m, self._probe_rays[cells].reshape(-1, 3) @ rotation.T)
        held = np.zeros(cells.shape, bool)
        for met, corners in ((close.object, hit.object), (close.material, hit.material)):
            corner = corners.reshape(rows, columns)[:-1, :-1][cells]
            held[cells] |= (met.reshape(len(corner), -1) != corner[:, None]).any(axis=1)
        near = cv2.dilate(held.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        return np.asarray(near & cells, dtype=bool)

    def _outlines(self, position_m: Array, rotation: Image) -> list[tuple[int, list[int]]]:
        """Solids in view, each with the first and last cells (x, y, x, y) of a box round it in the image."""
        corners = self.scene.solid_corners_m
        if not len(corners):
            return []
        local = (corners - position_m) @ rotation
        distance = np.linalg.norm(local, axis=2)
        keep = np.flatnonzero((distance.min(axis=1) < _FAR_M) & (local[..., 2].max(axis=1) > 0.05))
        if not len(keep):
            return []
        local = local[keep]
        local[..., 2] = np.maximum(local[..., 2], 0.05)
        pixels = self.camera.project(local.reshape(-1, 3)).reshape(len(local), 8, 2)
        low, high = pixels.min(axis=1), pixels.max(axis=1)
        size = np.array([self.camera.width_px, self.camera.height_px])
        inside = (high > 0).all(axis=1) & (low < size).all(axis=1)
        cells = np.concatenate([np.maximum(low, 0), np.minimum(high, size - 1)], axis=1)[inside] // _STEP_PX
        return list(zip(keep[inside].tolist(), cells.astype(int).tolist(), strict=True))

    # ---------------------------------------------------------------- light

    def _open_above(self, position_m: Array) -> float:
        """Share of the daylight that reaches the camera: little under the bottom or the quay side."""
        up = self.scene.cast(position_m, np.array([[0, 0, -1], [0, 0.7, -0.714], [0, -0.7, -0.714]], np.float32))
        return float(np.clip((up.object == NOTHING).mean(), 0.06, 1.0))

    def _lit(
        self,
        hit: Hit,
        rays: Image,
        pixels: Image,
        position_m: Array,
        rotation: Image,
        open_sky: float,
        shaded: npt.NDArray[np.bool_],
    ) -> tuple[_Light, npt.NDArray[np.bool_]]:
        """Light at (n,) points, and which of them lie in the shadow of a solid.

        Args:
            shaded: (n,) for which shadows are looked for.
        """
        optics = self.optics
        distance = _finite(hit.distance_m)
        # a row for each component: numpy is several times as fast along rows of n as along rows of three
        normal, points, view = (np.ascontiguousarray(vectors.T) for vectors in (hit.normals, hit.points_m, rays))
        attenuation, colour_diffuse = optics.attenuation[:, None], optics.diffuse[:, None]
        along = -normal * normal[0]
        along[0] += 1
        along *= 1 / np.sqrt(np.maximum(_dot(along, along), 1e-12))
        across = np.stack([normal[i] * along[j] - normal[j] * along[i] for i, j in ((1, 2), (2, 0), (0, 1))])
        sky = np.clip(0.36 - 0.34 * normal[2], 0.03, 0.7) * float(self.daylight * max(open_sky, 0.25)) * hit.daylight
        diffuse = np.exp(-colour_diffuse * np.maximum(points[2], 0)) * sky
        green = diffuse[1].copy()
        tilt = np.stack([np.zeros_like(green), -0.3 * green])  # daylight comes from above
        shine = np.zeros_like(diffuse)
        dark = np.zeros(len(distance), bool)
        glossy = self._gloss(hit)
        lamplit_m = min(_FAR_M, _LAMPLIT / float(optics.attenuation.min()))
        for lamp in self._lamps:
            place = (position_m + rotation @ lamp.position_m).astype(np.float32)
            toward = place[:, None] - points
            length = np.sqrt(np.maximum(_dot(toward, toward), 0.0025))
            toward *= 1 / length
            off_axis = -((rotation @ lamp.axis).astype(np.float32) @ toward)
            power = lamp.intensity(off_axis) * (self._level / (length * length))
            facing = np.maximum(_dot(normal, toward), 0)
            if self.shadows:
                lit = np.flatnonzero(shaded & (facing > 0) & (power > 0) & (distance < lamplit_m))
                shadow = lit[self.scene.shadowed(hit.points_m[lit], place)]
                power[shadow] *= 0.08
                dark[shadow] = True
            beam = np.exp(-attenuation * length)
            beam *= power
            beam *= lamp.colour.astype(np.float32)[:, None]
            diffuse += beam * facing
            tilt[0] += beam[1] * _dot(along, toward)
            tilt[1] += beam[1] * _dot(across, toward)
            green += beam[1] * facing
            if glossy is not None:
                half = toward - view
                half *= 1 / np.sqrt(np.maximum(_dot(half, half), 1e-12))
                shine += beam * (glossy * np.maximum(_dot(normal, half), 0) ** 24)
        tilt /= np.maximum(green, 1e-6)
        nothing = hit.object == NOTHING
        through = np.where(nothing, np.float32(0), np.exp(-attenuation * distance))
        veil = self._veil.at(pixels, distance).T * np.float32(self._level)
        veil += self._ambient_veil(view, distance, position_m, open_sky, nothing)
        if glossy is not None:
            veil += shine * through
        return _Light((diffuse * through).T, tilt.T, veil.T), dark

    def _ambient_veil(
        self, view: Image, distance: Image, position_m: Array, open_sky: float, nothing: npt.NDArray[np.bool_]
    ) -> Image:
        """Daylight scattered into the view (3, n), and the bright surface where it goes up through open water."""
        optics, depth_m = self.optics, np.float32(max(position_m[2], 0.0))
        at_camera = np.exp(-optics.diffuse * depth_m) * np.float32(self.daylight * open_sky)
        upward = np.clip(0.55 - 0.75 * view[2], 0.12, 1.2)
        strength = (0.16 * optics.scattering / optics.attenuation * at_camera).astype(np.float32)
        veil = strength[:, None] * upward * (1 - np.exp(-optics.attenuation[:, None] * distance))
        sky = np.flatnonzero(nothing & (view[2] < -0.05))
        if len(sky):
            up = -view[2, sky]
            window = np.clip((up - 0.45) / 0.35, 0, 1)  # Snell's window
            dimmed = np.exp(-optics.attenuation[:, None] * (depth_m / up))
            veil[:, sky] += (0.25 + 0.75 * window) * float(0.5 * self.daylight) * dimmed
        return np.asarray(veil, dtype=np.float32)

    def _gloss(self, hit: Hit) -> Image | None:
        if not (hit.object > 0).any():
            return None
        return np.where(hit.object > 0, self._shine[hit.material], np.float32(0))

    # ---------------------------------------------------------------- colour

    def _compose(
        self,
        numbers: npt.NDArray[np.int32],
        material: npt.NDArray[np.int32],
        uv: Image,
        distance: Image,
        diffuse: Image,
        tilt: Image,
        veil: Image,
    ) -> Image:
        """Albedo and relief of every pixel times its light, plus the veil."""
        on_hull = numbers == HULL
        solid = np.flatnonzero((numbers > 0) | (numbers < NOTHING))  # sea bed and quay have a material too
        open_water = np.flatnonzero(numbers == NOTHING)
        near = (on_hull & (distance < _FAR_M))[::3, ::3]
        if near.any():
            us, vs = uv[::3, ::3, 0][near], uv[::3, ::3, 1][near]
            pixel_m = float(np.median(distance[::3, ::3][near])) / self.camera.fx_px
            page = self.pages.page(
                (float(us.min()) - 0.1, float(us.max()) + 0.1), (float(vs.min()) - 0.1, float(vs.max()) + 0.1), pixel_m
            )
            scale = 1 / page.step_m
            map_u, map_v = uv[..., 0] * float(scale), uv[..., 1] * float(scale)
            map_u -= float(page.u0_m * scale)
            map_v -= float(page.v0_m * scale)
            edge = cv2.BORDER_REFLECT
            maps = cv2.convertMaps(map_u, map_v, cv2.CV_16SC2)
            codes = cv2.remap(page.codes, *maps, cv2.INTER_LINEAR, borderMode=edge)
            codes_v = cv2.remap(page.codes_v, *maps, cv2.INTER_LINEAR, borderMode=edge)
            albedo: Any = cv2.LUT(cv2.cvtColor(codes, cv2.COLOR_BGRA2BGR), ALBEDO_OF_CODE)
            hu, hv = cv2.LUT(cv2.extractChannel(codes, 3), SLOPE_OF_CODE), cv2.LUT(codes_v, SLOPE_OF_CODE)
            tilt_u, tilt_v = cv2.split(tilt)
            relief = np.maximum(1 - hu * tilt_u - hv * tilt_v, 0)
            relief /= cv2.sqrt(1 + hu * hu + hv * hv)
            relief.ravel()[solid] = 1
            relief.ravel()[open_water] = 1
            diffuse = np.asarray(cv2.multiply(diffuse, cv2.merge([relief, relief, relief])), dtype=np.float32)
        else:
            albedo = np.zeros_like(diffuse)
        seen = diffuse.reshape(-1, 3)[solid, 1] > _HIDDEN * veil.reshape(-1, 3)[solid, 1]
        albedo.reshape(-1, 3)[solid[~seen]] = 0
        solid = solid[seen]
        if len(solid):
            albedo.reshape(-1, 3)[solid] = self._skin.albedo(material.ravel()[solid], uv.reshape(-1, 2)[solid])
        if len(open_water):
            albedo.reshape(-1, 3)[open_water] = 0
        return np.asarray(cv2.add(cv2.multiply(diffuse, albedo), veil), dtype=np.float32)

    def _enlarge(self, nodes: Image) -> Image:
        """(h, w, c) pixel values of (n, c) node values; nodes lie on pixel corners."""
        height, width, half = self.camera.height_px, self.camera.width_px, _STEP_PX // 2
        rows, columns = self._nodes.shape[:2]
        grid = np.ascontiguousarray(nodes.reshape(rows, columns, -1), np.float32)
        big = cv2.resize(grid, (columns * _STEP_PX, rows * _STEP_PX), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(big[half : half + height, half : half + width])


def _dot(a: Image, b: Image) -> Image:
    """(n,) products of (3, n) vectors."""
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2], dtype=np.float32)


def _finite(distance_m: Image) -> Image:
    """Distances with a large number for infinity, so that they can be interpolated."""
    return np.minimum(distance_m, np.float32(_NOTHING_M))
