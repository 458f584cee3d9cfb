"""How packets reach a vehicle: a UDP socket for any vehicle, or the embedded simulator inside this process."""

from __future__ import annotations

import socket
from typing import Protocol

from hullscan.errors import InputError, LinkError
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.spec import Berth, Launch, Ship
from hullscan.ship.surface import HullSurface
from hullscan_sim.faults import kinds
from hullscan_sim.mavlink_server import MemoryLink
from hullscan_sim.scenario import Scenario, ShipAtBerth, VehicleOptions
from hullscan_sim.simulation import Simulation

__all__ = ["EmbeddedWire", "UdpWire", "Wire"]

_SILENT_S = 20.0  # of real time: longer than any vehicle takes to boot or to calibrate its barometer
_LONGEST_STEP_S = 0.5
_FAULTS = {
    "dvl_dropout": kinds.DvlDropout,
    "position_loss": kinds.PositionLoss,
    "battery_sag": kinds.BatterySag,
    "link_loss": kinds.LinkLoss,
    "leak": kinds.Leak,
    "depth_sensor_loss": kinds.DepthSensorLoss,
}


class Wire(Protocol):
    """Packets to and from one vehicle."""

    def send(self, packet: bytes) -> None:
        """Send one packet."""
        ...

    def receive(self) -> list[bytes]:
        """Wait for packets; time passes for the vehicle meanwhile."""
        ...

    def close(self) -> None:
        """Give the address back."""
        ...


class UdpWire:
    """A UDP socket: ``udpin:host:port`` waits to be called, ``udpout:host:port`` calls.

    Raises:
        InputError: the address cannot be read.
        LinkError: it cannot be used, or the vehicle has fallen silent.
    """

    def __init__(self, url: str) -> None:
        kind, _, rest = url.replace("://", ":", 1).partition(":")
        host, _, port = rest.rpartition(":")
        if kind not in ("udpin", "udpout") or not host or not port.isdecimal():
            raise InputError(f"{url!r} is not an address", where="--connect", todo="write udpin:127.0.0.1:14550")
        self._url = url
        self._peer: tuple[str, int] | None = (host, int(port)) if kind == "udpout" else None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_SILENT_S)
        try:
            self._socket.bind((host, int(port)) if kind == "udpin" else ("", 0))
        except OSError as error:
            self._socket.close()
            raise LinkError(f"cannot use {url}: {error.strerror}", todo="choose another port") from error

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def send(self, packet: bytes) -> None:
        """Send one packet; before a vehicle has called there is nobody to send to."""
        if self._peer is not None:
            self._socket.sendto(packet, self._peer)

    def receive(self) -> list[bytes]:
        """One datagram; waits for it."""
        try:
            data, peer = self._socket.recvfrom(65536)
        except ConnectionRefusedError:
            return []
        except TimeoutError as error:
            raise LinkError(
                f"nothing heard on {self._url} for {_SILENT_S:.0f} s", todo="start the vehicle, check the port"
            ) from error
        self._peer = peer
        return [data]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class EmbeddedWire:
    """The embedded simulator, stepped only while packets are waited for: exact, and as fast as the computer is.

    It floats 30 m south of a ship in 19 m of water (8 m when its DVL has to see her), and has a perfect compass.

    Args:
        position: what it navigates by.
        start_up: share of the real start-up time.
        pilot_failsafe: as on hardware, or left out as in a stock SITL.
        link: which of the autopilot's serial ports this is; unsigned packets pass on the first only.
    """

    def __init__(
        self,
        *,
        position: str = "gps",
        start_up: float = 1.0,
        pilot_failsafe: str = "hardware",
        link: str = "serial0",
    ) -> None:
        options = VehicleOptions(
            position="dvl" if position == "dvl" else "gps",
            dvl="perfect",
            compass="perfect",
            thruster_lag_s=0.05,  # SITL's own vehicle, which the sheet is about, has none
            start_up=start_up,
            pilot_failsafe="hardware" if pilot_failsafe == "hardware" else "stock_sitl",
            link="serial0" if link == "serial0" else "serial1",
        )
        self._link = MemoryLink()
        stated = _stated(8.0 if position == "dvl" else 30.0)  # a DVL has to see the hull
        self.simulation = Simulation(Scenario(seed=7, vehicle=options), stated, _hull(), link=self._link)

    def send(self, packet: bytes) -> None:
        """Hand over one packet."""
        self._link.put(packet)

    def receive(self) -> list[bytes]:
        """Step until something is sent."""
        end_s = self.simulation.time_s + _LONGEST_STEP_S
        while self.simulation.time_s < end_s:
            self.simulation.step()
            packets = self._link.take()
            if packets:
                return packets
        return []

    def fault(self, kind: str, for_s: float) -> None:
        """Let one of the scenario's faults begin now."""
        self.simulation.add_fault(_FAULTS[kind](at_s=self.simulation.time_s, for_s=for_s))

    def close(self) -> None:
        """Nothing to give back."""
        self.simulation.close()


_FORM = BulkCarrier(length_m=60, beam_m=11, draught_fwd_m=3.6, draught_aft_m=3.9)
_hulls: list[HullSurface] = []


def _stated(distance_m: float) -> ShipAtBerth:
    return ShipAtBerth(
        ship=Ship(name="MV Haneul", form=_FORM),
        berth=Berth(lat_deg=35.0767, lon_deg=129.08, heading_deg=90, quay_side="port", water_depth_m=19.0),
        launch=Launch(side="starboard", station_m=30.0, distance_m=distance_m),
    )


def _hull() -> HullSurface:
    """Built once."""
    if not _hulls:
        _hulls.append(build_hull(_FORM))
    return _hulls[0]
