"""Search theory of one pass: its lateral range curve and its sweep width (Koopman; see also sarbayes.org).

A pass flies a straight line at a stand-off from a plane hull, the camera along the normal. A parcel at a lateral
distance from the track comes into the picture ahead of the vehicle, is nearest abeam, and leaves astern; what counts
is the best look at it.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.search.pod import LookModel, sample_m

__all__ = ["lateral_range", "parallel_sweeps_pod", "random_search_pod", "sweep_width_m"]


def lateral_range(
    offsets_m: Array,
    stand_off_m: float,
    camera: Camera,
    visibility_m: float,
    model: LookModel,
    *,
    speed_mps: float = 0.0,
    parcel_m: float | None = None,
) -> Array:
    """(n,) POD of a parcel that the track passes at (n,) lateral distances."""
    offsets = np.abs(np.asarray(offsets_m, dtype=np.float64))
    distance = np.hypot(stand_off_m, offsets)
    incidence = np.arctan2(offsets, stand_off_m)
    pod = model.of_look(distance, sample_m(distance, camera), incidence, visibility_m, parcel_m, speed_mps)
    return np.where(incidence <= camera.vfov_rad / 2, pod, 0.0)


def sweep_width_m(
    stand_off_m: float,
    camera: Camera,
    visibility_m: float,
    model: LookModel,
    *,
    speed_mps: float = 0.0,
    parcel_m: float | None = None,
) -> float:
    """Integral of the lateral range curve: a perfect sensor of this width finds as many."""
    edge = stand_off_m * float(np.tan(camera.vfov_rad / 2))
    offsets = np.linspace(-edge, edge, 401)
    curve = lateral_range(offsets, stand_off_m, camera, visibility_m, model, speed_mps=speed_mps, parcel_m=parcel_m)
    return float(np.trapezoid(curve, offsets))


def random_search_pod(coverage_factor: Array) -> Array:
    """POD of a search whose tracks lie at random: 1 - exp(-C), C = sweep width times length over area."""
    return np.asarray(-np.expm1(-np.asarray(coverage_factor, dtype=np.float64)), dtype=np.float64)


def parallel_sweeps_pod(coverage_factor: Array) -> Array:
    """POD of parallel sweeps under the inverse cube law: erf(sqrt(pi) / 2 C), C = sweep width over spacing."""
    return np.asarray(erf(np.sqrt(np.pi) / 2 * np.asarray(coverage_factor, dtype=np.float64)), dtype=np.float64)
