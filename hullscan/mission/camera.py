"""A camera as a mission file states it: by its field of view, or by a calibration in water or in air."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from hullscan.geometry.camera import Camera
from hullscan.geometry.port import behind_flat_port
from hullscan.units import Positive

__all__ = ["StatedCamera"]

_Size = Annotated[int, Ge(64), Le(16384)]
_Coefficient = Annotated[float, Ge(-10), Le(10)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedCamera:
    """Intrinsics for one size of picture; other sizes of the same shape are scaled.

    Attributes:
        size_px: width and height of the pictures that the numbers are of.
        hfov_deg: horizontal field of view in water, of a lens without distortion; or
        focal_px, centre_px, distortion: as OpenCV calibrates them; (k1, k2, p1, p2, k3).
        calibrated_in: what was between lens and board; of a calibration in air the port decides.
        port: of the housing; a dome is taken to have the lens in its middle.
    """

    size_px: tuple[_Size, _Size]
    hfov_deg: Annotated[float, Gt(5), Lt(170)] | None = None
    focal_px: tuple[Positive, Positive] | None = None
    centre_px: tuple[Positive, Positive] | None = None
    distortion: tuple[_Coefficient, _Coefficient, _Coefficient, _Coefficient, _Coefficient] = (0.0, 0.0, 0.0, 0.0, 0.0)
    calibrated_in: Literal["water", "air"] = "water"
    port: Literal["flat", "dome"] | None = None

    def faults(self) -> list[tuple[str, str]]:
        """(key, what is wrong) across the keys."""
        found = []
        if (self.hfov_deg is None) == (self.focal_px is None):
            found.append(("hfov_deg", "give either hfov_deg or focal_px"))
        if self.calibrated_in == "air" and self.port is None:
            found.append(("port", "a calibration in air needs the port: flat or dome"))
        if self.calibrated_in == "air" and self.hfov_deg is not None:
            found.append(("calibrated_in", "hfov_deg is that in water"))
        return found

    def in_water(self) -> Camera:
        """The camera as it sees in water.

        Raises:
            InputError: a flat port before so wide a lens cannot be described.
        """
        width, height = self.size_px
        if self.hfov_deg is not None:
            return Camera.from_hfov(width, height, radians(self.hfov_deg))
        assert self.focal_px is not None, "one of both is there, see faults"
        centre = self.centre_px or (width / 2, height / 2)
        camera = Camera(
            width_px=width, height_px=height, fx_px=self.focal_px[0], fy_px=self.focal_px[1],
            cx_px=centre[0], cy_px=centre[1], distortion=self.distortion,
        )  # fmt: skip
        return behind_flat_port(camera) if (self.calibrated_in, self.port) == ("air", "flat") else camera
