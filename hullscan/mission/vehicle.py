"""Vehicle profiles: what a vehicle carries, where it is mounted, how fast it may search.

A profile is stated knowledge about a class of vehicle. The numbers of ``bluerov2-heavy`` are Blue Robotics'
published ones and a public camera calibration; a port that measures its own vehicle writes its own profile.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import radians

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import R_FRD_CAM, Pose

__all__ = ["BLUEROV2_HEAVY", "BLUEROV2_HEAVY_TWO_DVLS", "VehicleProfile", "vehicle_profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleProfile:
    """One class of vehicle.

    Attributes:
        parameters: what its files in ``firmware_params/`` are called, before the sensor.
        camera: intrinsics in water of the stream as it arrives.
        camera_mount: frd from camera at zero tilt; tilt turns about the camera's right axis.
        dvl_mount: frd from dvl (x forward, y right, z towards the transducers' view).
        tilt_range_rad: the camera's tilt servo turns this far up and down.
        half_size_m: of the box that must stay clear, along forward, right, down.
        pitch_limit_rad: up to which the frame can be pitched while it holds its place; the camera's tilt adds to it.
        lane_pitch_rad: as far as it is pitched on lanes, where that adds to what the camera's tilt leaves.
        survey_speed_mps: along the hull.
        transit_speed_mps: elsewhere.
        water_speed_mps: greatest speed through the water that is counted upon.
        video_latency_s, video_latency_uncertainty_s: from light to the arrival of the last packet of a frame.
        battery_empty_v: below this the vehicle cannot be relied upon.
        tether_m: length.
        bottom_lock: a second DVL looks at the sea bed, so that the position does not depend on plating in view.
        endurance_min: that a full battery lasts at survey speed, thrusters, lights and computer together.
    """

    name: str
    parameters: str
    camera: Camera
    camera_mount: Pose
    dvl_mount: Pose
    half_size_m: tuple[float, float, float]
    tilt_range_rad: float = radians(45.0)
    survey_speed_mps: float = 0.25
    transit_speed_mps: float = 0.35
    max_speed_mps: float = 0.5
    water_speed_mps: float = 1.0
    battery_full_v: float = 16.8
    battery_empty_v: float = 13.6
    video_latency_s: float = 0.1
    video_latency_uncertainty_s: float = 0.03
    tether_m: float = 150.0
    pitch_limit_rad: float = 0.0
    lane_pitch_rad: float = 0.0
    bottom_lock: bool = False
    endurance_min: float = 100.0
    depth_limit_m: float = field(default=100.0)

    @property
    def look_up_rad(self) -> float:
        """Greatest elevation of the view on a lane: the camera tilts, then the frame is pitched."""
        return self.tilt_range_rad + self.lane_pitch_rad

    def camera_pose_frd(self, tilt_rad: float) -> Pose:
        """frd from camera with the camera tilted up by an angle."""
        turned = self.camera_mount.rotation * Rotation.from_euler("x", tilt_rad)
        return Pose(self.camera_mount.position_m, turned)


# A BlueROV2 makes about 1.5 m/s through the water with a short tether (Blue Robotics); with 150 m of it in a current,
# two thirds are counted upon.
# HFOV 80 degrees in water (Blue Robotics, low-light USB camera); camera and thrusters from the public URDF of the
# Robotic-Decision-Making-Lab's blue; size from the BlueROV2 Heavy's data sheet. The DVL is mounted facing forward.
# Blue Robotics states two to three hours of light use with the 18 Ah battery for the BlueROV2; the Heavy has two more
# thrusters and holds station all the time.
BLUEROV2_HEAVY = VehicleProfile(
    name="bluerov2-heavy",
    parameters="bluerov2-heavy",
    camera=Camera.from_hfov(640, 360, radians(80.0)),
    camera_mount=Pose(np.array([0.21, 0.0, -0.067]), R_FRD_CAM),
    dvl_mount=Pose(np.array([0.18, 0.0, 0.10]), Rotation.from_matrix([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])),
    half_size_m=(0.2285, 0.2875, 0.127),
    # In GUIDED ArduSub takes roll and pitch from the sticks: 4.5.3 with the simulator's physics held 26 degrees (s 250
    # of MANUAL_CONTROL) to 3 degrees, and its place to 0.1 m, also at 0.2 m/s.
    pitch_limit_rad=radians(25.0),
    # On lanes the flat bottom need not be faced: from a level frame it is seen at 21 degrees from the normal at the
    # edge of the picture, over a wider strip. By the POD of a look, at 3 m visibility and the best distance for each,
    # a metre of way sweeps 1.66 m level, 1.67 at 10 degrees, 1.65 at 15, 1.59 at 25. But from 9.3 degrees on the upper
    # two beams of the DVL meet flat plating within 65 degrees and come back: so far, and as much more as it wanders.
    lane_pitch_rad=radians(13.0),
)

# The same with a second DVL that looks down. Level under a flat bottom the forward one hears neither plating nor sea
# bed (its beams meet both at 74 degrees, and come back up to 65), and the position is lost within seconds.
BLUEROV2_HEAVY_TWO_DVLS = replace(BLUEROV2_HEAVY, name="bluerov2-heavy-two-dvls", bottom_lock=True)

_PROFILES = {profile.name: profile for profile in (BLUEROV2_HEAVY, BLUEROV2_HEAVY_TWO_DVLS)}


def vehicle_profile(name: str) -> VehicleProfile:
    """The profile of a name.

    Raises:
        InputError: there is none.
    """
    if name not in _PROFILES:
        raise InputError(f"unknown vehicle {name!r}", where="vehicle", todo=f"known: {', '.join(_PROFILES)}")
    return _PROFILES[name]
