"""The live stream over a real socket: newest picture for the reader, every picture for the recorder."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from video_streams import HEIGHT, WIDTH, RtpSender, coded, decoded, lossy, number_in, picture, send, wait_until

from hullscan.clock import ClockMap, SimulatedClock, SystemClock
from hullscan.errors import RecordError, VideoError
from hullscan.video.decoder import LiveDecoder
from hullscan.video.files import VideoFile
from hullscan.video.index import load_index
from hullscan.video.recorder import Recorder
from hullscan.video.rtp import Depacketiser
from hullscan.video.stream import RtpStream, StreamState

UNITS = coded(60)


def open_stream(**options) -> RtpStream:
    options = {"clock": SystemClock(), "clock_map": ClockMap(), "host": "127.0.0.1"} | options
    return RtpStream(0, **options)


def datagrams_of(units=UNITS, **options) -> list[bytes]:
    sender = RtpSender(**options)
    return [datagram for unit in units for datagram in sender.datagrams(unit)]


def test_pictures_come_as_they_are_sent():
    truth, sender = decoded(UNITS), RtpSender()
    with open_stream() as video:
        assert video.read(0.01) is None
        for sent in UNITS:
            send(video.port, sender.datagrams(sent))
            frame = video.read(2.0)
            assert frame is not None
            assert frame.index == sent.number
            assert (frame.image_bgr == truth[sent.number]).all()
            assert not frame.suspect
        assert video.read(0.01) is None, "a picture is given once"
        stats = video.stats()
        assert (stats.access_units, stats.decoded, stats.replaced) == (60, 60, 0)
        assert stats.last_frame_utc_s == frame.utc_s
        assert not video.ended
    assert video.ended
    assert video.read(0.01) is None


def test_time_is_when_the_camera_took_the_picture_not_when_it_came():
    clock = SimulatedClock(5_000.0)
    clock_map, sender = ClockMap(latency_s=0.05), RtpSender(offset=1_000_000_000)
    times = []
    with open_stream(clock=clock, clock_map=clock_map) as video:
        for sent, delay_s in zip(UNITS[:10], [0.0, 0.02, 0.3, 0.01] * 3, strict=False):
            clock.sleep(5_000.0 + sent.ticks / 90_000 + delay_s - clock.now())
            send(video.port, sender.datagrams(sent))
            frame = video.read(2.0)
            assert frame is not None
            times.append(frame.utc_s)
    # The late ones do not matter: the map knows the pace of the camera from the fastest.
    assert times == pytest.approx([5_000.0 - 0.05 + sent.ticks / 90_000 for sent in UNITS[:10]], abs=1e-6)


@pytest.mark.parametrize("reading", ["never", "slowly"])
def test_a_slow_reader_costs_decoded_pictures_only(tmp_path, reading):
    units = coded(120)
    with Recorder(tmp_path) as recorder, open_stream(recorder=recorder) as video:
        sending = threading.Thread(target=send, args=(video.port, datagrams_of(units)))
        sending.start()
        seen = []
        while reading == "slowly" and sending.is_alive():
            frame = video.read(0.1)
            seen += [frame.index] if frame else []
            time.sleep(0.05)
        sending.join()
        wait_until(lambda: video.stats().decoded == 120)
        last = video.read(1.0)
    stats = video.stats()
    assert stats.lost_packets == 0
    assert stats.access_units == stats.recorded == recorder.recorded == 120
    assert stats.decode_errors == stats.skipped == stats.unrecorded == 0
    assert stats.replaced == 120 - len(seen) - 1
    assert stats.replaced > 20
    assert last.index == 119, "the newest wins"
    assert seen == sorted(set(seen))
    with VideoFile(recorder.segments[0]) as file:
        assert [number_in(file.read().image_bgr) for _ in range(120)] == list(range(120))


def test_live_and_recorded_pictures_agree_about_time_and_suspicion(tmp_path):
    live, sender = {}, RtpSender(mtu=400)
    with Recorder(tmp_path) as recorder, open_stream(recorder=recorder) as video:
        for sent in UNITS:
            send(video.port, lossy(sender.datagrams(sent), loss=0.005, seed=sent.number))
            frame = video.read(0.1)
            live |= {frame.index: frame} if frame else {}
    assert video.stats().suspect > 5
    assert len(live) > 30
    with VideoFile(recorder.segments[0]) as file:
        while (frame := file.read()) is not None:
            twin = live.get(frame.index)
            if twin is not None:
                assert frame.utc_s == pytest.approx(twin.utc_s, abs=1e-6)
                assert frame.suspect == twin.suspect
                assert (frame.image_bgr == twin.image_bgr).all() or frame.suspect


def test_no_recorded_picture_outside_the_suspect_ones_is_damaged(tmp_path):
    units = coded(120, gop=15, kbps=900)
    truth = decoded(units)
    with Recorder(tmp_path) as recorder, open_stream(recorder=recorder) as video:
        send(video.port, lossy(datagrams_of(units, mtu=400, offset=90_000), loss=0.01))
        wait_until(lambda: video.stats().packets > 0 and video.silent_s > 0.2)
    numbers = {unit.ticks + 90_000: unit.number for unit in units}
    entries = {entry.n: entry for entry in load_index(recorder.segments[0]).entries}
    damaged = suspect = 0
    with VideoFile(recorder.segments[0]) as file:
        while (frame := file.read()) is not None:
            wrong = not (frame.image_bgr == truth[numbers[entries[frame.index].rtp90k]]).all()
            assert frame.suspect or not wrong
            damaged += wrong
            suspect += frame.suspect
    assert 20 < damaged <= suspect < 120


def test_the_port_that_is_taken_is_said_in_one_line():
    with open_stream() as video, pytest.raises(VideoError) as told:
        RtpStream(video.port, clock=SystemClock(), clock_map=ClockMap(), host="127.0.0.1")
    assert str(told.value) == (
        f"the video port is taken by another program (UDP 127.0.0.1:{video.port}); "
        "close the program that shows the camera (Cockpit, QGroundControl) or choose another port"
    )


@pytest.mark.parametrize(
    ("host", "port"),
    [
        pytest.param("192.0.2.1", 0, id="an address of another computer"),
        pytest.param("no.such.host.invalid", 0, id="a name that nobody has"),
        pytest.param("127.0.0.1", 70_000, id="a port above 65535"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_in_one_line(host, port):
    with pytest.raises(VideoError, match="the video port cannot be used") as told:
        RtpStream(port, clock=SystemClock(), clock_map=ClockMap(), host=host)
    assert "\n" not in str(told.value)


def test_it_takes_one_port_and_the_next_camera_has_the_next():
    with open_stream() as first:
        for port in (first.port + 1, first.port - 1):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                try:
                    other.bind(("127.0.0.1", port))
                except OSError:  # somebody else on this computer has it: try the other side
                    continue
                return
    pytest.fail("both neighbours are taken")


def test_it_says_what_it_waits_for():
    clock = SimulatedClock()
    bare = [replace(unit, nals=tuple(nal for nal in unit.nals if nal[0] & 31 not in (7, 8))) for unit in UNITS]
    sender = RtpSender()
    with open_stream(clock=clock) as video:
        assert video.state is StreamState.NOTHING_RECEIVED
        clock.sleep(2.5)
        assert video.silent_s == 2.5
        for unit in bare[:20]:
            send(video.port, sender.datagrams(unit))
        wait_until(lambda: video.stats().access_units == 20)
        assert video.state is StreamState.WAITING_FOR_PARAMETER_SETS
        assert video.silent_s == 0.0
        sets = replace(UNITS[15], nals=UNITS[15].nals[:2], ticks=bare[20].ticks)
        send(video.port, sender.datagrams(sets, marker=False))
        send(video.port, sender.datagrams(bare[20]))
        wait_until(lambda: video.stats().access_units == 21)
        assert video.state is StreamState.WAITING_FOR_KEY_FRAME
        assert video.stats().decode_errors == 0, "what cannot be decoded is not tried"
        for unit in bare[21:40]:
            send(video.port, sender.datagrams(unit))
        assert video.read(2.0) is not None
        assert video.state is StreamState.RUNNING
        clock.sleep(1.5)
        assert video.state is StreamState.SILENT
        assert not video.ended


def test_remembered_parameter_sets_bring_the_picture_at_the_first_key_picture(tmp_path):
    cache = tmp_path / "cameras" / "0.h264"
    with open_stream(headers_path=cache) as video:
        send(video.port, datagrams_of(UNITS[:3]))
        assert video.read(2.0) is not None
    assert cache.is_file()
    bare = [replace(unit, nals=tuple(nal for nal in unit.nals if nal[0] & 31 not in (7, 8))) for unit in UNITS]
    with open_stream(headers_path=cache) as video:
        send(video.port, datagrams_of(bare[10:20]))
        wait_until(lambda: video.stats().decoded == 5)
        frame = video.read(1.0)
        assert frame.suspect, "the camera itself has not confirmed them yet"
        assert (frame.image_bgr == decoded(UNITS)[19]).all()


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\0\0\0\1\x67\0\0\0\1\x68", bytes(10_000)])
def test_rubbish_in_the_cache_does_no_harm(tmp_path, content):
    cache = tmp_path / "camera.h264"
    cache.write_bytes(content)
    with open_stream(headers_path=cache) as video:
        send(video.port, datagrams_of(UNITS[:3]))
        wait_until(lambda: video.stats().decoded == 3)
        assert not video.read(1.0).suspect
    assert cache.read_bytes() == UNITS[0].annexb[: len(cache.read_bytes())]


def test_a_recording_that_fails_is_told_to_the_reader_once_and_the_picture_goes_on(tmp_path):
    (tmp_path / "000.jsonl").mkdir()
    recorder = Recorder(tmp_path)
    (tmp_path / "001.mkv").mkdir()
    with open_stream(recorder=recorder) as video:
        send(video.port, datagrams_of(UNITS[:30]))
        wait_until(lambda: video.stats().decoded == 30 and recorder.error is not None)
        with pytest.raises(RecordError, match="cannot be written"):
            video.read(1.0)
        assert number_in(video.read(1.0).image_bgr) == 29
        assert video.stats().unrecorded == 30
    recorder.close()


def test_rubbish_on_the_port_is_counted_and_the_stream_goes_on():
    clean = datagrams_of()
    with open_stream() as video:
        send(video.port, itertools.chain.from_iterable((datagram, b"rubbish", b"") for datagram in clean))
        # the last rubbish comes after the last picture
        wait_until(lambda: (video.stats().decoded, video.stats().malformed) == (60, 2 * len(clean)))
        stats = video.stats()
    assert (stats.packets, stats.lost_packets, stats.suspect) == (len(clean), 0, 0)


def test_it_understands_what_ffmpeg_sends():
    """An independent sender: the RTP muxer of FFmpeg."""
    with open_stream() as video:
        url = f"rtp://127.0.0.1:{video.port}?pkt_size=1200"
        with av.open(url, "w", format="rtp", options={"payload_type": "96"}) as output:
            stream = output.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.time_base = Fraction(1, 90_000)
            stream.options = {
                "preset": "ultrafast",
                "tune": "zerolatency",
                "g": "15",
                "x264-params": "repeat-headers=1",
            }
            for number in range(45):
                frame = av.VideoFrame.from_ndarray(picture(number), format="bgr24")
                frame.pts, frame.time_base = number * 3000, Fraction(1, 90_000)
                output.mux(stream.encode(frame))
                got = video.read(2.0)
                assert got is not None
                assert number_in(got.image_bgr) == number
        stats = video.stats()
    assert (stats.decoded, stats.lost_packets, stats.malformed, stats.suspect) == (45, 0, 0, 0)


def test_closing_ends_every_thread_and_frees_the_port(tmp_path: Path):
    before = threading.active_count()
    for _ in range(3):
        video = open_stream()
        video.close()
        video.close()
        RtpStream(video.port, clock=SystemClock(), clock_map=ClockMap(), host="127.0.0.1").close()
    assert threading.active_count() == before


def test_a_reader_that_waits_is_let_go_when_another_thread_closes():
    video = open_stream()
    closing = threading.Timer(0.1, video.close)
    closing.start()
    begin = time.monotonic()
    assert video.read(10.0) is None
    assert time.monotonic() - begin < 5.0
    assert video.ended
    closing.join()


def test_a_decoder_that_falls_far_behind_skips_to_a_key_picture_without_damage():
    truth, units = decoded(UNITS), []
    depacketiser = Depacketiser()
    for datagram in datagrams_of():
        units += depacketiser.push(datagram, 0.0)
    decoder = LiveDecoder()
    shown = []
    for number in range(600):
        decoder.put(units[number % 60], 0.0, number)
    assert decoder.skipped > 100
    for number in range(600, 720):
        frame = decoder.take(0.2)
        shown += [frame] if frame else []
        decoder.put(units[number % 60], 0.0, number)
    wait_until(lambda: decoder.decoded + decoder.skipped == 720)
    frame = decoder.take(1.0)
    decoder.close()
    assert [*shown, frame][-1].index == 719
    assert decoder.errors == decoder.suspect == 0
    assert all((frame.image_bgr == truth[frame.index % 60]).all() for frame in [*shown, frame])
