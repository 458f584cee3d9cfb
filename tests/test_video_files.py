"""Files: exact times, exact seeking, and one line for whatever cannot be read."""

from __future__ import annotations

import itertools
import random
import shutil
import socket
from pathlib import Path

import av
import pytest
from test_video_recorder import UTC_S, access_units, record
from video_streams import coded, decoded, number_in, picture, write_file

from hullscan.errors import RecordError, VideoError
from hullscan.video.clip import cut_clip
from hullscan.video.files import VideoFile, creation_utc
from hullscan.video.index import index_path, load_index
from hullscan.video.recorded import RecordedVideo
from hullscan.video.recorder import Recorder


def uneven_times(count: int) -> list[float]:
    """A variable frame rate as packet loss makes it: single pictures and whole stretches missing."""
    dice = random.Random(5)
    times, now = [], 0.0
    for _ in range(count):
        times.append(round(now, 3))
        now += dice.choice([1, 1, 1, 2, 3, 20]) / 30
    return times


TIMES = uneven_times(80)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("mp4", 0, 0.0), id="MP4"),
        pytest.param(("mp4", 3, 0.0), id="MP4 with reordered pictures"),
        pytest.param(("mkv", 0, 0.0), id="MKV"),
        pytest.param(("mkv", 3, 0.0), id="MKV with reordered pictures"),
        pytest.param(("mkv", 0, 1.4), id="MKV that begins at 1.4 s"),
        pytest.param(("mov", 0, 0.0), id="MOV"),
        pytest.param(("ts", 0, 0.0), id="MPEG-TS"),
    ],
)
def uneven(request, folder) -> tuple[Path, float, float]:
    """A file with a variable frame rate, the time of its first picture, and its tick."""
    kind, b_pictures, begin_s = request.param
    path = folder / f"uneven{b_pictures}-{begin_s}.{kind}"
    write_file(path, [begin_s + time_s for time_s in TIMES], b_pictures=b_pictures)
    return path, begin_s, 0.00051 if kind == "mkv" else 0.00002


def test_pictures_come_in_order_with_exact_times(uneven):
    path, begin_s, tick_s = uneven
    with VideoFile(path, start_utc_s=1000.0) as video:
        frames = list(iter(video.read, None))
        assert video.ended
        assert video.read() is None
        assert video.stats().decoded == 80
        assert video.stats().decode_errors == 0
    assert [number_in(frame.image_bgr) for frame in frames] == list(range(80))
    assert [frame.index for frame in frames] == list(range(80))
    assert [frame.stream_s for frame in frames] == pytest.approx([begin_s + time_s for time_s in TIMES], abs=tick_s)
    assert all(frame.utc_s == 1000.0 + frame.stream_s for frame in frames)


def test_seeking_finds_every_picture_by_its_time(uneven):
    path, begin_s, _ = uneven
    dice = random.Random(1)
    with VideoFile(path) as video:
        for number in [0, 79, *dice.sample(range(80), 25)]:
            assert number_in(video.frame_at(begin_s + TIMES[number]).image_bgr) == number
        assert number_in(video.read().image_bgr) == 0, "seeking does not disturb reading"


def test_between_two_pictures_seeking_finds_the_later_one(folder):
    write_file(folder / "three.mp4", [0.0, 1.0, 3.0])
    with VideoFile(folder / "three.mp4") as video:
        assert [number_in(video.frame_at(at_s).image_bgr) for at_s in (-5.0, 0.0004, 0.002, 1.5, 3.0)] == [
            0,
            0,
            1,
            2,
            2,
        ]
        with pytest.raises(VideoError, match=r"no picture at 3\.100 s .*before its end, 3\.000 s"):
            video.frame_at(3.1)
        assert number_in(video.frame_at(1.0).image_bgr) == 1, "an error does not end the use of the file"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"frame_stride": 3}, list(range(0, 80, 3)), id="each third picture"),
        pytest.param(
            {"every_s": 0.5},
            [
                next(number for number in group)
                for _, group in itertools.groupby(range(80), key=lambda number: int(TIMES[number] / 0.5 + 0.001))
            ],
            id="the first picture of each half second",
        ),
    ],
)
def test_some_of_the_pictures(folder, options, expected):
    write_file(folder / "some.mp4", TIMES)
    with VideoFile(folder / "some.mp4", **options) as video:
        frames = list(iter(video.read, None))
    assert [number_in(frame.image_bgr) for frame in frames] == [frame.index for frame in frames] == expected


@pytest.mark.parametrize("options", [{"frame_stride": 0}, {"every_s": 0.0}])
def test_no_stride_is_a_fault_of_the_program(folder, options):
    with pytest.raises(ValueError, match="positive"):
        VideoFile(folder / "x.mp4", **options)


@pytest.fixture(scope="module")
def whole(folder) -> Path:
    """Two seconds at 30 Hz, its table of contents in front."""
    path = folder / "whole.mp4"
    write_file(path, [number / 30 for number in range(90)], muxer={"movflags": "+faststart"})
    write_file(path.with_suffix(".mkv"), [number / 30 for number in range(90)])
    write_file(folder / "plain.mp4", [number / 30 for number in range(30)])
    return path


def first_share(path: Path, share: float) -> bytes:
    content = path.read_bytes()
    return content[: int(len(content) * share)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("empty.mp4", b"", id="an empty file"),
        pytest.param("zeros.mkv", bytes(100_000), id="zeros"),
        pytest.param("noise.mkv", random.Random(2).randbytes(100_000), id="noise"),
        pytest.param("text.avi", b"not a video\n" * 500, id="text"),
        pytest.param("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(50), id="half a picture"),
        pytest.param("list.mp4", b"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", id="a playlist"),
        pytest.param("concat.mkv", b"ffconcat version 1.0\nfile whole.mp4\n", id="a list of other files"),
        pytest.param("session.mp4", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n", id="an SDP"),
    ],
)
def test_what_is_no_video_is_said_in_one_line(whole, folder, name, content):
    path = folder / name
    path.write_bytes(content)
    for use in (VideoFile, creation_utc):
        with pytest.raises(VideoError, match="this is no video that can be read") as told:
            use(path)
        assert str(path) in str(told.value)
        assert "\n" not in str(told.value)


def test_a_playlist_does_not_reach_out_to_the_network(folder):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        path = folder / "lure.m3u8"
        path.write_text(f"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:{server.getsockname()[1]}/a.ts\n#EXT-X-ENDLIST\n")
        with pytest.raises(VideoError):
            VideoFile(path)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("name", ["nowhere.mp4", "nowhere/at/all.mkv", "."], ids=["missing", "no folder", "a folder"])
def test_a_missing_file_is_said_in_one_line(folder, name):
    with pytest.raises(VideoError, match="there is no such video file"):
        VideoFile(folder / name)


def test_a_file_with_sound_only_is_said_in_one_line(folder):
    with av.open(str(folder / "sound.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="the file holds no video"):
        VideoFile(folder / "sound.mkv")


@pytest.mark.parametrize("name", ["whole.mp4", "whole.mkv"])
def test_a_file_cut_off_gives_what_is_there_and_then_says_so(whole, folder, name):
    path = folder / f"cut-{name}"
    path.write_bytes(first_share(folder / name, 0.4))
    with VideoFile(path) as video:
        frames = []
        reading = iter(video.read, None)
        with pytest.raises(VideoError, match=r"the video is cut off: it ends at [\d.]+ s of 3\.0 s ") as told:
            frames.extend(reading)
        assert "\n" not in str(told.value)
        assert video.ended
        assert video.read() is None
    assert len(frames) > 20
    assert [number_in(frame.image_bgr) for frame in frames if not frame.suspect] == list(range(len(frames)))


def test_an_mp4_without_its_end_is_said_in_one_line(whole, folder):
    (folder / "endless.mp4").write_bytes(first_share(folder / "plain.mp4", 0.9))
    with pytest.raises(VideoError, match="its end is missing"):
        VideoFile(folder / "endless.mp4")


@pytest.mark.parametrize("name", ["whole.mp4", "whole.mkv"])
def test_a_file_without_a_single_picture_is_said_in_one_line(whole, folder, name):
    path = folder / f"head-{name}"
    path.write_bytes(first_share(folder / name, 0.01))
    with VideoFile(path) as video, pytest.raises(VideoError, match="no picture of the video can be decoded"):
        video.read()


def test_flipped_bytes_never_do_more_than_spoil_pictures(whole, folder):
    dice = random.Random(7)
    path = folder / "flipped.mkv"
    spoilt = 0
    for _ in range(10):
        content = bytearray(whole.with_suffix(".mkv").read_bytes())
        for _ in range(dice.choice([1, 5, 200])):
            content[dice.randrange(len(content))] = dice.randrange(256)
        path.write_bytes(content)
        try:
            with VideoFile(path) as video:
                list(iter(video.read, None))
                spoilt += video.stats().decode_errors + video.stats().suspect > 0
        except VideoError:
            spoilt += 1
    assert spoilt > 2


def test_a_colon_in_the_name_is_no_protocol(whole, folder):
    path = folder / "take 1: bow.mp4"
    try:
        shutil.copy(whole, path)
    except OSError:
        pytest.skip("this file system takes no colon in a name")
    with VideoFile(path) as video:
        assert video.read() is not None
    cut_clip(path, folder / "clip: 1.mp4", begin_s=0.0, end_s=1.0)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({"creation_time": "2026-11-22T10:11:12.000000Z"}, 1_795_342_272.0, id="in UTC"),
        pytest.param({}, None, id="not said"),
        pytest.param({"creation_time": "1970-01-01T00:00:00Z"}, None, id="a clock that was never set"),
    ],
)
@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_when_the_recording_began(folder, kind, metadata, expected):
    path = folder / f"dated.{kind}"
    write_file(path, [0.0, 0.1], metadata=metadata)
    assert creation_utc(path) == expected


# --- our own recordings ---


def test_a_recording_with_losses_is_sought_exactly_with_its_marks(tmp_path):
    recorder = record(tmp_path, access_units(coded(120), loss=0.01))
    (path,) = recorder.segments
    with VideoFile(path) as video:
        frames = list(iter(video.read, None))
        assert 0 < sum(frame.suspect for frame in frames) == video.stats().suspect < len(frames)
        for frame in random.Random(3).sample(frames, 12):
            again = video.frame_at(frame.stream_s)
            assert (again.index, again.utc_s, again.suspect) == (frame.index, frame.utc_s, frame.suspect)
            assert frame.suspect or (again.image_bgr == frame.image_bgr).all()


@pytest.fixture(scope="module")
def mission(tmp_path_factory) -> Path:
    """A recording in three files, the second pair after a pause of a minute."""
    folder = tmp_path_factory.mktemp("mission") / "video"
    units = access_units(coded(90))
    record(folder, units[:60], segment_s=0.9)
    with Recorder(folder) as recorder:
        for unit in units[60:]:
            recorder.put(unit, UTC_S + 60.0 + (unit.ticks90k - units[0].ticks90k) / 90_000)
    return folder


def test_a_mission_is_read_over_its_files_with_its_pauses(mission):
    with RecordedVideo(mission) as video:
        assert [path.name for path in video.segments] == ["000.mkv", "001.mkv", "002.mkv"]
        frames = list(iter(video.read, None))
        assert video.ended
        assert video.stats().decoded == 90
        assert video.stats().last_frame_utc_s == frames[-1].utc_s
    expected = [number / 30 + 60.0 * (number >= 60) for number in range(90)]
    assert [number_in(frame.image_bgr) for frame in frames] == [frame.index for frame in frames] == list(range(90))
    assert [frame.utc_s - UTC_S for frame in frames] == pytest.approx(expected, abs=1e-5)
    assert [frame.stream_s for frame in frames] == pytest.approx(expected, abs=0.0011)


def test_a_mission_is_sought_and_located_over_its_files(mission):
    with RecordedVideo(mission) as video:
        frames = list(iter(video.read, None))
        for frame in random.Random(4).sample(frames, 15):
            again = video.frame_at(frame.stream_s)
            assert (again.index, again.utc_s, again.stream_s) == (frame.index, frame.utc_s, frame.stream_s)
            assert (again.image_bgr == frame.image_bgr).all()
            path, at_s = video.locate(frame.utc_s + 0.01)
            with VideoFile(path) as file:
                assert file.frame_at(at_s).utc_s == frame.utc_s
        with pytest.raises(VideoError, match="no picture at"):
            video.frame_at(30.0)


@pytest.mark.parametrize("harm", ["empty", "without index or date", "bad index"])
def test_a_bad_file_of_a_mission_is_told_once_and_gone_over(mission, tmp_path, harm):
    folder = tmp_path / "video"
    shutil.copytree(mission, folder)
    match harm:
        case "empty":
            (folder / "001.mkv").write_bytes(b"")
        case "without index or date":
            index_path(folder / "001.mkv").unlink()
            write_file(folder / "001.mkv", [0.0, 0.1])
        case "bad index":
            content = index_path(folder / "001.mkv").read_bytes()
            index_path(folder / "001.mkv").write_bytes(content.replace(b'"n":3', b'"m":3'))
    numbers, errors = [], []
    with RecordedVideo(folder) as video:
        while not video.ended:
            try:
                frame = video.read()
            except VideoError as error:
                errors.append(str(error))
                continue
            numbers += [number_in(frame.image_bgr)] if frame else []
    assert numbers == [*range(30), *range(60, 90)]
    assert len(errors) == 1
    assert "001." in errors[0]


def test_a_file_without_index_is_placed_by_its_date(mission, tmp_path):
    shutil.copytree(mission, tmp_path / "video")
    index_path(tmp_path / "video" / "001.mkv").unlink()
    with RecordedVideo(tmp_path / "video") as video:
        frames = list(iter(video.read, None))
    assert [frame.utc_s - UTC_S for frame in frames[:60]] == pytest.approx([n / 30 for n in range(60)], abs=0.0021)


@pytest.mark.parametrize("name", ["nothing", "empty", "other"])
def test_a_folder_without_a_recording_is_said_in_one_line(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "holiday.mkv").touch()
    with pytest.raises(VideoError, match="the folder holds no recording"):
        RecordedVideo(tmp_path / name)


# --- clips ---


def test_a_clip_holds_the_span_from_the_key_picture_before_it(mission, tmp_path):
    source = mission / "000.mkv"
    clip = cut_clip(source, tmp_path / "clip.mp4", begin_s=0.7, end_s=0.9)
    content = clip.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays while it loads"
    with VideoFile(clip) as video:
        frames = list(iter(video.read, None))
    truth = decoded(coded(90))
    assert [number_in(frame.image_bgr) for frame in frames] == list(range(15, 28))
    assert all((frame.image_bgr == truth[number_in(frame.image_bgr)]).all() for frame in frames)
    assert [frame.stream_s for frame in frames] == pytest.approx([number / 30 for number in range(13)], abs=0.0011)
    assert creation_utc(clip) == pytest.approx(UTC_S + 0.5, abs=1.0), "an MP4 keeps whole seconds"
    assert list(tmp_path.iterdir()) == [clip]


def test_a_clip_of_every_kind_of_file(uneven, tmp_path):
    path, start_s, _ = uneven
    begin_s, end_s = start_s + TIMES[37], start_s + TIMES[52]
    with VideoFile(cut_clip(path, tmp_path / "clip.mp4", begin_s=begin_s, end_s=end_s)) as video:
        frames = list(iter(video.read, None))
    numbers = [number_in(frame.image_bgr) for frame in frames]
    assert numbers[0] == 30
    assert set(range(30, 53)) <= set(numbers) <= set(range(30, 60))
    assert numbers == sorted(numbers)
    for frame, number in zip(frames, numbers, strict=True):
        assert frame.stream_s == pytest.approx(TIMES[number] - TIMES[30], abs=0.0011)


def test_a_clip_of_a_recording_that_was_killed(mission, tmp_path):
    source = tmp_path / "000.mkv"
    source.write_bytes(first_share(mission / "000.mkv", 0.7))
    shutil.copy(index_path(mission / "000.mkv"), index_path(source))
    assert load_index(source) is not None
    with VideoFile(cut_clip(source, tmp_path / "clip.mp4", begin_s=0.1, end_s=0.3)) as video:
        assert [number_in(frame.image_bgr) for frame in iter(video.read, None)] == list(range(10))


@pytest.mark.parametrize(
    ("begin_s", "end_s"),
    [pytest.param(50.0, 60.0, id="behind its end"), pytest.param(0.5, 0.2, id="backwards")],
)
def test_a_clip_of_nothing_is_said_in_one_line(mission, tmp_path, begin_s, end_s):
    with pytest.raises(VideoError, match="the video has no picture between"):
        cut_clip(mission / "000.mkv", tmp_path / "clip.mp4", begin_s=begin_s, end_s=end_s)
    assert list(tmp_path.iterdir()) == []


def test_pictures_that_an_mp4_cannot_hold_are_said_in_one_line(tmp_path):
    with av.open(str(tmp_path / "old.webm"), "w") as container:
        stream = container.add_stream("libvpx", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="bgr24")))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="no clip can be cut from this video"):
        cut_clip(tmp_path / "old.webm", tmp_path / "clip.mp4", begin_s=0.0, end_s=1.0)


def test_a_clip_that_cannot_be_written_is_said_in_one_line(mission, tmp_path):
    with pytest.raises(RecordError, match="the clip cannot be written"):
        cut_clip(mission / "000.mkv", tmp_path / "nowhere" / "clip.mp4", begin_s=0.0, end_s=0.5)


def test_a_clip_replaces_an_old_one_only_when_it_is_whole(mission, tmp_path):
    old = tmp_path / "clip.mp4"
    old.write_bytes(b"old")
    with pytest.raises(VideoError):
        cut_clip(tmp_path / "missing.mkv", old, begin_s=0.0, end_s=0.5)
    assert old.read_bytes() == b"old"
    cut_clip(mission / "000.mkv", old, begin_s=0.0, end_s=0.5)
    assert old.stat().st_size > 1000
