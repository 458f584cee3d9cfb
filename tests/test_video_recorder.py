"""The recorder: everything that came is in the file, whatever happens to the program."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import av
import pytest
from video_streams import RtpSender, coded, decoded, lossy, number_in

from hullscan.errors import RecordError, VideoError
from hullscan.video.files import VideoFile, creation_utc
from hullscan.video.h264 import AccessUnit
from hullscan.video.index import index_path, load_index
from hullscan.video.recorded import RecordedVideo
from hullscan.video.recorder import Recorder
from hullscan.video.rtp import Depacketiser

UTC_S = 1_700_000_000.0
UNITS = coded(60)


def access_units(sent=UNITS, *, loss: float = 0.0, **options) -> list[AccessUnit]:
    sender, depacketiser = RtpSender(**options), Depacketiser()
    datagrams = [datagram for unit in sent for datagram in sender.datagrams(unit)]
    units = [unit for datagram in lossy(datagrams, loss=loss) for unit in depacketiser.push(datagram, UTC_S)]
    return units + depacketiser.flush()


def record(folder: Path, units, **options) -> Recorder:
    with Recorder(folder, **options) as recorder:
        for unit in units:
            recorder.put(unit, UTC_S + (unit.ticks90k - units[0].ticks90k) / 90_000)
    return recorder


def pictures(path: Path):
    with VideoFile(path) as video:
        while (frame := video.read()) is not None:
            yield frame


def test_a_recording_holds_every_picture_bit_for_bit_with_its_time(tmp_path):
    recorder = record(tmp_path / "video", access_units())
    assert (recorder.recorded, recorder.unrecorded) == (60, 0)
    assert recorder.segments == [tmp_path / "video" / "000.mkv"]
    truth = decoded(UNITS)
    frames = list(pictures(recorder.segments[0]))
    assert [frame.index for frame in frames] == list(range(60))
    for frame in frames:
        assert (frame.image_bgr == truth[frame.index]).all()
        assert frame.stream_s == pytest.approx(frame.index / 30, abs=0.00051)
        assert frame.utc_s == pytest.approx(UTC_S + frame.index / 30, abs=1e-6)
        assert not frame.suspect
    assert creation_utc(recorder.segments[0]) == pytest.approx(UTC_S, abs=0.001)


def test_the_index_names_every_recorded_unit(tmp_path):
    units = access_units(loss=0.01, offset=2**32 - 90_000)
    recorder = record(tmp_path, units)
    lines = [json.loads(line) for line in (tmp_path / "000.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [
        ["n", "pts_ms", "rtp90k", "utc_s", "key", "lost", "suspect", "sha256"]
    ] * len(units)
    assert [line["n"] for line in lines] == list(range(len(units)))
    assert [line["rtp90k"] for line in lines] == [unit.rtp90k for unit in units]
    assert [line["suspect"] for line in lines] == [unit.suspect for unit in units]
    assert sum(line["lost"] for line in lines) == sum(unit.lost for unit in units) > 0
    assert any(line["suspect"] for line in lines)
    with av.open(str(recorder.segments[0])) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert stamps == [line["pts_ms"] for line in lines]


def test_files_change_at_a_key_picture_and_none_is_lost(tmp_path):
    recorder = record(tmp_path, access_units(), segment_s=0.8)
    assert [path.name for path in recorder.segments] == ["000.mkv", "001.mkv"]
    assert [load_index(path).entries[0].key for path in recorder.segments] == [True, True]
    assert [len(load_index(path).entries) for path in recorder.segments] == [30, 30]
    with RecordedVideo(tmp_path) as video:
        frames = [video.read() for _ in range(60)]
        assert video.read() is None
        assert video.ended
        assert video.stats().decoded == 60
    assert [number_in(frame.image_bgr) for frame in frames] == [frame.index for frame in frames] == list(range(60))
    assert [frame.stream_s for frame in frames] == pytest.approx([number / 30 for number in range(60)], abs=0.001)


def test_a_file_does_not_end_at_a_damaged_key_picture(tmp_path):
    units = access_units(coded(90))
    units[45] = replace(units[45], damaged=True, suspect=True)
    recorder = record(tmp_path, units, segment_s=1.4)
    assert [len(load_index(path).entries) for path in recorder.segments] == [60, 30]


def test_another_picture_size_begins_another_file(tmp_path):
    smaller = access_units(coded(15, width=256, height=128), ssrc=2)
    recorder = record(tmp_path, [*access_units(), *[replace(u, ticks90k=u.ticks90k + 180_000) for u in smaller]])
    shapes = [{frame.image_bgr.shape for frame in pictures(path)} for path in recorder.segments]
    assert shapes == [{(180, 320, 3)}, {(128, 256, 3)}]


def test_a_resumed_recording_overwrites_nothing(tmp_path):
    record(tmp_path, access_units())
    (tmp_path / "007.mkv").touch()
    before = (tmp_path / "000.mkv").read_bytes()
    assert record(tmp_path, access_units()).segments == [tmp_path / "008.mkv"]
    assert (tmp_path / "000.mkv").read_bytes() == before


def test_what_comes_before_the_first_key_picture_is_counted_as_not_recorded(tmp_path):
    recorder = record(tmp_path, access_units()[10:])
    assert (recorder.recorded, recorder.unrecorded) == (45, 5)


def test_pictures_at_one_time_or_out_of_order_are_recorded_all_the_same(tmp_path):
    units = access_units()
    for at, ticks in ((20, units[19].ticks90k), (30, units[28].ticks90k), (31, units[29].ticks90k + 10)):
        units[at] = replace(units[at], ticks90k=ticks)
    recorder = record(tmp_path, units)
    entries = load_index(recorder.segments[0]).entries
    assert recorder.recorded == len(list(pictures(recorder.segments[0]))) == 60
    assert all(later.pts_ms > earlier.pts_ms for earlier, later in itertools.pairwise(entries))


def test_headers_that_make_no_sense_cost_a_count_and_then_an_error_but_no_thread(tmp_path):
    good = access_units()
    bad = [replace(unit, data=b"\0\0\0\1\x67\xff\0\0\0\1\x65\xff", headers=b"\0\0\0\1\x67\xff") for unit in good]
    recorder = Recorder(tmp_path)
    for unit in (bad[0], *good):
        recorder.put(unit, UTC_S)
    recorder.close()
    assert (recorder.recorded, recorder.unrecorded) == (60, 1)
    recorder = Recorder(tmp_path)
    for _ in range(20):
        recorder.put(bad[0], UTC_S)
    with pytest.raises(RecordError, match="cannot be put into a file"):
        recorder.close()


def test_closing_twice_is_once_and_what_comes_later_is_counted(tmp_path):
    recorder = Recorder(tmp_path)
    units = access_units()
    for unit in units:
        recorder.put(unit, UTC_S)
    recorder.close()
    content = (tmp_path / "000.mkv").read_bytes()
    recorder.close()
    recorder.put(units[0], UTC_S)
    assert recorder.unrecorded == 1
    assert (tmp_path / "000.mkv").read_bytes() == content
    assert not [thread for thread in threading.enumerate() if thread.name in ("video-recorder", "video-sync")]


def test_a_recorder_that_got_nothing_leaves_no_file(tmp_path):
    Recorder(tmp_path / "video").close()
    assert list((tmp_path / "video").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path):
    (tmp_path / "video").write_text("a file")
    with pytest.raises(RecordError, match="folder for the video cannot be made"):
        Recorder(tmp_path / "video")


def test_a_file_in_the_way_ends_the_recording_with_an_error_told_once(tmp_path):
    recorder = Recorder(tmp_path)
    (tmp_path / "000.jsonl").mkdir()
    for unit in access_units():
        recorder.put(unit, UTC_S)
    with pytest.raises(RecordError, match=r"cannot be written.*000\.jsonl"):
        recorder.close()
    recorder.close()
    recorder.check()
    assert recorder.error is not None
    assert recorder.unrecorded == 60


CHILD = """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_video_recorder import UTC_S, access_units, record
    from hullscan.errors import RecordError
    from hullscan.video.recorder import Recorder
"""


def child(code: str, folder: Path, **options) -> subprocess.Popen[str]:
    program = textwrap.dedent(CHILD) + textwrap.dedent(code)
    command = [sys.executable, "-c", program, str(folder), str(Path(__file__).parent)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes, which Windows has not")
def test_a_full_disk_ends_in_an_error_for_the_owner_and_leaves_a_readable_file(tmp_path):
    process = child(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        recorder = Recorder(Path(sys.argv[1]))
        for unit in access_units():
            recorder.put(unit, UTC_S)
        try:
            recorder.close()
        except RecordError as error:
            print(error, "|", recorder.recorded, recorder.unrecorded)
        """,
        tmp_path,
    )
    out, err = process.communicate(timeout=60)
    assert err == ""
    message, counts = out.rsplit("|", 1)
    assert message.startswith("the video cannot be written: File too large")
    recorded, unrecorded = map(int, counts.split())
    assert 0 < recorded < 60 == recorded + unrecorded
    frames = list(pictures(tmp_path / "000.mkv"))
    assert [number_in(frame.image_bgr) for frame in frames] == list(range(len(frames)))
    assert len(frames) >= recorded - 4


@pytest.mark.parametrize("run_s", [0.8, 1.53], ids=lambda run_s: f"killed after {run_s} s")
def test_kill_9_loses_less_than_the_last_second(tmp_path, run_s):
    process = child(
        """
        import time
        units = access_units()
        recorder = Recorder(Path(sys.argv[1]))
        print("ready", flush=True)
        begin = time.monotonic()
        for unit in units * 10:
            recorder.put(unit, UTC_S)
            print(".", end="", flush=True)
            time.sleep(1 / 30)
        """,
        tmp_path,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(run_s)
    os.kill(process.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    put = process.communicate(timeout=30)[0].count(".")
    with VideoFile(tmp_path / "000.mkv") as video:
        frames = []
        while (frame := video.read()) is not None:
            frames.append(frame)
        assert video.duration_s is None
        later = video.frame_at(frames[-1].stream_s)
    assert put >= 10
    assert put - 10 <= len(frames) <= put + 1, "more than a third of a second is gone"
    assert [number_in(frame.image_bgr) for frame in frames] == list(range(len(frames)))
    assert (later.image_bgr == frames[-1].image_bgr).all()
    assert put - 2 <= len(load_index(tmp_path / "000.mkv").entries)


def test_the_torn_last_line_of_an_index_is_left_out(tmp_path):
    (path,) = record(tmp_path, access_units()).segments
    content = index_path(path).read_bytes()
    index_path(path).write_bytes(content[:-40])
    index = load_index(path)
    assert (len(index.entries), index.torn) == (59, 1)
    frames = list(pictures(path))
    assert [frame.suspect for frame in frames] == [False] * 59 + [True], "nobody knows what was lost there"
    assert frames[-1].utc_s == pytest.approx(UTC_S + 59 / 30, abs=0.002)
    index_path(path).write_bytes(content[:-40] + bytes(4096))
    assert (len(load_index(path).entries), load_index(path).torn) == (59, 1)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="an empty line"),
        pytest.param("{", id="a torn line"),
        pytest.param("[1]", id="no object"),
        pytest.param('{"n": 3}', id="a line without time"),
        pytest.param(
            '{"n":3,"pts_ms":true,"rtp90k":0,"utc_s":1.0,"key":false,"lost":0,"suspect":false}', id="a wrong kind"
        ),
        pytest.param('{"n":3,"pts_ms":5,"rtp90k":0,"utc_s":NaN,"key":false,"lost":0,"suspect":false}', id="no number"),
        pytest.param("[" * 100_000, id="brackets without end"),
    ],
)
@pytest.mark.parametrize("at", [0, 3], ids=["first", "in the middle"])
def test_a_bad_line_within_an_index_is_named(tmp_path, line, at):
    (path,) = record(tmp_path, access_units()).segments
    lines = index_path(path).read_text().splitlines()
    lines[at] = line
    index_path(path).write_text("\n".join(lines) + "\n")
    with pytest.raises(VideoError, match=rf"000\.jsonl:{at + 1}\)"):
        VideoFile(path)


def test_something_else_under_the_name_of_an_index_is_none(tmp_path):
    (path,) = record(tmp_path, access_units()).segments
    index_path(path).write_text('{"caption": "a fish"}\n')
    assert load_index(path) is None
    index_path(path).unlink()
    assert load_index(path) is None
