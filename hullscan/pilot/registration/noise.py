"""Uncertainties of the registration, one standard deviation each."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

from hullscan.mission.dead_reckoning import COASTING, DeadReckoning, dead_reckoning_of
from hullscan.mission.vehicle import VehicleProfile

__all__ = ["WIDE_BERTH", "RegistrationNoise", "noise_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationNoise:
    """What the filter believes about its world.

    Attributes:
        berth_m: of the mission's berth against the launch, along and across: up to 2 m off.
        compass_rad: of the vehicle's heading against the berth's; steel turns a compass by up to 40 degrees.
        waterline_m: zero of the vehicle's depth; a pressure sensor is a decimetre off.
        waterline_walk_mps: random walk of it, per square root of a second; tide and a slow sensor.
        trim_ends_m: of her draughts at the ends, read from marks in a seaway.
        list_rad: of her list, with what mount and attitude of the vehicle add to it.
        drift_mps: random walk of the vehicle's place, per square root of a second.
        reckoning: how far the place goes astray while no velocity over the hull is measured.
        scale: share by which all velocities are wrong: 1 % by the DVL's data sheet, which is a bound; sound speed.
        gyro_radps: random walk of the heading by the gyro, per square root of a second.
        gyro_bias_radps: constant part of the gyro's error; consumer sensors turn by half a degree a minute.
        gyro_bias_walk_radps: of it, per square root of a second; an estimator that believes a turned compass
            moves its gyro's bias.
        compass_walk_radps: random walk of the heading when no gyro is given, per square root of a second.
        range_m, range_share: of one beam, independent from report to report.
        skin_m: by which the plating differs from the hull model where a beam ends: welds, dents, growth. Stays the
            same while the vehicle hovers, so waiting does not average it away.
        skin_way_m: way after which it is a different one.
        echo_m, echo_share: of an echo sounder, besides what its wide cone leaves open.
    """

    berth_m: float = 1.2
    compass_rad: float = radians(20.0)
    waterline_m: float = 0.15
    waterline_walk_mps: float = 0.003
    trim_ends_m: float = 0.15
    list_rad: float = radians(0.8)
    drift_mps: float = 0.012
    reckoning: DeadReckoning = COASTING
    scale: float = 0.006
    gyro_radps: float = radians(0.04)
    gyro_bias_radps: float = radians(0.015)
    gyro_bias_walk_radps: float = radians(0.0005)
    compass_walk_radps: float = radians(0.4)
    range_m: float = 0.02
    range_share: float = 0.008
    skin_m: float = 0.035
    skin_way_m: float = 1.0
    echo_m: float = 0.05
    echo_share: float = 0.02


WIDE_BERTH = RegistrationNoise(berth_m=3.0, compass_rad=radians(22.0))
"""For a berth that is known to 5 m and 5 degrees, beside steel that turns the compass by up to 40."""


def noise_of(vehicle: VehicleProfile) -> RegistrationNoise:
    """For a vehicle."""
    return RegistrationNoise(reckoning=dead_reckoning_of(vehicle))
