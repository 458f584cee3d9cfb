"""The embedded simulator behind the command line of an ArduSub SITL, for the bench that starts one.

The kind of vehicle follows from the serial lines, as there; called ``pilot`` its pilot-input failsafe acts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hullscan_sim.conformance.wire import EmbeddedWire
from hullscan_sim.mavlink_server import MavlinkServer


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


def main() -> None:
    assert Path(option("--defaults")).read_text().startswith("FRAME_CONFIG 2")
    second = option("--serial1").startswith("udpclient")
    wire = EmbeddedWire(
        position="dvl" if option("--serial2") == "sim:vicon" else "gps",
        start_up=0.0,
        pilot_failsafe="hardware" if Path(sys.argv[0]).name == "pilot" else "stock_sitl",
        link="serial1" if second else "serial0",
    )
    address = option("--serial1" if second else "--serial0").removeprefix("udpclient:")
    wire.simulation._link = MavlinkServer(f"udpout:{address}")
    wire.simulation.run(float(option("--speedup")))


if __name__ == "__main__":
    main()
