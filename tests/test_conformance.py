"""The embedded simulator does, row by row, what ArduSub 4.5.3 was measured to do; over UDP as well as in process."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullscan.errors import InputError
from hullscan_sim.conformance import ROWS, EmbeddedBench, FirmwareBench, RemoteBench, Row
from hullscan_sim.conformance.__main__ import main
from hullscan_sim.conformance.sees import Ack, Number, Record, Text
from hullscan_sim.conformance.session import Heard
from hullscan_sim.conformance.wire import EmbeddedWire, UdpWire
from hullscan_sim.mavlink_server import MavlinkServer
from hullscan_sim.messages import mavlink


@pytest.fixture(scope="module")
def bench() -> Iterator[EmbeddedBench]:
    """Vehicles that the rows share."""
    bench = EmbeddedBench()
    yield bench
    bench.close()


def case(row: Row):
    return pytest.param(row, id=f"{row.section}: {row.id}", marks=[pytest.mark.slow] if row.slow else [])


@pytest.mark.parametrize("row", [case(row) for row in ROWS])
def test_the_simulator_does_what_ardusub_does(bench, row):
    outcome = bench.run(row)
    assert outcome.skipped is None
    wrong = [f"expected {check.expected}, seen {check.seen}" for check in outcome.checks if not check.same]
    assert wrong == []
    assert outcome.checks, "a row without expectations proves nothing"


# ---------------------------------------------------------------- the suite itself


def test_ids_are_sentences_and_no_two_are_alike():
    assert [row for row, count in Counter(row.id for row in ROWS).items() if count > 1] == []
    assert [row.id for row in ROWS if " " not in row.id] == []


def test_every_section_of_the_sheet_has_rows():
    sections = {row.section for row in ROWS}
    assert {"2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "2.10", "2.11", "3", "4"} <= sections


def row_of(words: str) -> Row:
    return next(row for row in ROWS if row.id.startswith(words))


def test_a_vehicle_that_behaves_otherwise_is_found_out(bench):
    """The suite can fail: a parameter that changes the behaviour changes the verdict."""
    session = bench._session(row_of("A velocity is undershot"))
    session.set_parameter("PSC_VELXY_FF", 10)
    try:
        outcome = bench.run(row_of("A velocity is undershot"))
    finally:
        session.set_parameter("PSC_VELXY_FF", 0)
    assert not outcome.same


RECORD = Record(
    (
        Heard(10.02, mavlink.MAVLink_command_ack_message(400, 4)),
        Heard(11.0, mavlink.MAVLink_statustext_message(6, b"Arming motors")),
    ),
    {"start": 10.0, "end": 12.0},
)


@pytest.mark.parametrize(
    ("see", "same"),
    [
        pytest.param(Ack(400, 4), True, id="the result that came"),
        pytest.param(Ack(400, 0), False, id="another result"),
        pytest.param(Ack(400, 4, within_s=0.01), False, id="too late"),
        pytest.param(Ack(176, 4), False, id="another command"),
        pytest.param(Text(6, "Arming motors", 0.5, 1.5), True, id="the words at their time"),
        pytest.param(Text(4, "Arming motors"), False, id="another severity"),
        pytest.param(Text(6, "Arming motors", 0.0, 0.5), False, id="words that come late"),
        pytest.param(Text(6, "Arming*"), True, id="the beginning of the words"),
        pytest.param(Text(6, "Disarming motors"), False, id="words that were not said"),
        pytest.param(Number("nothing", lambda record: None, 0, 1), False, id="a number that cannot be measured"),
    ],
)
def test_an_expectation_tells_same_from_different(see, same):
    assert see.check(RECORD)[1] is same


# ---------------------------------------------------------------- over UDP


class UdpVehicle:
    """The embedded simulator on a UDP port, in a thread, faster than real time."""

    def __init__(self, speedup: float) -> None:
        self._wire = EmbeddedWire(start_up=0.0)
        self.server = MavlinkServer("udpin:127.0.0.1:0")
        self._wire.simulation._link = self.server
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._wire.simulation.run, args=(speedup, self._stopped.is_set), daemon=True
        )

    def __enter__(self) -> str:
        self._thread.start()
        host, port = self.server.address
        return f"udpout:{host}:{port}"

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(10)
        self.server.close()


def test_the_same_rows_run_over_udp_on_a_vehicle_that_is_faster_than_time():
    with UdpVehicle(speedup=8.0) as url:
        remote = RemoteBench(url)
        assert not remote.is_sitl
        outcomes = [
            remote.run(row_of(words))
            for words in (
                "Arming is accepted in MANUAL", "GUIDED is accepted", "Mode 99 is refused", "AUTO without a mission",
                "An unknown parameter that is set", "A mission is asked for", "A position with yaw turns",
                "Without a depth sensor STABILIZE", "When the DVL is lost",
            )
        ]  # fmt: skip
        remote.close()
    wrong = {o.row.id: o.checks for o in outcomes if o.skipped is None and not o.same}
    assert wrong == {}
    assert [o.row.id for o in outcomes if o.skipped] == [o.row.id for o in outcomes[-2:]], "nothing can fail from here"


# ---------------------------------------------------------------- a firmware that the suite starts


@pytest.fixture
def firmware(tmp_path, monkeypatch):
    """A stand-in for ArduSub's SITL, and one whose pilot-input failsafe acts."""
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])]))
    for name in ("ardusub", "pilot"):
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\nimport conformance_peer\nconformance_peer.main()\n")
        path.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="starts a script as a program")
def test_each_kind_of_vehicle_is_started_when_a_row_asks_for_it(firmware):
    bench = FirmwareBench(firmware / "ardusub", pilot_binary=firmware / "pilot", speedup=8.0)
    started: list[tuple[str, object]] = []
    start = bench._start

    def noted(vehicle):
        remote = start(vehicle)
        started.append((vehicle, remote))
        return remote

    bench._start = noted
    words = (
        "Mode 99 is refused", "Arming is accepted in MANUAL", "At boot the pilot is missed",
        "On its second port unsigned", "On its second port a wrong key", "AUTO without a mission",
    )  # fmt: skip
    try:
        outcomes = [bench.run(row_of(each)) for each in words]
    finally:
        bench.close()
    assert {o.row.id: o.checks for o in outcomes if not o.same} == {}
    assert [kind for kind, _ in started] == ["gps", "hardware", "serial1", "serial1", "gps"], (
        "one anew after each that it spoils"
    )


def test_without_a_firmware_that_has_it_the_pilot_failsafe_is_not_asked_for(firmware):
    bench = FirmwareBench(firmware / "ardusub")
    assert "--pilot-binary" in (bench.run(row_of("At boot the pilot is missed")).skipped or "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["--binary", "nowhere"], "there is no nowhere", id="no such binary"),
        pytest.param(
            ["--binary", "x", "--connect", "udpin:127.0.0.1:0"], "either called or started", id="called and started"
        ),
        pytest.param(["--beside", "nothing.json"], "is not what --save writes", id="nothing to show beside it"),
    ],
)
def test_what_cannot_be_asked_is_one_line(capsys, monkeypatch, words, told):
    monkeypatch.setattr("sys.argv", ["conformance", "--match", "Mode 99", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert told in capsys.readouterr().err


def test_what_was_seen_is_saved_and_shown_beside_another_vehicle(capsys, monkeypatch, tmp_path):
    there = tmp_path / "there.json"
    for words in (["--save", str(there)], ["--beside", str(there)]):
        monkeypatch.setattr("sys.argv", ["conformance", "--match", "Mode 99", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, None)
    saved = json.loads(there.read_text())
    assert saved["schema"] == "hullscan.conformance/1"
    assert [row["verdict"] for row in saved["rows"]] == ["same"]
    told = capsys.readouterr().out
    assert "beside it" in told
    assert told.count("(4) No such mode 99 at") == 3, "seen, seen again, and there"


def test_an_address_that_cannot_be_read_is_refused():
    with pytest.raises(InputError, match="is not an address"):
        UdpWire("tcp:127.0.0.1:5760")


def test_the_command_prints_the_rows_and_their_counts(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["conformance", "--match", "Mode 99"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    told = capsys.readouterr().out
    assert "No such mode 99" in told
    assert "1 same, 0 differs, 0 skipped" in told


def test_the_command_says_when_no_row_is_left(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["conformance", "--match", "no such row"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "no row is left" in capsys.readouterr().err
