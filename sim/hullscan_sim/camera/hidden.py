"""How much of a thing something else hides."""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from hullscan.geometry.frames import Array
from hullscan_sim.camera.scene import Scene
from hullscan_sim.camera.shapes import joined

__all__ = ["hidden_share"]

_RAYS = 160  # across and down


def hidden_share(scene: Scene, number: int, eye_m: Array) -> float:
    """Share of a solid's outline, as seen from a place, that is hidden by ship, fittings and other solids.

    Args:
        number: of the solid in the scene.
        eye_m: (3,) ship frame.
    """
    mesh = joined(part.mesh for part in scene.solids[number - 1].parts)
    alone = EmbreeScene()
    TriangleMesh(alone, mesh.vertices_m.astype(np.float32), mesh.faces)
    ahead = mesh.vertices_m.mean(axis=0) - eye_m
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0] if abs(ahead[2]) < 0.9 else [1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    frame = np.stack([right, np.cross(ahead, right), ahead])
    local = (mesh.vertices_m - eye_m) @ frame.T
    local = local[:, :2] / np.maximum(local[:, 2:], 0.05)
    low, high = local.min(axis=0), local.max(axis=0)
    x, y = np.meshgrid(*(np.linspace(low[axis], high[axis], _RAYS) for axis in range(2)))
    rays = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)]) @ frame
    rays = np.ascontiguousarray(rays / np.linalg.norm(rays, axis=1, keepdims=True), np.float32)
    origins = np.ascontiguousarray(np.broadcast_to(eye_m, rays.shape), np.float32)
    outline = alone.run(origins, rays) >= 0
    if not outline.any():
        return 1.0
    return float((scene.cast(eye_m, rays[outline]).object != number).mean())
