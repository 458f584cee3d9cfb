"""What of the hull was in a picture, by how well the camera's place is known."""

from __future__ import annotations

from hullscan.findings.geotag import camera_doubt
from hullscan.findings.viewpoint import Viewpoint
from hullscan.geometry.camera import Camera
from hullscan.search.cells import HullCells
from hullscan.search.looks import SeenCells, seen_cells

__all__ = ["cells_in_view"]

_NOWHERE_M = 2.5  # of the camera's place, one sigma: as far as it sees, and nothing is surely in its picture


def cells_in_view(cells: HullCells, camera: Camera, view: Viewpoint, reach_m: float) -> SeenCells | None:
    """Cells that were in view or may have been; None where the place is not known well enough to say.

    Args:
        camera: intrinsics for the size of the picture.
        reach_m: from farther away nothing is searched.
    """
    doubt = camera_doubt(view.camera_ship.position_m, view.ship_ned, view.ship_covariance)
    if doubt.sigma_m > _NOWHERE_M:
        return None
    return seen_cells(cells, camera, view.camera_ship, reach_m, doubt=doubt)
