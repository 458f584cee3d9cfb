"""A parcel that is drawn into real pictures: its shape, how it lies on the plating, how much light it throws back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, Pose

__all__ = ["Parcel", "Sprite", "draw_parcel", "random_parcel"]

# Lengths, widths and heights of what is found on hulls, metres: boxes on magnets, bags, torpedo-shaped containers.
_SIZES_M: Final[dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]]] = {
    "box": ((0.35, 0.65), (0.25, 0.45), (0.15, 0.3)),
    "bag": ((0.4, 0.7), (0.3, 0.5), (0.18, 0.3)),
    "cylinder": ((0.6, 1.1), (0.18, 0.3), (0.18, 0.3)),
}
_FINER: Final = 3  # drawn so many times as large, and brought down: smooth edges
_FROM_ABOVE: Final = np.array([0.0, 0.0, -1.0])
_LAMP, _SKY, _STRAY = 0.6, 0.25, 0.3  # shares of the light: the vehicle's, from above, from all round


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel.

    Attributes:
        size_m: length, width, height off the plating.
        twist_rad: about the plating's normal.
        reflectance: times that of the plating.
        tint_bgr: its colour, about 1.
        seed: of its texture.
    """

    kind: str
    size_m: tuple[float, float, float]
    twist_rad: float
    reflectance: float
    tint_bgr: tuple[float, float, float]
    seed: int

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "kind": self.kind, "size_m": list(self.size_m), "twist_rad": self.twist_rad,
            "reflectance": self.reflectance, "tint_bgr": list(self.tint_bgr), "seed": self.seed,
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Parcel:
        """As it was kept."""
        length, width, height = (float(value) for value in kept["size_m"])
        blue, green, red = (float(value) for value in kept["tint_bgr"])
        return cls(
            str(kept["kind"]), (length, width, height), float(kept["twist_rad"]), float(kept["reflectance"]),
            (blue, green, red), int(kept["seed"]),
        )  # fmt: skip


def random_parcel(rng: np.random.Generator) -> Parcel:
    """A parcel as they are found; darker or brighter than the plating, seldom like it."""
    kind = str(rng.choice(list(_SIZES_M)))
    length, width, height = (float(rng.uniform(*span)) for span in _SIZES_M[kind])
    if kind == "cylinder":
        height = width
    brighter = rng.random() < 0.5
    reflectance = float(rng.uniform(1.4, 2.4) if brighter else rng.uniform(0.35, 0.7))
    blue, green, red = (float(value) for value in rng.uniform(0.75, 1.3, 3))
    twist_rad, seed = float(rng.uniform(0, np.pi)), int(rng.integers(2**31))
    return Parcel(kind, (length, width, height), twist_rad, reflectance, (blue, green, red), seed)


@dataclass(frozen=True, slots=True)
class Sprite:
    """A parcel as a camera sees it, without water between.

    Attributes:
        x_px, y_px: upper left corner in the picture.
        light: (h, w) light thrown back, times the mean of the plating beside it.
        cover: (h, w) share of each pixel that it covers, 0 to 1.
        range_m: of its middle.
        tint_bgr: (3,) its colour, about 1.
    """

    x_px: int
    y_px: int
    light: Array
    cover: Array
    range_m: float
    tint_bgr: Array

    @property
    def box_xyxy_px(self) -> tuple[float, float, float, float]:
        """Round what it covers."""
        rows, columns = np.flatnonzero((self.cover > 0.5).any(axis=1)), np.flatnonzero((self.cover > 0.5).any(axis=0))
        if not len(rows) or not len(columns):
            return float(self.x_px), float(self.y_px), float(self.x_px + 1), float(self.y_px + 1)
        return (
            float(self.x_px + columns[0]), float(self.y_px + rows[0]),
            float(self.x_px + columns[-1] + 1), float(self.y_px + rows[-1] + 1),
        )  # fmt: skip


def draw_parcel(parcel: Parcel, point_m: Array, normal: Array, camera: Camera, camera_ship: Pose) -> Sprite | None:
    """Draw it; None where it is not whole before the camera.

    Args:
        point_m: (3,) of the hull under its middle, ship frame; ``normal`` points outward.
    """
    along = np.cross(normal, [0.0, 0.0, 1.0])
    along = along / np.linalg.norm(along) if np.linalg.norm(along) > 0.1 else np.array([1.0, 0.0, 0.0])
    along = Rotation.from_rotvec(parcel.twist_rad * normal).apply(along)
    r_ship_parcel = np.column_stack([along, np.cross(normal, along), normal])
    shapes = _faces(parcel)
    faces = [face @ r_ship_parcel.T + point_m for face, _ in shapes]
    pixels = [camera.project(camera_ship.to_body(face)) for face in faces]
    corners = np.concatenate(pixels)
    if not np.isfinite(corners).all():
        return None
    x0, y0 = np.floor(corners.min(axis=0)).astype(int) - 3
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + 3
    if x0 < 0 or y0 < 0 or x1 > camera.width_px or y1 > camera.height_px:
        return None
    size = ((y1 - y0) * _FINER, (x1 - x0) * _FINER)
    light, cover = np.zeros(size, np.float32), np.zeros(size, np.float32)
    middle = point_m + normal * parcel.size_m[2] / 2
    eye = camera_ship.position_m
    painted = [(face, at, own) for face, at, (_, own) in zip(faces, pixels, shapes, strict=True)]
    for face, at, own in sorted(painted, key=lambda each: -float(np.linalg.norm(each[0].mean(axis=0) - eye))):
        shade = _shade(face, middle, eye)
        if shade is None:
            continue
        outline = np.round((at - [x0, y0]) * _FINER).astype(np.int32)
        cv2.fillConvexPoly(light, outline, shade * own)
        cv2.fillConvexPoly(cover, outline, 1.0)
    light *= _texture(parcel, light.shape)
    smaller = (x1 - x0, y1 - y0)
    cover = cv2.resize(cover, smaller, interpolation=cv2.INTER_AREA)
    light = cv2.resize(light, smaller, interpolation=cv2.INTER_AREA) / np.maximum(cover, 1e-3)
    return Sprite(
        int(x0), int(y0), np.asarray(light * parcel.reflectance, np.float64), np.asarray(cover, np.float64),
        float(np.linalg.norm(middle - eye)), np.array(parcel.tint_bgr),
    )  # fmt: skip


def _shade(face: Array, middle: Array, eye: Array) -> float | None:
    """Light that a face throws back; None where it is turned away."""
    centre = face.mean(axis=0)
    normal = np.cross(face[1] - face[0], face[2] - face[0])
    normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
    normal = normal if normal @ (centre - middle) > 0 else -normal
    toward = (eye - centre) / np.linalg.norm(eye - centre)
    if normal @ toward <= 0:
        return None
    return float(_STRAY + _LAMP * (normal @ toward) + _SKY * max(float(normal @ _FROM_ABOVE), 0.0))


def _faces(parcel: Parcel) -> list[tuple[Array, float]]:
    """Convex faces (k, 3) in the parcel's frame, x along it, z off the plating; and how bright each is by itself."""
    length, width, height = parcel.size_m
    if parcel.kind == "box":
        x, y = length / 2, width / 2
        low = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])
        high = low + np.array([0, 0, height])
        sides = [np.array([low[i], low[(i + 1) % 4], high[(i + 1) % 4], high[i]]) for i in range(4)]
        return [(face, 1.0) for face in (high, *sides)] + _straps(x, y, height, parcel.seed)
    if parcel.kind == "cylinder":
        around = np.linspace(0, 2 * np.pi, 25)
        ring = np.column_stack([np.zeros(25), np.cos(around) * width / 2, (1 + np.sin(around)) * width / 2])
        half = np.array([length / 2, 0, 0])
        fore, aft = ring + half, ring - half
        skin = [np.array([aft[i], aft[i + 1], fore[i + 1], fore[i]]) for i in range(24)]
        return [(face, 1.0) for face in (*skin, fore[:-1], aft[:-1])]
    lon, lat = np.linspace(0, 2 * np.pi, 25), np.linspace(0.02, np.pi / 2, 9)
    slack = 1 + 0.07 * np.random.default_rng(parcel.seed).standard_normal(24)

    def skin_point(i: int, j: int) -> list[float]:
        out = float(np.cos(lat[j]) ** 0.45) * slack[i % 24]
        return [
            out * length / 2 * float(np.cos(lon[i])), out * width / 2 * float(np.sin(lon[i])),
            height * float(np.sin(lat[j])) ** 0.7,
        ]  # fmt: skip

    return [
        (np.array([skin_point(i, j), skin_point(i + 1, j), skin_point(i + 1, j + 1), skin_point(i, j + 1)]), 1.0)
        for i in range(24)
        for j in range(8)
    ]


def _straps(x: float, y: float, height: float, seed: int) -> list[tuple[Array, float]]:
    """Two straps over the top of a box."""
    rng = np.random.default_rng(seed)
    own, half, top = float(rng.choice([0.55, 1.5])), 0.018, height + 0.004
    return [
        (np.array([[at - half, -y, top], [at + half, -y, top], [at + half, y, top], [at - half, y, top]]), own)
        for at in (-x * rng.uniform(0.3, 0.6), x * rng.uniform(0.3, 0.6))
    ]


def _texture(parcel: Parcel, shape: tuple[int, ...]) -> Array:
    """(h, w) about 1: stains of two sizes."""
    rng = np.random.default_rng(parcel.seed)
    height, width = shape
    made = np.ones((height, width), np.float32)
    for parts, depth in ((4, 0.16), (14, 0.1)):
        coarse = rng.standard_normal((parts, parts)).astype(np.float32)
        made += depth * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(made, 0.4, 1.6)
