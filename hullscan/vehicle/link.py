"""The MAVLink link: two threads, every frame logged, nobody blocked.

The reader thread splits bytes into frames, logs them and hands them to subscribers. The writer thread sends
what was queued, and by itself a TIMESYNC every half second (it measures the round trip, keeps routers' tables alive,
and unlike a heartbeat does not count as a ground station) and, only while ``in_control`` is set, our HEARTBEAT.
A heartbeat from system 255 holds off ArduSub's ground station failsafe, so hullscan must not send one when it
is not really in control: it would hide that the operator's station was lost.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from hullscan.clock import Clock, real_seconds
from hullscan.errors import LinkError
from hullscan.vehicle.address import Address
from hullscan.vehicle.codec import Codec
from hullscan.vehicle.framing import StreamParser
from hullscan.vehicle.messages import Frame, Heartbeat, Message, Source, TimeSync
from hullscan.vehicle.sources import GROUND_STATION
from hullscan.vehicle.tlog_writer import TlogWriter
from hullscan.vehicle.transport import Peer, Transport, open_transport

__all__ = ["OWN", "MavlinkLink", "Subscriber"]

OWN = Source(255, 25)
"""We are ground station 255, which ArduSub listens to (SYSID_MYGCS), with a component of our own
(MAV_COMP_ID_USER1), so that routers and logs can tell us from the operator's QGroundControl (255, 190)."""

Subscriber = Callable[[Frame, float], None]
"""Gets each frame and its time of reception, in the reader thread; has to be quick."""

HEARTBEAT_S = 1.0
"""ArduSub's ground station failsafe acts after 2.5 s without one (ardusub.md 2.6)."""
_HEARTBEAT = Heartbeat(GROUND_STATION, 8, 0, 0, 4)  # no autopilot, active
_TIMESYNC_S = 0.5  # of real or of mission time, whichever passes first
_POLL_S = 0.02  # real time
_READ_S = 0.05
_MAX_QUEUE = 1_000  # orders; the fastest stream of ours is 10 a second
_MAX_PEERS = 16

_log = logging.getLogger(__name__)


class MavlinkLink:
    """One open link.

    Args:
        address: where to listen or connect.
        clock: the mission clock, for stamps and for the rate of heartbeats.
        log: the ``.tlog`` to append to; None keeps no log.
        own: our system and component.
        signing_key: 32 bytes of MAVLink 2 signing.

    Attributes:
        in_control: whether our heartbeat is sent.
        dropped_orders: messages of ours that could not be sent.
        round_trip_s: shortest measured round trip to the vehicle in real time; infinite before the first.
        vehicle: whose answers to TIMESYNC count, None for anybody's; other components answer them from nearer.
    """

    def __init__(
        self,
        address: Address,
        clock: Clock,
        *,
        log: Path | None = None,
        own: Source = OWN,
        signing_key: bytes | None = None,
    ) -> None:
        self.address = address
        self.own = own
        self._clock = clock
        self._codec = Codec(own, signing_key=signing_key, utc_s=clock.now())
        self._parsers: OrderedDict[Peer, StreamParser] = OrderedDict()
        self._routes: dict[Source, Peer] = {}
        self._unproven: Peer | None = None
        self._subscribers: tuple[Subscriber, ...] = ()
        self._queue: queue.Queue[tuple[Message, Source | None]] = queue.Queue(_MAX_QUEUE)
        self._stop = threading.Event()
        self._died = ""
        self._past_bad = [0, 0]
        self._asked_at_s: dict[int, float] = {}
        self._question = 0
        self._heartbeats_at_utc_s = float("-inf")
        self._asked_at_utc_s = self._answered_utc_s = float("-inf")
        self.in_control = False
        self.dropped_orders = 0
        self.round_trip_s = float("inf")
        self.vehicle: Source | None = None
        self._writer: TlogWriter | None = TlogWriter(log) if log else None
        try:
            self.transport: Transport = open_transport(address)
        except LinkError:
            if self._writer:
                self._writer.close()
            raise
        self._threads = [
            threading.Thread(target=self._live, args=(self._read,), name="mavlink reader", daemon=True),
            threading.Thread(target=self._live, args=(self._write,), name="mavlink writer", daemon=True),
        ]

    def open(self) -> None:
        """Start listening; subscribe first to miss nothing."""
        for thread in self._threads:
            thread.start()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Hand every further frame to ``subscriber``."""
        self._subscribers = (*self._subscribers, subscriber)

    def send(self, message: Message, *, to: Source | None = None) -> None:
        """Queue a message; never blocks. ``to`` picks the route, None goes to everybody heard."""
        try:
            self._queue.put_nowait((message, to))
        except queue.Full:
            self.dropped_orders += 1

    def check(self) -> None:
        """Ask whether the link and its log are intact.

        Raises:
            LinkError: one of the link's threads has ended by itself.
            RecordError: the disk refused the log.
        """
        if self._died:
            raise LinkError(f"the {self._died} stopped by itself", where=str(self.address), todo="report this")
        if self._writer:
            self._writer.check()

    def close(self) -> None:
        """Stop both threads, close the line and the log.

        Raises:
            RecordError: part of the log did not reach the disk.
        """
        self.in_control = False
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self.transport.close()
        if self._writer:
            self._writer.close()

    @property
    def unanswered_s(self) -> float:
        """Since the vehicle last answered us: for how long it may not have heard us. 0 before its first answer."""
        return self._clock.now() - self._answered_utc_s if self._answered_utc_s > float("-inf") else 0.0

    @property
    def signed(self) -> bool:
        """Whether every frame has to bear the signature of a key."""
        return self._codec.signing is not None

    @property
    def refused(self) -> dict[str, int]:
        """Intact frames that were not taken for their signature, by reason; empty without a key."""
        return dict(self._codec.signing.refused) if self._codec.signing is not None else {}

    @property
    def bad_runs(self) -> int:
        """Stretches of bytes that were no MAVLink."""
        return self._past_bad[0] + sum(parser.bad_runs for parser in list(self._parsers.values()))

    @property
    def skipped_bytes(self) -> int:
        """Bytes in them."""
        return self._past_bad[1] + sum(parser.skipped_bytes for parser in list(self._parsers.values()))

    def _live(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            if not self._stop.is_set():
                self._died = threading.current_thread().name

    # -- reader thread -------------------------------------------------------------------------------------

    def _read(self) -> None:
        while not self._stop.is_set():
            for peer, data in self.transport.read(_READ_S):
                self._unproven = peer
                for frame in self._parser(peer).feed(data):
                    self._receive(frame, peer)

    def _parser(self, peer: Peer) -> StreamParser:
        parser = self._parsers.get(peer)
        if parser is None:
            parser = self._parsers[peer] = StreamParser(self._codec)
            while len(self._parsers) > _MAX_PEERS:  # anybody can send to an open UDP port
                gone, old = self._parsers.popitem(last=False)
                self._past_bad[0] += old.bad_runs
                self._past_bad[1] += old.skipped_bytes
                self._routes = {source: place for source, place in self._routes.items() if place != gone}
        self._parsers.move_to_end(peer)
        return parser

    def _receive(self, frame: Frame, peer: Peer) -> None:
        now_s = self._clock.now()
        self._routes[frame.source] = peer
        if self._writer:
            self._writer.write(now_s, frame.raw)
        if isinstance(frame.message, TimeSync) and self.vehicle in (None, frame.source):
            self._answered(frame.message)
        for subscriber in self._subscribers:
            subscriber(frame, now_s)

    def _answered(self, sync: TimeSync) -> None:
        if sync.tc1_ns and 0 < sync.ts1_ns <= self._question:  # one of ours, however late
            self._answered_utc_s = self._clock.now()
        asked_at_s = self._asked_at_s.pop(sync.ts1_ns, None) if sync.tc1_ns else None
        if asked_at_s is not None:
            self.round_trip_s = min(self.round_trip_s, real_seconds() - asked_at_s)

    # -- writer thread -------------------------------------------------------------------------------------

    def _write(self) -> None:
        asked_at_s = float("-inf")
        while not self._stop.is_set():
            try:
                message, to = self._queue.get(timeout=_POLL_S)
                self._transmit(message, to)
            except queue.Empty:
                pass
            self._beat()
            passed_s = max(real_seconds() - asked_at_s, abs(self._clock.now() - self._asked_at_utc_s))
            if passed_s >= _TIMESYNC_S:
                asked_at_s, self._asked_at_utc_s = real_seconds(), self._clock.now()
                self._ask_time(asked_at_s)
        while not self._queue.empty():  # a last order, such as disarming, is not lost by closing
            self._transmit(*self._queue.get_nowait())

    def _beat(self) -> None:
        now_s = self._clock.now()
        if self.in_control and abs(now_s - self._heartbeats_at_utc_s) >= HEARTBEAT_S:
            self._heartbeats_at_utc_s = now_s
            self._transmit(_HEARTBEAT, None)

    def _ask_time(self, now_s: float) -> None:
        self._question += 1
        self._asked_at_s = {self._question: now_s}
        self._transmit(TimeSync(0, self._question), None)

    def _transmit(self, message: Message, to: Source | None) -> None:
        peers = self._peers(to)
        raw = self._codec.encode(message)
        sent = [self.transport.write(raw, peer) for peer in peers]
        if any(sent):
            if self._writer:
                self._writer.write(self._clock.now(), raw)
        elif not isinstance(message, Heartbeat | TimeSync):
            self.dropped_orders += 1
            _log.debug("nobody to send %s to", type(message).__name__)

    def _peers(self, to: Source | None) -> tuple[Peer, ...]:
        if to is not None and (route := self._routes.get(to)) is not None:
            return (route,)
        known = dict.fromkeys((*self.transport.peers, *self._routes.values()))
        # a vehicle whose clock lies behind is not believed until it has heard a signed frame of ours
        return tuple(known) or (() if self._unproven is None else (self._unproven,))
