"""What the vehicle's camera sees in a scenario, and how it becomes H.264 in RTP."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import exp, log
from pathlib import Path
from urllib.parse import urlparse

import av
import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.errors import VideoError
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import R_FRD_CAM, Array, Pose
from hullscan.ship.surface import HullSurface, side_sign
from hullscan_sim.as_built import mount_as_fitted, mount_error
from hullscan_sim.camera.pages import PageCache
from hullscan_sim.camera.renderer import Radiance, Rendered, Renderer
from hullscan_sim.camera.rtp_link import ParameterSets, RtpRelay
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.ship_scene import build_scene
from hullscan_sim.camera.water import WaterOptics, rov_lamps
from hullscan_sim.mooring import ShipMotion
from hullscan_sim.scenario import Scenario, ShipAtBerth, load_ship
from hullscan_sim.sensor_options import Clocks, VideoLink

__all__ = ["CAMERA", "RATE_HZ", "Drawn", "Exposure", "SimulatedCamera", "Stream"]

RATE_HZ = 10.0
CAMERA = Camera.from_hfov(640, 360, float(np.radians(80.0)))  # BlueROV2's camera in water
_MOUNT_FRD_M = np.array([0.21, 0.0, -0.067])  # URDF of the BlueROV2 (Robotic-Decision-Making-Lab/blue)
_VISIBILITY_STEP = 0.05  # of its logarithm
_BITRATE = 2_000_000
_GOP = 10  # an IDR picture each second, with SPS and PPS


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture's light, before the camera's electronics, and what these need to know of it.

    Attributes:
        light: what falls on the sensor.
        optics: of the water there.
        position_m, r_ship_cam: (3,) and (3, 3) of the camera, ship frame.
        drift_m: (3,) how far the water has moved since time 0.
    """

    light: Radiance
    optics: WaterOptics
    position_m: Array
    r_ship_cam: Array
    drift_m: Array


class Exposure:
    """The electronics: makes pictures of light, in the order of time."""

    def __init__(self, scenario: Scenario) -> None:
        optics = WaterOptics.from_water(scenario.water)
        self._sensor = Sensor(CAMERA, optics, Response(), scenario.water.particles, scenario.seed)

    def picture(self, drawn: Drawn, time_s: float) -> npt.NDArray[np.uint8]:
        """A frame (h, w, 3) BGR."""
        self._sensor.optics = drawn.optics
        return self._sensor.expose(drawn.light, time_s, drawn.position_m, drawn.r_ship_cam, drawn.drift_m)


class SimulatedCamera:
    """Draws what the vehicle's camera sees in a scenario.

    Attributes:
        scene: what there is to see.
        rendered: what the last picture shows, pixel by pixel; None before the first.
    """

    def __init__(self, scenario: Scenario, mission: Path) -> None:
        cv2.setNumThreads(1)
        stated, hull = load_ship(mission, scenario)
        self.scene, texture = build_scene(scenario, stated, hull)
        self.rendered: Rendered | None = None
        self._water = scenario.water
        self._optics = WaterOptics.from_water(scenario.water)
        girth = float(hull.total_girth(hull.stations_m).max()) + 2.0  # and the freeboard
        self._renderer = Renderer(
            self.scene,
            PageCache(texture, (hull.stations_m[0], hull.stations_m[-1]), (-girth, girth)),
            CAMERA,
            rov_lamps(),
            self._optics,
            daylight=1.5 * scenario.water.daylight,
            seed=scenario.seed,
        )
        self._exposure = Exposure(scenario)
        self._mount_error = mount_error(scenario.vehicle.mount_deg, scenario.vehicle.mount_m, scenario.seed)
        self._motion = ShipMotion(scenario, stated, hull.dimensions.length_m)
        towards = np.radians(scenario.water.current_towards_deg)
        current = scenario.water.current_mps * np.array([np.cos(towards), np.sin(towards), 0.0])
        self._current_ship_mps = self._motion.rest.as_pose.rotation.apply(current, inverse=True)
        self._visibility_step: int | None = None
        self._warm_up(stated, hull)

    def _warm_up(self, stated: ShipAtBerth, hull: HullSurface) -> None:
        """Bake the texture that the first pictures need, so that the simulation does not wait for it."""
        side, station = side_sign(stated.launch.side), np.array([stated.launch.station_m])
        station = np.clip(station, hull.stations_m[0], hull.stations_m[-1])
        breadth = float(hull.point(np.array([side], dtype=np.int8), station, np.zeros(1))[0, 1])
        place = np.array([float(station[0]), breadth + side * stated.launch.distance_m, 0.5])
        towards = Pose(place, Rotation.from_euler("z", -side * np.pi / 2)) @ Pose(_MOUNT_FRD_M, R_FRD_CAM)
        for _ in range(8):
            self._renderer.render(towards.position_m, towards.rotation.as_matrix())

    def picture(self, time_s: float, pose_ned: Pose, lights: float, tilt_rad: float) -> npt.NDArray[np.uint8]:
        """A frame (h, w, 3) BGR.

        Args:
            pose_ned: ned from frd of the vehicle; ned at the berth's stated place.
            lights: 0 to 1.
            tilt_rad: of the camera, up positive.
        """
        return self._exposure.picture(self.draw(time_s, pose_ned, lights, tilt_rad), time_s)

    def draw(self, time_s: float, pose_ned: Pose, lights: float, tilt_rad: float) -> Drawn:
        """The light of what ``picture`` shows."""
        stated = Pose(_MOUNT_FRD_M, R_FRD_CAM * Rotation.from_euler("x", tilt_rad))
        mount = mount_as_fitted(stated, *self._mount_error)
        pose = self._motion.pose(time_s).pose_in_ship(pose_ned @ mount)
        rotation: Array = pose.rotation.as_matrix()
        self._follow_visibility(float(pose.position_m[0]))
        self._renderer.set_lamps(tilt_rad, lights)
        self.rendered = self._renderer.render(pose.position_m, rotation)
        return Drawn(self.rendered, self._optics, pose.position_m, rotation, self._current_ship_mps * time_s)

    def _follow_visibility(self, station_m: float) -> None:
        """Take the water of this part of the ship, in steps of 5 % of visibility."""
        along = self._water.visibility_along
        if not along:
            return
        stations, visibilities = zip(*sorted(along), strict=True)
        step = round(log(float(np.interp(station_m, stations, visibilities))) / _VISIBILITY_STEP)
        if step != self._visibility_step:
            self._visibility_step = step
            here = float(np.clip(exp(step * _VISIBILITY_STEP), 0.5, 30.0))
            self._optics = WaterOptics.from_water(replace(self._water, visibility_m=here))
            self._renderer.set_optics(self._optics)

    @property
    def visibility_m(self) -> float:
        """Of the water in the last picture."""
        if self._visibility_step is None:
            return self._water.visibility_m
        return exp(self._visibility_step * _VISIBILITY_STEP)


class Stream:
    """H.264 in RTP to one address; RTP time is simulated time, by a clock that may be off and drift."""

    def __init__(self, url: str, link: VideoLink | None = None, clocks: Clocks | None = None, seed: int = 0) -> None:
        parts = urlparse(url)
        if parts.scheme != "rtp" or not parts.hostname or not parts.port:
            raise VideoError(f"cannot send video to {url!r}", todo="use rtp://HOST:PORT")
        link, self._clocks = link or VideoLink(), clocks or Clocks()
        self._parameter_sets = ParameterSets(link.parameter_sets_s)
        self.relay: RtpRelay | None = None
        host, port = parts.hostname, parts.port
        if link.loss_share > 0 or link.reorder_share > 0:
            self.relay = RtpRelay(host, port, link, np.random.default_rng([seed, 29]))
            host, port = "127.0.0.1", self.relay.port
        try:
            self._out = av.open(f"rtp://{host}:{port}?pkt_size=1200", "w", format="rtp")
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"cannot send video to {url}: {error}") from error
        self._stream = self._out.add_stream("libx264", rate=round(RATE_HZ))
        self._stream.width, self._stream.height = CAMERA.width_px, CAMERA.height_px
        self._stream.pix_fmt, self._stream.bit_rate = "yuv420p", _BITRATE
        self._stream.codec_context.time_base = Fraction(1, 90_000)
        self._stream.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "g": str(_GOP),
            "keyint_min": str(_GOP),
            "sc_threshold": "0",
            "x264-params": "repeat-headers=1:threads=1",
        }

    def send(self, image: npt.NDArray[np.uint8], time_s: float) -> None:
        """Encode and send one frame."""
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        video_s = self._clocks.video_offset_s + time_s * (1 + self._clocks.video_drift_ppm * 1e-6)
        frame.pts, frame.time_base = round(video_s * 90_000), Fraction(1, 90_000)
        self._mux(self._stream.encode(frame), time_s)

    def _mux(self, packets: list[av.Packet], time_s: float) -> None:
        for packet in packets:
            whole = bytes(packet)
            thinned = self._parameter_sets.thin(whole, time_s)
            if len(thinned) != len(whole):
                fresh = av.Packet(thinned)
                fresh.pts, fresh.dts, fresh.time_base = packet.pts, packet.dts, packet.time_base
                fresh.stream, fresh.is_keyframe = self._stream, packet.is_keyframe
                packet = fresh
            self._out.mux(packet)
        if self.relay is not None:
            self.relay.forward()

    def close(self) -> None:
        """Flush and hang up."""
        self._mux(self._stream.encode(), float("inf"))
        self._out.close()
        if self.relay is not None:
            self.relay.close()
