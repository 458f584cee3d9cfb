"""Go, caution or no-go: every check against a table of what may be found, and the whole against the simulator."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hullscan import cli
from hullscan.errors import SafetyStop
from hullscan.geometry.camera import Camera
from hullscan.mission.feasibility import Check
from hullscan.mission.orders import LockOut
from hullscan.preflight import before_flight as module
from hullscan.preflight.before_flight import before_flight
from hullscan.preflight.check import Phrase, PreflightLine, PreflightReport, ordered, say
from hullscan.preflight.range_checks import RangeFacts, check_ranges, range_facts
from hullscan.preflight.stream_checks import ClockFacts, VideoFacts, check_clocks, check_video, clocks_ms
from hullscan.preflight.supply_checks import BYTES_PER_S, SupplyFacts, check_lock_out, check_plan, check_supplies
from hullscan.preflight.vehicle_checks import VehicleFacts, check_parameters, check_vehicle
from hullscan.preflight.video_lag import LagWatch, PictureMotion, VideoLag, measure_lag
from hullscan.vehicle.dvl_mount import BEAMS_DVL, LOOKS_FORWARD
from hullscan.vehicle.parameter_changes import compare_with_file
from hullscan.vehicle.parameter_file import load_parameters, parse_parameters
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.shipped_parameters import shipped_folder
from hullscan.video.frames import Frame
from hullscan.words import translator

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "missions" / "demo.yaml"
NAN, INF = float("nan"), float("inf")


def levels(lines: list[PreflightLine]) -> dict[str, str]:
    """By name, what is not go."""
    return {line.what.told(str): line.level for line in lines if line.level != "go"}


# --- vehicle ---

VEHICLE = VehicleFacts(
    source="system 1 component 1", firmware="4.5.3", armed=False, mode="MANUAL", ready=True,
    readiness="position known relative to the start (DVL)", depth_m=0.1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({}, {}, id="a vehicle as it should be"),
        pytest.param({"firmware": "4.1.0"}, {}, id="the oldest firmware that is known"),
        pytest.param({"firmware": "4.7.0"}, {}, id="the newest"),
        pytest.param({"firmware": "3.5.4"}, {"firmware": "no-go"}, id="one that is too old"),
        pytest.param({"firmware": "4.8.0"}, {"firmware": "caution"}, id="one that nobody has tried"),
        pytest.param({"firmware": ""}, {"firmware": "caution"}, id="one that does not say"),
        pytest.param({"armed": True}, {"motors": "no-go"}, id="somebody has armed it"),
        pytest.param({"origin": False}, {"origin of position": "caution"}, id="no origin: no local position"),
        pytest.param({"ready": False}, {"position estimate": "caution"}, id="no position yet"),
        pytest.param({"depth_m": 1.4}, {"depth": "caution"}, id="a metre and a half down"),
        pytest.param({"depth_m": -4.0}, {"depth": "no-go"}, id="a depth sensor that thinks it flies"),
        pytest.param({"depth_m": NAN}, {"depth": "no-go"}, id="no depth at all"),
        pytest.param({"stations": ("system 255 component 190",)}, {}, id="a ground station beside us is welcome"),
        pytest.param({"alarms": ("PreArm: Check compass",)}, {"alarms": "caution"}, id="it would not arm"),
        pytest.param({"alarms": ("Leak Detected",)}, {"alarms": "no-go"}, id="a leak"),
        pytest.param({"alarms": ("Depth sensor error!",)}, {"alarms": "no-go"}, id="a broken depth sensor"),
        pytest.param({"thin": ("ATTITUDE 2.0 Hz",)}, {"telemetry": "caution"}, id="telemetry that is too thin"),
        pytest.param({"signed": True}, {}, id="a signed link"),
        pytest.param(
            {"signed": True, "refused": {"wrong key": 3}}, {"signatures": "caution"}, id="somebody with another key"
        ),
    ],
)
def test_the_vehicle(change, found):
    assert levels(check_vehicle(replace(VEHICLE, **change))) == found


# --- parameters and failsafes ---


def parameters(change: dict[str, float | None]) -> list[PreflightLine]:
    """The lines for a vehicle that has what the file wants, but for some; None takes one away."""
    file = load_parameters(shipped_folder() / "bluerov2-heavy-dvl-4.5.param")
    has = {**file.values, **change}
    text = "\n".join(f"{name},{value}" for name, value in has.items() if value is not None)
    return check_parameters(compare_with_file(file, parse_parameters(text, Path("vehicle"))), "x.param")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({}, {}, id="all as wanted"),
        pytest.param({"FS_GCS_ENABLE": 2}, {"FS_GCS_ENABLE": "no-go"}, id="it would stop its motors under the hull"),
        pytest.param({"FS_GCS_ENABLE": 4}, {"FS_GCS_ENABLE": "no-go"}, id="it would rise into the ship"),
        pytest.param({"FS_GCS_ENABLE": 0}, {"FS_GCS_ENABLE": "no-go"}, id="it would drift on"),
        pytest.param({"FS_PILOT_INPUT": 2}, {"FS_PILOT_INPUT": "no-go"}, id="it would disarm without a joystick"),
        pytest.param({"FS_PILOT_INPUT": 0}, {}, id="no pilot failsafe is as good as a warning"),
        pytest.param({"FS_LEAK_ENABLE": 2}, {"FS_LEAK_ENABLE": "no-go"}, id="a leak would drive it up"),
        pytest.param({"BATT_FS_LOW_ACT": 2}, {"BATT_FS_LOW_ACT": "no-go"}, id="a low battery would disarm it"),
        pytest.param({"FS_CRASH_CHECK": 2}, {"FS_CRASH_CHECK": "no-go"}, id="a touch of the hull would disarm it"),
        pytest.param({"FRAME_CONFIG": 1}, {"FRAME_CONFIG": "no-go"}, id="the frame of another vehicle"),
        pytest.param({"EK3_SRC1_POSXY": 3}, {"EK3_SRC1_POSXY": "caution"}, id="an estimator that waits for GPS"),
        pytest.param({"RNGFND1_TYPE": 23}, {}, id="the Ping of a 2023 vehicle"),
        pytest.param({"GPS_TYPE": None, "GPS1_TYPE": 0}, {}, id="the names of a later firmware"),
        pytest.param({"MNT1_TYPE": None, "MNT_TYPE": 1}, {}, id="the names of an earlier one"),
        pytest.param({"VISO_TYPE": None}, {"VISO_TYPE": "caution"}, id="one that it does not have"),
    ],
)
def test_parameters(change, found):
    assert levels(parameters(change)) == found


def test_what_the_firmware_does_when_hullscan_dies_is_said_in_words():
    (bad,) = [line for line in parameters({"FS_GCS_ENABLE": 2}) if line.what.told(str) == "FS_GCS_ENABLE"]
    assert bad.measured.told(str) == "2: the vehicle stops the motors and floats up against the hull"
    assert bad.wanted.told(str) == "3: the vehicle holds its depth"
    good = parameters({})[0]
    assert (good.what.told(str), good.measured.told(str)) == ("if hullscan dies, the vehicle", "holds its depth")


def test_a_line_that_differs_tells_its_reason():
    (bad,) = [line for line in parameters({"FS_PILOT_INPUT": 2}) if line.what.told(str) == "FS_PILOT_INPUT"]
    reason = "only warn when joystick input stops; 2, the default, stops the motors"
    assert bad.todo.told(str) == f"{reason}; hullscan params apply writes it"


def test_without_a_file_for_the_vehicle_nothing_is_called_good():
    assert levels(check_parameters([], "")) == {"parameters": "no-go"}


def test_the_reason_of_a_line_is_told_in_korean():
    file = load_parameters(shipped_folder() / "bluerov2-heavy-dvl-4.5.param")
    lines = check_parameters(compare_with_file(file, parse_parameters("FS_PILOT_INPUT,2\n", Path("x"))), "x.param")
    (told,) = (each.as_dict(translator("ko"))["todo"] for each in lines if each.what.words == "FS_PILOT_INPUT")
    assert told.startswith("조이스틱 입력이 끊기면 경고만 합니다")


# --- range ---

SEEN = RangeFacts(
    dvl=True, rate_hz=8.5, seen=(1.0,) * 4, beams_m=(4.3,) * 4, axis_m=4.0, velocity_share=1.0, expected_m=4.0,
    bottom_m=9.5,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({}, {}, id="four beams on the hull"),
        pytest.param({"rate_hz": 3.0}, {"DVL reports": "caution"}, id="slow reports"),
        pytest.param({"rate_hz": 0.0}, {"DVL reports": "no-go"}, id="no report"),
        pytest.param({"seen": (1.0, 1.0, 1.0, 0.2)}, {"DVL beams": "caution"}, id="a beam that sees nothing"),
        pytest.param({"seen": (0.0,) * 4, "beams_m": (NAN,) * 4, "axis_m": NAN}, {"DVL beams": "caution"}, id="in air"),
        pytest.param({"axis_m": 25.0}, {"DVL distance": "caution"}, id="much farther than the hull"),
        pytest.param({"axis_m": 9.4}, {"DVL distance": "caution"}, id="as far as the sea bed"),
        pytest.param({"hot": True}, {"DVL": "no-go"}, id="too hot"),
        pytest.param({"labelled_m": {25: 9.4}}, {}, id="an echo sounder that looks down at the sea bed"),
        pytest.param({"labelled_m": {25: 4.02}}, {"range labelled down": "caution"}, id="the hull is labelled down"),
        pytest.param(
            {"labelled_m": {25: 4.02}, "height_source": "EK3_RNG_USE_HGT 60"}, {"range labelled down": "no-go"},
            id="and taken for the height above the sea bed",
        ),
        pytest.param(
            {"labelled_m": {25: 4.0}, "bottom_m": 4.1}, {}, id="hull and sea bed as far as each other: no lie is seen"
        ),
        pytest.param({"dvl": False, "labelled_m": {0: 3.9}}, {"DVL": "caution"}, id="an echo sounder alone"),
        pytest.param({"dvl": False}, {"DVL": "no-go"}, id="nothing looks at the hull"),
    ],
)  # fmt: skip
def test_ranges(change, found):
    assert levels(check_ranges(replace(SEEN, **change))) == found


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_echo_at_all_says_what_to_do_on_the_quay_and_in_the_water(lang: str):
    (beams,) = (
        each for each in check_ranges(replace(SEEN, seen=(0.0,) * 4, axis_m=NAN)) if each.what.words == "DVL beams"
    )
    told = beams.as_dict(translator(lang))
    assert told["measured"] == {"en": "no echo in any beam", "ko": "어느 빔에도 반향이 없음"}[lang]
    assert {"en": "comes back up after 40 s", "ko": "40초 안에"}[lang] in told["todo"]


def test_reports_are_summed_up_beam_by_beam():
    directions = LOOKS_FORWARD.apply(BEAMS_DVL)
    reports = []
    for number in range(10):
        distances = np.array([2.0, 2.0, 2.0, NAN if number < 4 else 2.0]) / np.cos(np.radians(22.5))
        valid = np.isfinite(distances)
        suspect = np.array([number == 0, False, False, False])
        reports.append(RangeReport(float(number), directions, distances, valid, suspect, np.zeros(3)))
    facts = range_facts(reports, 2.0, expected_m=2.0, bottom_m=9.0, labelled_m={})
    assert facts.rate_hz == 5.0
    assert facts.seen == pytest.approx((0.9, 1.0, 1.0, 0.6))
    assert facts.axis_m == pytest.approx(2.0)
    assert facts.beams_m == pytest.approx((2.0 / np.cos(np.radians(22.5)),) * 4)


def test_no_report_at_all_is_no_division_by_zero():
    facts = range_facts([], 5.0, expected_m=4.0, bottom_m=9.0, labelled_m={})
    assert levels(check_ranges(facts)) == {"DVL reports": "no-go", "DVL beams": "caution"}


# --- video and clocks ---

STREAM = VideoFacts(first_s=0.7, rate_hz=25.0, packets=4000, decoded=200, sets_every_s=1.0, size_px=(1920, 1080))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({}, {}, id="a camera as it should be"),
        pytest.param({"decoded": 0}, {"pictures": "no-go"}, id="no picture"),
        pytest.param({"rate_hz": 6.0}, {"pictures": "caution"}, id="few pictures"),
        pytest.param({"rate_hz": 2.0}, {"pictures": "no-go"}, id="too few"),
        pytest.param({"lost": 30}, {"packets lost": "caution"}, id="packets are lost"),
        pytest.param({"lost": 400}, {"packets lost": "no-go"}, id="too many are"),
        pytest.param(
            {"lost": 400, "simulated": True}, {"packets lost": "caution"}, id="a simulator on a busy computer"
        ),
        pytest.param({"suspect": 60}, {"pictures not to be trusted": "caution"}, id="a third cannot be trusted"),
        pytest.param({"suspect": 150}, {"pictures not to be trusted": "no-go"}, id="most cannot"),
        pytest.param(
            {"sets_every_s": 10.0}, {"SPS and PPS": "caution"}, id="parameter sets as seldom as BlueOS sends them"
        ),
        pytest.param({"sets_every_s": INF}, {"SPS and PPS": "caution"}, id="none while listening"),
        pytest.param({"size_px": (640, 480)}, {"picture size": "caution"}, id="another shape than the calibration's"),
    ],
)
def test_video(change, found):
    assert levels(check_video(replace(STREAM, **change))) == found


LAG = VideoLag(lag_s=0.01, sigma_s=0.01, fit=0.9, turn_radps=0.2)
CLOCKS = ClockFacts(round_trip_ms=4.0, vehicle_ms=3.0, utc_off_s=0.1, dvl_ms=3.0, video_ms=31.0, lag=LAG, latency_s=0.1)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({}, {}, id="clocks as they should be"),
        pytest.param({"round_trip_ms": 120.0}, {"round trip to the vehicle": "caution"}, id="a slow tether"),
        pytest.param({"round_trip_ms": INF}, {"round trip to the vehicle": "no-go"}, id="nobody answers TIMESYNC"),
        pytest.param({"vehicle_ms": 90.0}, {"vehicle's stamps": "caution"}, id="stamps that wander"),
        pytest.param({"dvl_ms": 500.0}, {"DVL's stamps": "no-go"}, id="a DVL whose times mean nothing"),
        pytest.param({"dvl_ms": 500.0, "simulated": True}, {"DVL's stamps": "caution"}, id="unless it is simulated"),
        pytest.param({"dvl_ms": None}, {}, id="no DVL"),
        pytest.param({"utc_off_s": None}, {}, id="a vehicle that does not know the date"),
        pytest.param({"utc_off_s": -864_000.0}, {"vehicle's UTC": "caution"}, id="one that is ten days behind"),
        pytest.param({"lag": None}, {"pictures against the gyro": "caution"}, id="nobody turned it"),
        pytest.param({"lag": replace(LAG, lag_s=0.12)}, {"pictures against the gyro": "caution"}, id="late pictures"),
        pytest.param({"lag": replace(LAG, lag_s=0.06, sigma_s=0.03)}, {}, id="perhaps late, within what is known"),
    ],
)
def test_clocks(change, found):
    assert levels(check_clocks(replace(CLOCKS, **change))) == found


@pytest.mark.parametrize(
    ("lag_s", "latency"),
    [
        pytest.param(0.12, "0.22", id="pictures that are older than the profile says"),
        pytest.param(-0.07, "0.03", id="pictures that are younger"),
        pytest.param(-0.3, "0.00", id="pictures that would come before the light"),
    ],
)
def test_what_to_write_about_late_pictures_is_named(lag_s: float, latency: str):
    told = check_clocks(replace(CLOCKS, lag=replace(LAG, lag_s=lag_s)))[-1]
    assert told.level == "caution"
    assert f"video_latency_s: {latency} " in told.todo.told(str) + " "


def test_clocks_are_told_in_milliseconds():
    told = clocks_ms(replace(CLOCKS, round_trip_ms=INF))
    assert (told["round_trip"], told["video_lag"], told["vehicle_utc_minus_computer"]) == (None, 10.0, 100.0)


# --- the video's lag ---


def turning(late_s: float, *, rate_hz: float = 15.0, noise_radps: float = 0.02, swing_deg: float = 20.0, seed: int = 1):
    """Turn rates of pictures that are stamped late, and of a gyro, of a vehicle turned left and right by hand."""
    random = np.random.default_rng(seed)

    def rate(times):
        return np.radians(swing_deg) * (np.cos(2.0 * times) * 0.7 + 0.5 * np.sin(3.3 * times + 1))

    gyro = np.arange(0.0, 9.0, 0.05)
    pictures = np.arange(0.5, 8.5, 1 / rate_hz)
    seen = rate(pictures) + noise_radps * random.standard_normal(len(pictures)) + 0.05
    return np.column_stack([pictures + late_s, seen]), np.column_stack([gyro, rate(gyro)])


@pytest.mark.parametrize("late_s", [-0.2, -0.03, 0.0, 0.03, 0.1, 0.35])
def test_a_lag_is_found_within_what_it_claims(late_s: float):
    found = [measure_lag(*turning(late_s, seed=seed)) for seed in range(8)]
    errors = [each.lag_s - late_s for each in found if each is not None]
    assert len(errors) == 8
    assert np.abs(errors).max() < 0.02
    assert sum(abs(error) < 2 * each.sigma_s for error, each in zip(errors, found, strict=True)) >= 6


@pytest.mark.parametrize(
    ("picture", "gyro"),
    [
        pytest.param(*turning(0.0, swing_deg=0.3), id="it hardly turned"),
        pytest.param(*turning(0.0, noise_radps=3.0), id="the picture shows something else"),
        pytest.param(np.empty((0, 2)), turning(0.0)[1], id="no pictures"),
        pytest.param(turning(0.0)[0], np.empty((0, 2)), id="no gyro"),
        pytest.param(turning(0.0)[0][:25], turning(0.0)[1], id="too short a time"),
    ],
)
def test_no_lag_is_claimed_where_there_is_none_to_see(picture, gyro):
    assert measure_lag(picture, gyro) is None


def murky(random: np.random.Generator, wide: np.ndarray, shift_px: float) -> np.ndarray:
    """A piece of a hull as seen through water: hardly any contrast, a lamp's light that stands still, noise."""
    shift = np.array([[1.0, 0.0, -300.0 - shift_px], [0.0, 1.0, 0.0]])
    hull = cv2.warpAffine(wide, shift, (640, 360)).astype(np.float32)
    lamp = 40 * np.exp(-(np.linspace(-1, 1, 640) ** 2)[None, :, None] - (np.linspace(-1, 1, 360) ** 2)[:, None, None])
    noise = 3 * random.standard_normal((360, 640, 3))
    return np.clip(70 + lamp + 0.12 * (hull - 128) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("late_s", [0.0, 0.15])
def test_the_lag_of_pictures_in_murky_water_is_measured_from_one_look_left_and_right(late_s: float):
    camera = Camera.from_hfov(640, 360, np.radians(80.0))
    random = np.random.default_rng(5)
    wide = cv2.GaussianBlur(random.integers(0, 255, (360, 1400, 3), dtype=np.uint8), (0, 0), 9).astype(np.float32)
    wide = np.clip(128 + 12 * (wide - wide.mean()), 0, 255).astype(np.uint8)

    def yaw(utc_s: float) -> float:
        return float(np.radians(12) * np.sin(2 * np.pi * np.clip(utc_s - 1, 0, 9) / 4.5))

    def gyro(begin_s: float, end_s: float) -> np.ndarray:
        times = np.arange(begin_s, end_s, 0.05)
        return np.column_stack([times, np.gradient([yaw(each) for each in times], times)])

    told: list[VideoLag | None] = []
    watch = LagWatch(camera, gyro, told.append)
    watch.take(frame(murky(random, wide, 0.0), 0.5))  # nobody has asked
    watch.begin()
    for number in range(120):
        utc_s = 1.0 + 0.1 * number
        if number == 90:
            watch.end(10.0)
        watch.take(frame(murky(random, wide, camera.fx_px * yaw(utc_s - late_s)), utc_s))
    assert len(told) == 1
    assert told[0] is not None
    assert told[0].lag_s == pytest.approx(late_s, abs=0.02)


def frame(image: np.ndarray, utc_s: float) -> Frame:
    return Frame(image_bgr=image, utc_s=utc_s, stream_s=utc_s, index=int(10 * utc_s), suspect=False)


def test_a_turn_is_read_from_pictures():
    """A picture of a hull that moves left by what a camera sees that turns right by 12 deg/s."""
    camera = Camera.from_hfov(640, 360, np.radians(80.0))
    random = np.random.default_rng(3)
    wide = cv2.GaussianBlur(random.integers(0, 255, (360, 1400, 3), dtype=np.uint8), (0, 0), 8)
    motion = PictureMotion(camera)
    step_px = camera.fx_px * np.radians(12.0) / 10
    for number in range(11):
        shift = np.array([[1.0, 0.0, -300.0 - number * step_px], [0.0, 1.0, 0.0]])
        image = cv2.warpAffine(wide, shift, (640, 360))
        motion.take(Frame(image_bgr=image, utc_s=number / 10, stream_s=0.0, index=number, suspect=number == 6))
    rates = motion.rates
    assert len(rates) == 8, "the chain breaks at the suspect one, and begins again behind it"
    assert np.degrees(rates[:, 1]) == pytest.approx(12.0, abs=1.0)


# --- supplies, plan, lock-out ---

SUPPLIES = SupplyFacts(
    volts=16.4, least_v=14.0, empty_v=13.6, full_v=16.8, plan_min=20.0, endurance_min=100.0, turns=0.0,
    disk_free=100_000_000_000,
)  # fmt: skip
NEED = round(20 * 60 * BYTES_PER_S + 5e8)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({}, {}, id="enough of everything"),
        pytest.param({"volts": 13.9}, {"battery": "no-go"}, id="below the mission's limit"),
        pytest.param({"volts": 14.1, "plan_min": 40.0}, {"battery": "no-go"}, id="not enough for the plan"),
        pytest.param({"volts": 14.3}, {"battery": "caution"}, id="enough, without a reserve"),
        pytest.param({"volts": NAN}, {"battery": "caution"}, id="a battery that is not measured"),
        pytest.param({"disk_free": NEED - 1}, {"disk": "no-go"}, id="no room for the recording"),
        pytest.param({"disk_free": 2 * NEED - 1}, {"disk": "caution"}, id="little room"),
        pytest.param({"turns": -4.5}, {"tether turns": "caution"}, id="a twisted tether"),
        pytest.param({"turns": None}, {}, id="turns that nobody counts"),
        pytest.param({"window_left_min": 30.0}, {}, id="in its window"),
        pytest.param({"window_left_min": 12.0}, {"window": "no-go"}, id="a window that ends before the plan"),
        pytest.param({"window_left_min": 30.0, "begins_in_min": 5.0}, {"window": "caution"}, id="before its window"),
    ],
)
def test_supplies(change, found):
    assert levels(check_supplies(replace(SUPPLIES, **change))) == found


ALL = LockOut(propeller=True, thrusters=True, sea_suctions=True, iccp=True, by="chief engineer Kim")


@pytest.mark.parametrize(
    ("lock_out", "open_items"),
    [
        pytest.param(ALL, set(), id="all confirmed by name"),
        pytest.param(None, {"propeller", "thrusters", "sea suctions", "ICCP"}, id="nothing confirmed"),
        pytest.param(replace(ALL, iccp=False), {"ICCP"}, id="the cathodic protection is still on"),
        pytest.param(
            LockOut(propeller=True, thrusters=True, by="mate"), {"sea suctions", "ICCP"}, id="a mission of before"
        ),
    ],
)
def test_the_lock_out(lock_out, open_items):
    lines = check_lock_out(lock_out)
    assert levels(lines) == dict.fromkeys(open_items, "caution")
    told = [line.measured.told(str) for line in lines if line.level == "go"]
    assert told == [f"locked out, says {lock_out.by}" for _ in told]


def test_the_plans_own_checks_are_taken_over():
    lines = check_plan([Check("no-go", "{a} is too much", {"a": 3}), Check("go", "well")])
    assert [(line.level, line.measured.told(str)) for line in lines] == [("no-go", "3 is too much"), ("go", "well")]


# --- the verdict ---


def line(level, group="vehicle", measured="something"):
    return PreflightLine(
        group=group, level=level, what=Phrase("depth"), measured=Phrase(measured), todo=Phrase("mend it")
    )


def report(*found: str) -> PreflightReport:
    return PreflightReport(mission="demo", utc_s=1.0, lines=tuple(line(level) for level in found))


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        pytest.param(("go", "go"), "go", id="all go"),
        pytest.param(("go", "caution"), "caution", id="one caution"),
        pytest.param(("caution", "no-go", "go"), "no-go", id="one no-go"),
    ],
)
def test_the_worst_line_decides(found, verdict):
    assert report(*found).verdict == verdict


def test_lines_are_read_by_group_and_told_in_korean():
    lines = ordered([line("go", "vehicle"), line("go", "clocks"), line("go", "vehicle")])
    assert [each.group for each in lines] == ["vehicle", "vehicle", "clocks"]
    assert lines[0].as_dict(translator("ko"))["group"] == "기체"
    assert (
        say("{level}: {what}: {measured}", level="go", what="none", measured=1).told(translator("ko"))
        == "가능: 없음: 1"
    )


@pytest.mark.parametrize(
    ("found", "approve", "words"),
    [
        pytest.param(("go",), None, None, id="go"),
        pytest.param(("caution",), None, None, id="cautions, and nobody to ask: the record has them"),
        pytest.param(("caution",), True, None, id="cautions that a person takes upon himself"),
        pytest.param(("caution",), False, "nobody takes upon himself", id="cautions that nobody does"),
        pytest.param(("no-go",), True, "preflight says no-go: depth: something", id="a no-go, whoever approves"),
    ],
)
def test_before_a_flight(monkeypatch, tmp_path, found, approve, words):
    monkeypatch.setattr(module, "write_failsafes", lambda equipment, mission, told: ())
    monkeypatch.setattr(module, "set_origin", lambda equipment, mission: False)
    monkeypatch.setattr(module, "run_preflight", lambda *things, **options: report(*found))
    said = []
    asked = None if approve is None else lambda made: approve
    arguments = (None, None, None, lambda kind, message, data: said.append((message, data)))
    if words is None:
        before_flight(*arguments, folder=tmp_path, approve=asked)
    else:
        with pytest.raises(SafetyStop, match=words) as caught:
            before_flight(*arguments, folder=tmp_path, approve=asked)
        assert caught.value.exit_code == 3
    kept = json.loads((tmp_path / "preflight.json").read_text(encoding="utf-8"))
    assert (kept["schema"], kept["verdict"]) == ("hullscan.preflight/1", report(*found).verdict)
    assert len(said) == sum(level != "go" for level in found) + (words is None)


# --- against the simulator ---


@pytest.mark.slow
def test_the_hull_that_blueos_calls_the_sea_bed_is_found_in_preflight(monkeypatch, capsys, tmp_path):
    scenario = ROOT / "sim" / "scenarios" / "blueos-orientation-25.yaml"
    path = tmp_path / "preflight.json"
    monkeypatch.setattr(sys, "argv", ["hullscan", "preflight", str(DEMO), "--sim", str(scenario), "--json", str(path)])
    monkeypatch.chdir(tmp_path)
    cli.main()
    out = capsys.readouterr().out
    assert "FS_GCS_ENABLE: 2 → 3, written and read back" in out
    made = json.loads(path.read_text(encoding="utf-8"))
    found = {check["what"]: check for check in made["checks"]}
    assert found["range labelled down"]["level"] == "caution"
    assert "rangefinder" in found["range labelled down"]["todo"]
    assert found["if hullscan dies, the vehicle"]["measured"] == "holds its depth"
    assert found["firmware"]["level"] == found["DVL beams"]["level"] == found["pictures"]["level"] == "go"
    assert made["verdict"] == "caution"
    assert made["clocks_ms"]["round_trip"] > 0
