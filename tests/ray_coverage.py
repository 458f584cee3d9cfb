"""What a camera really sees along a planned route, by casting its rays: shares no rule of looking with the planner."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.search.cells import HullCells

_CELL_M, _EDGE, _BATCH = 0.25, 0.02, 400


class RayCoverage:
    """Casts the rays of pictures against a mesh of its own and counts cells of 0.25 m that a ray has met.

    A ray counts within 0.8 of the visibility and 65 degrees from the normal of the triangle, a strip of 2 % at the
    picture's edge excepted.
    """

    def __init__(self, mission: Mission, columns: int = 32, rows: int = 18) -> None:
        hull = mission.hull
        self.mission = mission
        self.vertices, self.faces, self.girths = hull.vertices_m, hull.faces, hull.vertex_girth_m
        self.scene = EmbreeScene()
        TriangleMesh(self.scene, self.vertices.astype(np.float32), self.faces)
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        self.normals = normal / np.linalg.norm(normal, axis=1, keepdims=True)
        camera = mission.vehicle.camera
        u = np.linspace(_EDGE * camera.width_px, (1 - _EDGE) * camera.width_px, columns)
        v = np.linspace(_EDGE * camera.height_px, (1 - _EDGE) * camera.height_px, rows)
        self.rays = camera.rays_cam(np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2))
        self.first = int(np.floor(hull.stations_m[0] / _CELL_M)) - 1
        shape = (2, int(hull.stations_m[-1] / _CELL_M) - self.first + 3, int(self.girths.max() / _CELL_M) + 3)
        self.seen = np.zeros(shape, bool)

    def look(self, poses: list) -> None:
        for start in range(0, len(poses), _BATCH):
            some = poses[start : start + _BATCH]
            rays = np.concatenate([pose.rotation.apply(self.rays) for pose in some]).astype(np.float32)
            origins = np.repeat([pose.position_m for pose in some], len(self.rays), axis=0).astype(np.float32)
            found = self.scene.run(np.ascontiguousarray(origins), np.ascontiguousarray(rays), output=1)
            met = (found["primID"] >= 0) & (found["tfar"] < 0.8 * self.mission.file.conditions.visibility_m)
            triangle = found["primID"][met]
            facing = -(rays[met] * self.normals[triangle]).sum(axis=1) > np.cos(np.radians(65))
            triangle, u, v = triangle[facing], found["u"][met][facing], found["v"][met][facing]
            weights = np.stack([1 - u - v, u, v], axis=1)
            corners = self.faces[triangle]
            points = (self.vertices[corners] * weights[..., None]).sum(axis=1)
            girth = (self.girths[corners] * weights).sum(axis=1)
            wet = girth >= 0
            side = (self.vertices[corners][..., 1].sum(axis=1) < 0).astype(int)[wet]
            station = np.floor(points[wet, 0] / _CELL_M).astype(int) - self.first
            self.seen[side, station, np.floor(girth[wet] / _CELL_M).astype(int)] = True

    def of(self, cells: HullCells) -> npt.NDArray[np.bool_]:
        """(n,) cells met."""
        side = (cells.side < 0).astype(int)
        station = np.floor(cells.station_m / _CELL_M).astype(int) - self.first
        return self.seen[side, station, np.floor(cells.girth_m / _CELL_M).astype(int)]

    def share(self, plan: Plan, cells: HullCells, every: int = 1) -> float:
        """Share of the area asked for that the rays of the plan's survey legs meet."""
        for leg in plan.legs:
            if leg.surveys:
                self.look(list(leg.camera_poses(self.mission.vehicle, every)))
        asked = plan.asked(cells)
        met = self.of(cells) & asked
        return float(cells.area_m2[met].sum() / cells.area_m2[asked].sum())
