"""The camera as a process of its own: draws when asked, encodes H.264, sends RTP.

A capture is asked for at a moment of simulated time; the simulation goes on meanwhile, and waits when the picture
is not out by the time that a real camera would have sent it. So pictures cost a second core, not the first, and
their latency is constant in simulated time however slow the machine is.
"""

from __future__ import annotations

import multiprocessing
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlparse

import av
import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.errors import HullscanError, VideoError
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import R_FRD_CAM, Array, Pose, ShipPose
from hullscan.ship.surface import HullSurface, side_sign
from hullscan_sim.camera.pages import PageCache
from hullscan_sim.camera.renderer import Renderer
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.ship_scene import build_scene
from hullscan_sim.camera.water import WaterOptics, rov_lamps
from hullscan_sim.scenario import Scenario, ShipAtBerth, load_scenario, load_ship

__all__ = ["CameraProcess", "SimulatedCamera", "Stream"]

RATE_HZ = 10.0
_CAMERA = Camera.from_hfov(640, 360, float(np.radians(80.0)))  # BlueROV2's camera in water
_MOUNT_FRD_M = np.array([0.21, 0.0, -0.067])  # URDF of the BlueROV2 (Robotic-Decision-Making-Lab/blue)
_BITRATE = 2_000_000
_GOP = 10  # an IDR picture each second, with SPS and PPS


class SimulatedCamera:
    """Draws what the vehicle's camera sees in a scenario."""

    def __init__(self, scenario: Scenario, mission: Path) -> None:
        cv2.setNumThreads(1)
        stated, hull = load_ship(mission, scenario)
        scene, texture = build_scene(scenario, stated, hull)
        self._optics = WaterOptics.from_water(scenario.water)
        girth = float(hull.total_girth(hull.stations_m).max()) + 2.0  # and the freeboard
        self._renderer = Renderer(
            scene,
            PageCache(texture, (hull.stations_m[0], hull.stations_m[-1]), (-girth, girth)),
            _CAMERA,
            rov_lamps(),
            self._optics,
            daylight=1.5 * scenario.water.daylight,
            seed=scenario.seed,
        )
        self._sensor = Sensor(_CAMERA, self._optics, Response(), scenario.water.particles, scenario.seed)
        error = scenario.ship_error
        heading = np.radians(stated.berth.heading_deg + error.heading_deg)
        self._ship = ShipPose(error.north_m, error.east_m, float(heading))
        towards = np.radians(scenario.water.current_towards_deg)
        current = scenario.water.current_mps * np.array([np.cos(towards), np.sin(towards), 0.0])
        self._current_ship_mps = self._ship.as_pose.rotation.apply(current, inverse=True)
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
        mount = Pose(_MOUNT_FRD_M, R_FRD_CAM * Rotation.from_euler("x", tilt_rad))
        pose = self._ship.pose_in_ship(pose_ned @ mount)
        rotation: Array = pose.rotation.as_matrix()
        self._renderer.set_lamps(tilt_rad, lights)
        frame = self._renderer.render(pose.position_m, rotation)
        return self._sensor.expose(frame, time_s, pose.position_m, rotation, self._current_ship_mps * time_s)


class Stream:
    """H.264 in RTP to one address; RTP time is simulated time."""

    def __init__(self, url: str) -> None:
        parts = urlparse(url)
        if parts.scheme != "rtp" or not parts.hostname or not parts.port:
            raise VideoError(f"cannot send video to {url!r}", todo="use rtp://HOST:PORT")
        try:
            self._out = av.open(f"rtp://{parts.hostname}:{parts.port}?pkt_size=1200", "w", format="rtp")
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"cannot send video to {url}: {error}") from error
        self._stream = self._out.add_stream("libx264", rate=round(RATE_HZ))
        self._stream.width, self._stream.height = _CAMERA.width_px, _CAMERA.height_px
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
        frame.pts, frame.time_base = round(time_s * 90_000), Fraction(1, 90_000)
        for packet in self._stream.encode(frame):
            self._out.mux(packet)

    def close(self) -> None:
        """Flush and hang up."""
        for packet in self._stream.encode():
            self._out.mux(packet)
        self._out.close()


def _run(pipe: Connection, scenario_path: str, mission_path: str, url: str) -> None:
    """The process: one capture after the other until the pipe closes."""
    try:
        scenario = load_scenario(Path(scenario_path))
        camera, stream = SimulatedCamera(scenario, Path(mission_path)), Stream(url)
    except HullscanError as error:
        pipe.send(("error", str(error)))
        return
    losses = [(fault.at_s, fault.at_s + fault.for_s) for fault in scenario.faults if fault.kind == "video_loss"]
    pipe.send(("ready", ""))
    try:
        while True:
            time_s, position, quaternion, lights, tilt = pipe.recv()
            if not any(start <= time_s < end for start, end in losses):
                pose = Pose(np.asarray(position), Rotation.from_quat(quaternion))
                stream.send(camera.picture(time_s, pose, lights, tilt), time_s)
            pipe.send(("sent", time_s))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        stream.close()


class CameraProcess:
    """The simulation's end of the camera process; implements its camera hook.

    Args:
        url: rtp://HOST:PORT to send to.
        rate_hz: frames per second of simulated time.
    """

    def __init__(self, scenario: Path, mission: Path, url: str, rate_hz: float = RATE_HZ) -> None:
        self._period_s, self._next_s = 1.0 / rate_hz, 0.0
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(target=_run, args=(child, str(scenario), str(mission), url), daemon=True)
        self._process.start()
        child.close()
        self._waiting: list[float] = []

    def wait_ready(self) -> None:
        """Wait until the scene is built and the stream is open.

        Raises:
            VideoError: it could not be.
        """
        try:
            kind, words = self._pipe.recv()
        except EOFError:
            kind, words = "error", "the camera process died"
        if kind != "ready":
            raise VideoError(str(words))

    def due(self, sim_time_s: float) -> bool:
        """Whether it is time for the next frame."""
        return sim_time_s >= self._next_s - 1e-9

    def capture(self, sim_time_s: float, pose_ned: Pose, lights: float, tilt_rad: float) -> None:
        """Ask for a frame; returns at once."""
        while self._next_s <= sim_time_s + 1e-9:
            self._next_s += self._period_s
        position, quaternion = pose_ned.position_m.tolist(), pose_ned.rotation.as_quat().tolist()
        self._pipe.send((sim_time_s, position, quaternion, lights, tilt_rad))
        self._waiting.append(sim_time_s)

    def wait_sent(self, sim_time_s: float) -> None:
        """Wait until every frame asked for up to a time is out.

        Raises:
            VideoError: the camera process died.
        """
        while self._waiting and self._waiting[0] <= sim_time_s + 1e-9:
            try:
                self._pipe.recv()
            except (EOFError, ConnectionError) as error:
                raise VideoError("the camera process died") from error
            self._waiting.pop(0)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
