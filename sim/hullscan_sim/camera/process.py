"""The camera beside the simulation: one process draws, a second exposes, encodes and sends.

A capture is asked for at a moment of simulated time; the simulation goes on meanwhile, and waits when the picture
is not out by the time that a real camera would have sent it. So pictures cost a second core, not the first, and
their latency is constant in simulated time however slow the machine is. While one picture is exposed, encoded and
sent, the next one is already drawn.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import HullscanError, VideoError
from hullscan.geometry.frames import Pose
from hullscan_sim.camera.noise import Image
from hullscan_sim.camera.renderer import Radiance
from hullscan_sim.camera.stream import CAMERA, RATE_HZ, Drawn, Exposure, SimulatedCamera, Stream
from hullscan_sim.faults.kinds import Fault, VideoFreeze, VideoLoss
from hullscan_sim.scenario import load_scenario

__all__ = ["CameraProcess", "PastPoses", "VideoFaults"]

_IN_FLIGHT = 3  # pictures that are drawn and not yet sent, at most


def _slots(shared: Any) -> Image:
    """(n, h, w, 3) pictures in shared memory."""
    return np.frombuffer(shared, np.float32).reshape(-1, CAMERA.height_px, CAMERA.width_px, 3)


class VideoFaults:
    """What the scenario's faults make of the pictures."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._losses = [fault for fault in faults if isinstance(fault, VideoLoss)]
        self._freezes = [fault for fault in faults if isinstance(fault, VideoFreeze)]
        self._drawn = False

    def shown(self, time_s: float) -> Literal["new", "old", "none"]:
        """Whether a new picture is sent at this time, the one before again, or none; asked in the order of time."""
        if any(loss.acts(time_s) for loss in self._losses):
            return "none"
        if self._drawn and any(freeze.acts(time_s) for freeze in self._freezes):
            return "old"
        self._drawn = True
        return "new"


def _draw(asked: Connection, drawn: Connection, shared: Any, scenario_path: str, mission_path: str) -> None:
    """The first process: one capture after the other until nobody asks any more."""
    try:
        scenario = load_scenario(Path(scenario_path))
        camera = SimulatedCamera(scenario, Path(mission_path))
    except HullscanError as error:
        drawn.send(("error", str(error)))
        return
    faults, slots, count = VideoFaults(scenario.faults), _slots(shared), 0
    drawn.send(("ready", ""))
    with contextlib.suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        while True:
            time_s, position, quaternion, lights, tilt = asked.recv()
            shown = faults.shown(time_s)
            if shown != "new":
                drawn.send((shown, (time_s,)))
                continue
            pose = Pose(np.asarray(position), Rotation.from_quat(quaternion))
            try:
                picture = camera.draw(time_s, pose, lights, tilt)
            except HullscanError as error:
                drawn.send(("error", f"the camera failed: {error}"))
                return
            light, slot = picture.light, count % _IN_FLIGHT
            count += 1
            slots[slot] = light.linear
            facts = light.median_depth_m, picture.optics, picture.position_m, picture.r_ship_cam, picture.drift_m
            drawn.send((shown, (time_s, slot, *facts)))


def _expose(drawn: Connection, sent: Connection, shared: Any, scenario_path: str, url: str) -> None:
    """The second process: makes a picture of the light, and sends it."""
    cv2.setNumThreads(1)
    try:
        scenario = load_scenario(Path(scenario_path))
        exposure, slots = Exposure(scenario), _slots(shared)
        stream = Stream(url, scenario.video, scenario.clocks, scenario.seed)
    except HullscanError as error:
        sent.send(("error", str(error)))
        return
    image = None
    with contextlib.suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        while True:
            kind, content = drawn.recv()
            if kind in {"ready", "error"}:
                sent.send((kind, content))
                continue
            time_s, *rest = content
            if kind == "new":
                slot, median_depth_m, *where = rest
                image = exposure.picture(Drawn(Radiance(slots[slot], median_depth_m), *where), time_s)
            if kind != "none" and image is not None:
                stream.send(image, time_s)
            sent.send(("sent", ""))
    stream.close()


class PastPoses:
    """Where the camera was when a delayed picture was taken, between the captures before."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._poses: list[tuple[float, Pose]] = []

    def seen(self, time_s: float, pose: Pose) -> Pose:
        """The pose that the picture of a time shows; the oldest that is known when that was before the first one."""
        self._poses.append((time_s, pose))
        taken_s = time_s - self._delay_s
        while len(self._poses) > 2 and self._poses[1][0] <= taken_s:
            self._poses.pop(0)
        (begin_s, begin), (end_s, end) = self._poses[0], self._poses[min(1, len(self._poses) - 1)]
        share = float(np.clip((taken_s - begin_s) / (end_s - begin_s), 0, 1)) if end_s > begin_s else 0.0
        turn = (begin.rotation.inv() * end.rotation).as_rotvec()
        place = begin.position_m + share * (end.position_m - begin.position_m)
        return Pose(place, begin.rotation * Rotation.from_rotvec(share * turn))


class CameraProcess:
    """The simulation's end of the camera process; implements its camera hook.

    Args:
        url: rtp://HOST:PORT to send to.
        rate_hz: frames per second of simulated time.
    """

    def __init__(self, scenario: Path, mission: Path, url: str, rate_hz: float = RATE_HZ) -> None:
        self._period_s, self._next_s = 1.0 / rate_hz, 0.0
        context = multiprocessing.get_context("spawn")
        shared = context.RawArray("f", _IN_FLIGHT * CAMERA.height_px * CAMERA.width_px * 3)
        asked, self._ask = context.Pipe(duplex=False)
        taken, drawn = context.Pipe(duplex=False)
        self._sent, sent = context.Pipe(duplex=False)
        self._processes = [
            context.Process(target=_draw, args=(asked, drawn, shared, str(scenario), str(mission)), daemon=True),
            context.Process(target=_expose, args=(taken, sent, shared, str(scenario), url), daemon=True),
        ]
        for process in self._processes:
            process.start()
        for end in (asked, drawn, taken, sent):  # theirs
            end.close()
        self._waiting: list[float] = []
        self._past = PastPoses(load_scenario(scenario).video.delay_s)

    def wait_ready(self) -> None:
        """Wait until the scene is built and the stream is open.

        Raises:
            VideoError: it could not be.
        """
        try:
            kind, words = self._sent.recv()
        except EOFError:
            kind, words = "error", "the camera process died"
        if kind != "ready":
            raise VideoError(str(words))

    def due(self, sim_time_s: float) -> bool:
        """Whether it is time for the next frame."""
        return sim_time_s >= self._next_s - 1e-9

    def capture(self, sim_time_s: float, pose_ned: Pose, lights: float, tilt_rad: float) -> None:
        """Ask for a frame; returns at once unless too many are on their way."""
        while self._next_s <= sim_time_s + 1e-9:
            self._next_s += self._period_s
        while len(self._waiting) >= _IN_FLIGHT - 1:  # the slot of the next one must be free when it is drawn
            self.wait_sent(self._waiting[0])
        seen = self._past.seen(sim_time_s, pose_ned)
        position, quaternion = seen.position_m.tolist(), seen.rotation.as_quat().tolist()
        self._ask.send((sim_time_s, position, quaternion, lights, tilt_rad))
        self._waiting.append(sim_time_s)

    def wait_sent(self, sim_time_s: float) -> None:
        """Wait until every frame asked for up to a time is out.

        Raises:
            VideoError: the camera failed, or its process died.
        """
        while self._waiting and self._waiting[0] <= sim_time_s + 1e-9:
            try:
                kind, words = self._sent.recv()
            except (EOFError, ConnectionError) as error:
                raise VideoError("the camera process died") from error
            if kind == "error":
                raise VideoError(str(words))
            self._waiting.pop(0)

    def close(self) -> None:
        """End the process."""
        self._ask.close()
        for process in self._processes:
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
