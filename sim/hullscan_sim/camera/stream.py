"""The camera as a process of its own: draws when asked, encodes H.264, sends RTP.

A capture is asked for at a moment of simulated time; the simulation goes on meanwhile, and waits when the picture
is not out by the time that a real camera would have sent it. So pictures cost a second core, not the first, and
their latency is constant in simulated time however slow the machine is. While one picture is exposed, encoded and
sent in a thread of its own, the next one is already drawn.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from math import exp, log
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
from hullscan.geometry.frames import R_FRD_CAM, Array, Pose
from hullscan.ship.surface import HullSurface, side_sign
from hullscan_sim.camera.pages import PageCache
from hullscan_sim.camera.renderer import Rendered, Renderer
from hullscan_sim.camera.rtp_link import ParameterSets, RtpRelay
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.ship_scene import build_scene
from hullscan_sim.camera.water import WaterOptics, rov_lamps
from hullscan_sim.faults.kinds import Fault, VideoFreeze, VideoLoss
from hullscan_sim.mooring import ShipMotion
from hullscan_sim.scenario import Scenario, ShipAtBerth, load_scenario, load_ship
from hullscan_sim.sensor_options import Clocks, VideoLink

__all__ = ["CameraProcess", "SimulatedCamera", "Stream", "VideoFaults"]

RATE_HZ = 10.0
_CAMERA = Camera.from_hfov(640, 360, float(np.radians(80.0)))  # BlueROV2's camera in water
_MOUNT_FRD_M = np.array([0.21, 0.0, -0.067])  # URDF of the BlueROV2 (Robotic-Decision-Making-Lab/blue)
_VISIBILITY_STEP = 0.05  # of its logarithm
_BITRATE = 2_000_000
_GOP = 10  # an IDR picture each second, with SPS and PPS


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
            _CAMERA,
            rov_lamps(),
            self._optics,
            daylight=1.5 * scenario.water.daylight,
            seed=scenario.seed,
        )
        self._sensor = Sensor(_CAMERA, self._optics, Response(), scenario.water.particles, scenario.seed)
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
        return self.shoot(time_s, pose_ned, lights, tilt_rad)()

    def shoot(
        self, time_s: float, pose_ned: Pose, lights: float, tilt_rad: float
    ) -> Callable[[], npt.NDArray[np.uint8]]:
        """Draw what ``picture`` shows; what is returned exposes it, in this order of time, in any one thread."""
        mount = Pose(_MOUNT_FRD_M, R_FRD_CAM * Rotation.from_euler("x", tilt_rad))
        pose = self._motion.pose(time_s).pose_in_ship(pose_ned @ mount)
        rotation: Array = pose.rotation.as_matrix()
        self._follow_visibility(float(pose.position_m[0]))
        self._renderer.set_lamps(tilt_rad, lights)
        frame, optics = self._renderer.render(pose.position_m, rotation), self._optics
        self.rendered = frame

        def expose() -> npt.NDArray[np.uint8]:
            self._sensor.optics = optics
            return self._sensor.expose(frame, time_s, pose.position_m, rotation, self._current_ship_mps * time_s)

        return expose

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


class VideoFaults:
    """What the scenario's faults make of the pictures: none, or the last one again."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._losses = [fault for fault in faults if isinstance(fault, VideoLoss)]
        self._freezes = [fault for fault in faults if isinstance(fault, VideoFreeze)]
        self._last: npt.NDArray[np.uint8] | None = None
        self._drawn = False

    def draws(self, time_s: float) -> bool:
        """Whether ``picture`` will ask for a new one at this time; asked in the order of time."""
        frozen = self._drawn and any(freeze.acts(time_s) for freeze in self._freezes)
        draws = not frozen and not any(loss.acts(time_s) for loss in self._losses)
        self._drawn = self._drawn or draws
        return draws

    def picture(self, time_s: float, draw: Callable[[], npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8] | None:
        """The picture to send now, drawn only when it is needed; None when nothing is sent."""
        if any(loss.acts(time_s) for loss in self._losses):
            return None
        if self._last is None or not any(freeze.acts(time_s) for freeze in self._freezes):
            self._last = draw()
        return self._last


def _run(pipe: Connection, scenario_path: str, mission_path: str, url: str) -> None:
    """The process: one capture after the other until the pipe closes."""
    try:
        scenario = load_scenario(Path(scenario_path))
        camera = SimulatedCamera(scenario, Path(mission_path))
        stream = Stream(url, scenario.video, scenario.clocks, scenario.seed)
    except HullscanError as error:
        pipe.send(("error", str(error)))
        return
    faults = VideoFaults(scenario.faults)

    def finish(time_s: float, expose: Callable[[], npt.NDArray[np.uint8]]) -> None:
        image = faults.picture(time_s, expose)
        if image is not None:
            stream.send(image, time_s)

    def answer(finished: Future[None]) -> None:
        """The simulation waits for this, whatever went wrong."""
        error = finished.exception()
        with contextlib.suppress(OSError):  # it may have ended
            pipe.send(("sent", "") if error is None else ("error", f"the camera failed: {error}"))

    pipe.send(("ready", ""))
    with ThreadPoolExecutor(max_workers=1) as second:
        try:
            while True:
                time_s, position, quaternion, lights, tilt = pipe.recv()
                pose = Pose(np.asarray(position), Rotation.from_quat(quaternion))
                draws = faults.draws(time_s)
                expose = camera.shoot(time_s, pose, lights, tilt) if draws else _nothing
                second.submit(finish, time_s, expose).add_done_callback(answer)
        except (EOFError, KeyboardInterrupt, BrokenPipeError):
            pass
    stream.close()


def _nothing() -> npt.NDArray[np.uint8]:
    raise VideoError("a picture was asked for that was not drawn")


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
            VideoError: the camera failed, or its process died.
        """
        while self._waiting and self._waiting[0] <= sim_time_s + 1e-9:
            try:
                kind, words = self._pipe.recv()
            except (EOFError, ConnectionError) as error:
                raise VideoError("the camera process died") from error
            if kind == "error":
                raise VideoError(str(words))
            self._waiting.pop(0)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
