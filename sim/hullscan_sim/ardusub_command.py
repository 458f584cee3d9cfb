"""Puts a real ArduSub and its world together: sockets, parameter file, child process, and their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import degrees
from pathlib import Path

import numpy as np

from hullscan_sim.ardusub import ArduSubSimulation
from hullscan_sim.ardusub_parameters import parameter_file
from hullscan_sim.ardusub_process import ArduSubProcess, Ports, arguments
from hullscan_sim.companion import BOOT_S, Companion
from hullscan_sim.json_backend import JsonPort
from hullscan_sim.mavlink_server import MavlinkServer
from hullscan_sim.plant import Plant, Seeds
from hullscan_sim.sensors import Compass
from hullscan_sim.steel import SteelCompass

__all__ = ["fly"]

_LINE = "udpin:127.0.0.1:0"


@contextmanager
def fly(
    plant: Plant, binary: Path, mavlink: str, start_utc_s: float, note: Callable[[str], None]
) -> Iterator[ArduSubSimulation]:
    """A running ArduSub in the plant's world; the child and everything else is ended on leaving.

    Args:
        plant: closed on leaving.
        binary: an ArduSub SITL.
        mavlink: where a ground station talks, ``udpout:host:port`` or ``udpin:host:port``.
        start_utc_s: UTC of the vehicle's power-up.
        note: told of notable events, one line each.

    Raises:
        InputError: an address cannot be read, or there is no such binary.
        LinkError: a port is taken, or the binary cannot be started.
    """
    options, home = plant.world.scenario.vehicle, plant.launch_origin
    with ExitStack() as opened:
        opened.callback(plant.close)
        ground = MavlinkServer(mavlink)
        opened.callback(ground.close)
        port, autopilot, second = JsonPort(), MavlinkServer(_LINE), MavlinkServer(_LINE)
        for each in (port, autopilot, second):
            opened.callback(each.close)
        ports = Ports(physics=port.port, ground=autopilot.address[1], companion=second.address[1])
        heading_deg = degrees(plant.body.euler_rad[2]) % 360

        def command(defaults: Path) -> list[str]:
            return arguments((home.lat_deg, home.lon_deg), heading_deg, ports, defaults, start_utc_s)

        firmware = opened.enter_context(ArduSubProcess(binary, parameter_file(options.position), command))
        seeds = Seeds.of(plant.world.scenario)
        compass = Compass(options.compass, np.random.default_rng(seeds.compass))
        steel = SteelCompass(plant, compass) if options.compass == "near_steel" else None
        origin = home if options.position == "dvl" else None
        companion = Companion(second, origin, note, boot_s=BOOT_S * options.start_up)
        yield ArduSubSimulation(
            plant, port, firmware, ground=ground, autopilot=autopilot, companion=companion, steel=steel, note=note
        )
