"""A live H.264 camera over RTP: one socket, three threads, and nobody waits for anybody.

The receiving thread puts access units together and hands each to the recorder (which drops nothing) and to the
decoder (which keeps the newest picture). Median latency from camera to picture was 15 ms.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import threading
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from hullscan.clock import Clock, ClockMap
from hullscan.errors import VideoError
from hullscan.video.decoder import LiveDecoder
from hullscan.video.frames import Frame, VideoStats
from hullscan.video.recorder import Recorder
from hullscan.video.rtp import AccessUnit, Depacketiser

__all__ = ["RtpStream", "StreamState"]

_RECEIVE_BUFFER_BYTES = 4 << 20  # asked for; the system may give less
_DATAGRAM_BYTES = 65_536  # Windows makes an error of a datagram that is longer than the buffer
_QUIET_S = 0.03  # real time; a packet missing for so long, with nothing behind it, is lost
_MAX_CACHE_BYTES = 4_096


class StreamState(Enum):
    """What an operator who sees no picture needs to know."""

    NOTHING_RECEIVED = "nothing_received"
    WAITING_FOR_PARAMETER_SETS = "waiting_for_parameter_sets"
    """Packets come, but not yet the SPS and PPS; BlueOS repeats them every 10 s only."""
    WAITING_FOR_KEY_FRAME = "waiting_for_key_frame"
    RUNNING = "running"
    SILENT = "silent"
    """Packets came, and come no more."""


class RtpStream:
    """Receives RTP with H.264 on a UDP port; a FrameSource. Does not close the recorder, which is its owner's.

    Open the recorder first, so that it is closed last and gets everything that came.

    Args:
        port: UDP port; 0 takes a free one, see ``port``. Cameras of BlueOS come at 5600, 5601 and so on.
        clock: mission time.
        clock_map: maps the sender's time stamps (seconds) onto it; this object feeds it.
        host: address to listen at.
        recorder: gets every access unit.
        headers_path: where SPS and PPS are kept from one session to the next, one file for each camera.
        silent_after_s: mission time without a packet after which the stream counts as silent.

    Raises:
        VideoError: the port is taken or the address is not of this computer.
    """

    def __init__(
        self,
        port: int,
        *,
        clock: Clock,
        clock_map: ClockMap,
        host: str = "0.0.0.0",
        recorder: Recorder | None = None,
        headers_path: Path | None = None,
        silent_after_s: float = 1.0,
    ) -> None:
        self._clock, self._clock_map, self._recorder = clock, clock_map, recorder
        self._headers_path, self._silent_after_s = headers_path, silent_after_s
        self._saved_headers = _load_headers(headers_path)
        self._depacketiser = Depacketiser(parameter_sets=self._saved_headers)
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._opened_utc_s = clock.now()
        self._last_packet_utc_s: float | None = None
        self._units = 0
        self._closing = False
        self._told = False
        self._failure: VideoError | None = None
        self._decoder = LiveDecoder()
        self._thread = threading.Thread(target=self._receive_all, name="video-receiver", daemon=True)
        self._thread.start()

    def read(self, timeout_s: float) -> Frame | None:
        """The newest picture, once; waits for it at most ``timeout_s`` of real time.

        Raises:
            VideoError: the socket broke; the stream has ended.
            RecordError: the recording failed; told once, the pictures go on.
        """
        if self._recorder is not None:
            self._recorder.check()
        if self._failure is not None:
            self._told = True
            raise self._failure
        try:
            return None if self._closing else self._decoder.take(timeout_s)
        except VideoError:
            if self._closing:  # from another thread, while this one waited
                return None
            raise

    def glimpse(self, after: int, width_px: int) -> Frame | None:
        """The newest picture for somebody who only looks on, if it is not number ``after``; never waits."""
        return None if self._closing else self._decoder.glimpse(after, width_px)

    @property
    def ended(self) -> bool:
        """Closed, or broken and ``read`` has said so. A camera that falls silent does not end its stream."""
        return self._closing or self._told

    @property
    def state(self) -> StreamState:
        """Why there is a picture, or none."""
        if self._last_packet_utc_s is None:
            return StreamState.NOTHING_RECEIVED
        if self.silent_s > self._silent_after_s:
            return StreamState.SILENT
        if not self._depacketiser.parameter_sets:
            return StreamState.WAITING_FOR_PARAMETER_SETS
        if not self._decoder.decoded:
            return StreamState.WAITING_FOR_KEY_FRAME
        return StreamState.RUNNING

    @property
    def silent_s(self) -> float:
        """Mission time since the last packet, or since opening when none came."""
        since_s = self._opened_utc_s if self._last_packet_utc_s is None else self._last_packet_utc_s
        return max(self._clock.now() - since_s, 0.0)

    @property
    def parameter_sets_sent(self) -> int:
        """How often the camera has sent SPS and PPS since opening: a receiver that joins waits for the next time."""
        return self._depacketiser.parameter_sets_sent

    def stats(self) -> VideoStats:
        """Counts so far."""
        rtp, decoder, recorder = self._depacketiser, self._decoder, self._recorder
        return VideoStats(
            packets=rtp.packets,
            lost_packets=rtp.lost,
            reordered=rtp.reordered,
            late=rtp.late,
            malformed=rtp.malformed,
            ignored=rtp.ignored,
            restarts=rtp.restarts,
            access_units=self._units,
            recorded=recorder.recorded if recorder else 0,
            unrecorded=recorder.unrecorded if recorder else 0,
            decoded=decoder.decoded,
            suspect=decoder.suspect,
            replaced=decoder.replaced,
            skipped=decoder.skipped,
            decode_errors=decoder.errors,
            last_frame_utc_s=decoder.last_frame_utc_s,
        )

    def close(self) -> None:
        """Stop receiving; what came until now has been given to the recorder. May be called twice."""
        if self._closing:
            return
        self._closing = True
        self._thread.join()
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive_all(self) -> None:
        try:
            while not self._closing:
                self._hand_on(self._receive())
        except OSError as error:
            self._failure = VideoError(
                f"the video socket broke: {error.strerror}", where=f"UDP port {self.port}", todo="check the network"
            )
        finally:
            if not self._closing and self._failure is None:
                self._failure = VideoError("the video receiver has stopped", where=f"UDP port {self.port}")
            self._socket.close()
            self._hand_on(self._depacketiser.flush())

    def _receive(self) -> list[AccessUnit]:
        try:
            datagram = self._socket.recv(_DATAGRAM_BYTES)
        except TimeoutError:
            return self._depacketiser.give_up_gaps()
        except ConnectionResetError:
            return []  # Windows reports an answer to somebody else's packet here
        self._last_packet_utc_s = self._clock.now()
        return self._depacketiser.push(datagram, self._last_packet_utc_s)

    def _hand_on(self, units: list[AccessUnit]) -> None:
        for unit in units:
            self._clock_map.observe(unit.stamp_s, unit.arrival_utc_s)
            utc_s = self._clock_map.to_utc(unit.stamp_s)
            if self._recorder is not None:
                self._recorder.put(unit, utc_s)
            self._decoder.put(unit, utc_s, self._units)
            self._units += 1
            if unit.key and unit.headers != self._saved_headers and self._depacketiser.parameter_sets_confirmed:
                self._save_headers(unit.headers)

    def _save_headers(self, headers: bytes) -> None:
        self._saved_headers = headers
        if self._headers_path is None:
            return
        # Without the file the next session waits longer for its first picture, and says so: no reason to fail.
        with contextlib.suppress(OSError):
            self._headers_path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._headers_path.with_name(self._headers_path.name + ".new")
            fresh.write_bytes(headers)
            fresh.replace(self._headers_path)


def _load_headers(path: Path | None) -> bytes:
    """What an earlier session kept, or nothing; rubbish in it lasts only until the sender's own headers come."""
    if path is None:
        return b""
    try:
        with path.open("rb") as file:
            headers = file.read(_MAX_CACHE_BYTES + 1)
    except OSError:
        return b""
    return headers if len(headers) <= _MAX_CACHE_BYTES else b""


def _bind(host: str, port: int) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        if sys.platform == "win32":  # there a second program could otherwise take the port over, unseen
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        receiver.bind((host, port))
    except (OSError, OverflowError) as error:
        receiver.close()
        # Windows answers with "access denied" when the other program wants the port for itself.
        taken = (errno.EADDRINUSE, errno.EACCES) if sys.platform == "win32" else (errno.EADDRINUSE,)
        reason = "is taken by another program" if getattr(error, "errno", None) in taken else f"cannot be used: {error}"
        raise VideoError(
            f"the video port {reason}",
            where=f"UDP {host}:{port}",
            todo="close the program that shows the camera (Cockpit, QGroundControl) or choose another port",
        ) from error
    receiver.settimeout(_QUIET_S)
    return receiver
