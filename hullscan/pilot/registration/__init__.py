"""Hull registration: where the vehicle is beside the ship, from ranges to her plating and from fittings seen."""

from hullscan.pilot.registration.filter import HullRegistration
from hullscan.pilot.registration.landmarks import (
    FittingWatch,
    LandmarkSighting,
    fitting_landmarks,
    sightings_of_fittings,
)
from hullscan.pilot.registration.noise import WIDE_BERTH, RegistrationNoise, noise_of

__all__ = [
    "WIDE_BERTH",
    "FittingWatch",
    "HullRegistration",
    "LandmarkSighting",
    "RegistrationNoise",
    "fitting_landmarks",
    "noise_of",
    "sightings_of_fittings",
]
