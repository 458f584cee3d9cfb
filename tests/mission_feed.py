"""Records missions as a survey does, all streams at once, in processes that are killed or run out of disk.

``python mission_feed.py kill SEED FOLDER...`` kills each process at a random moment, ``full SEED FOLDER...`` lets each
go on until something cannot be written. Prints, as JSON, up to which mission time each had handed things over.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from test_video_recorder import access_units

from hullscan.clock import SimulatedClock
from hullscan.errors import RecordError
from hullscan.findings.sightings import CONTRAST_GRID, Look, Sighting
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import DvlLog
from hullscan.record.seal import digest
from hullscan.vehicle.tlog_writer import TlogWriter
from hullscan.video.recorder import Recorder

DEMO = Path(__file__).parents[1] / "missions" / "demo.yaml"
UTC_S = 1_795_339_800.0
FPS, TICK_S = 30, 1 / 30
AT_ONCE = 5  # recorders side by side: more would starve each other of the computer
KILLED_AFTER_S = (0.3, 2.8)
SEGMENT_S = 1.0  # so that most are killed with files closed before, and one open


def feed(path: Path, handed: mmap.mmap) -> None:
    """Record in real time until something cannot be written.

    Raises:
        RecordError: it cannot.
    """
    folder = MissionFolder(path)
    for part in (folder.video, folder.frames):
        part.mkdir(parents=True)
    shutil.copyfile(DEMO, folder.mission_file)
    clock = SimulatedClock(UTC_S)
    database, events = MissionDatabase(folder.database), EventLog(folder.events, clock)
    dvl, tlog = DvlLog(folder.dvl), TlogWriter(folder.telemetry)
    sender = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    units = access_units()

    def closed(segment: Path) -> None:
        files = [segment, segment.with_suffix(".jsonl")]
        data = {"file": f"video/{segment.name}", "sha256": {f"video/{each.name}": digest(each) for each in files}}
        events.add("segment", "video file closed: {file}", data)

    with Recorder(folder.video, segment_s=SEGMENT_S, on_closed=closed) as recorder:
        begin_s, number = time.monotonic(), 0
        while True:
            utc_s = UTC_S + number * TICK_S
            clock.sleep(max(utc_s - clock.now(), 0.0))
            time.sleep(max(begin_s + number * TICK_S - time.monotonic(), 0.0))
            unit = units[number % len(units)]
            ticks = number * 90_000 // FPS
            recorder.put(replace(unit, ticks90k=ticks, rtp90k=ticks), utc_s)
            attitude = mavlink.MAVLink_attitude_message(round(number * TICK_S * 1000), 0, 0, 0, 0, 0, 0)
            tlog.write(utc_s, bytes(attitude.pack(sender)))
            if number % 30 == 0:
                tlog.write(utc_s, bytes(mavlink.MAVLink_heartbeat_message(12, 3, 217, 4, 4, 3).pack(sender)))
            if number % 4 == 0:
                dvl(utc_s, b'{"type": "velocity", "time": 1.0}')
            if number % 9 == 0:
                database.add_look(*_look(number, utc_s))
                events.add("note", "look {n}", {"n": number})
            handed[:8] = struct.pack("d", utc_s)
            recorder.check()
            tlog.check()
            number += 1


def _look(number: int, utc_s: float) -> tuple[Look, list[Sighting]]:
    at = {"utc_s": utc_s, "stream_s": number * TICK_S, "frame": number, "suspect": False}
    box = (10.0, 10.0, 40.0, 30.0)
    seen = Sighting(**at, label="parcel", score=0.7, box_xyxy_px=box, track=1, cut=False)
    return Look(**at, contrast=np.full(CONTRAST_GRID, 40, np.uint8)), [seen, seen]


def attacked(kind: str, folders: list[Path], moments: random.Random) -> dict[str, float]:
    """Run a recorder for each folder; the mission time up to which each got, by folder."""
    shared = {folder: mmap.mmap(-1, 8) for folder in folders}
    for first in range(0, len(folders), AT_ONCE):
        running = []
        for folder in folders[first : first + AT_ONCE]:
            process = os.fork()
            if process == 0:
                try:
                    feed(folder, shared[folder])
                except RecordError:
                    os._exit(0)
                finally:
                    traceback.print_exc()
                    os._exit(1)
            running.append((moments.uniform(*KILLED_AFTER_S), process))
        before_s = 0.0
        for after_s, process in sorted(running):
            if kind == "kill":
                time.sleep(after_s - before_s)
                os.kill(process, signal.SIGKILL)
                before_s = after_s
            code = os.waitpid(process, 0)[1]
            if kind == "full" and code:
                raise SystemExit(f"a recorder ended with {code} instead of one line")
    return {str(folder): struct.unpack("d", shared[folder][:8])[0] for folder in folders}


if __name__ == "__main__":
    got = attacked(sys.argv[1], [Path(each) for each in sys.argv[3:]], random.Random(sys.argv[2]))
    sys.stdout.write(json.dumps(got))
