"""Connection strings: what people type or paste becomes one typed address.

Accepted are pymavlink's forms, BlueOS's ``type:place:argument`` and MAVSDK's ``scheme://``:

=============================  ============================================================
form                           meaning
=============================  ============================================================
``udpin:HOST:PORT``            wait for the vehicle's packets on this port
``udp:HOST:PORT``              the same (as pymavlink reads it)
``udpout:HOST:PORT``           speak first, to this address
``tcp:HOST:PORT``              connect to a server (a simulator, a router); also ``tcpout:``
``tcpin:HOST:PORT``            wait for one connection
``serial:DEVICE:BAUD``         a serial line; also ``/dev/ttyACM0,115200`` and ``COM3,57600``
=============================  ============================================================

A recorded file is another option of the commands and is never guessed from an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from hullscan.errors import InputError

__all__ = ["DEFAULT_ADDRESS", "FORMS", "Address", "Scheme", "parse_address"]

DEFAULT_ADDRESS = "udpin:0.0.0.0:14550"
"""Where BlueOS and ArduPilot's SITL send to when nothing else is configured."""

DEFAULT_BAUD = 115_200
"""ArduPilot's default on USB and on its first telemetry port."""

FORMS = (
    "udpin:HOST:PORT",
    "udpout:HOST:PORT",
    "udp:HOST:PORT",
    "tcp:HOST:PORT",
    "tcpin:HOST:PORT",
    "serial:DEVICE:BAUD",
)
"""What a message lists when an address is none of them."""


class Scheme(StrEnum):
    """How bytes travel."""

    UDP_IN = "udpin"
    UDP_OUT = "udpout"
    TCP = "tcp"
    TCP_IN = "tcpin"
    SERIAL = "serial"


_SCHEMES = {
    "udpin": Scheme.UDP_IN,
    "udp": Scheme.UDP_IN,
    "udpout": Scheme.UDP_OUT,
    "tcp": Scheme.TCP,
    "tcpout": Scheme.TCP,
    "tcpin": Scheme.TCP_IN,
    "serial": Scheme.SERIAL,
}
_ANY_HOST = "0.0.0.0"
_HOST = re.compile(r"^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?$")
_IPV6 = re.compile(r"^\[[0-9A-Fa-f:.%]{2,60}\]$")
_DEVICE = re.compile(r"^(?:/dev/[A-Za-z0-9_./:+-]{1,200}|COM[0-9]{1,3})$")
_MAX_CHARS = 300


@dataclass(frozen=True, slots=True)
class Address:
    """One end of a link, normalised; ``str`` gives the form to show and to store.

    Attributes:
        scheme: how bytes travel.
        place: host name or number, or the serial device.
        number: port, or baud rate of a serial line.
    """

    scheme: Scheme
    place: str
    number: int

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}:{self.number}"

    @property
    def is_listening(self) -> bool:
        """Whether the other side has to speak first."""
        return self.scheme in (Scheme.UDP_IN, Scheme.TCP_IN)


def _refuse(text: str, why: str) -> InputError:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return InputError(f"{shown!r} is not a vehicle address: {why}", todo="use one of " + ", ".join(FORMS))


def _number(text: str, digits: str, name: str, most: int) -> int:
    if not digits.isascii() or not digits.isdigit() or len(digits) > 8 or not 1 <= int(digits) <= most:
        raise _refuse(text, f"{name} {digits!r} is not a number from 1 to {most}")
    return int(digits)


def _serial(text: str, rest: str) -> Address:
    device, separator, baud = rest.replace(",", ":").rpartition(":")
    if not separator or not baud.isdigit():
        device, baud = rest, str(DEFAULT_BAUD)
    if not _DEVICE.match(device) or ".." in device:
        raise _refuse(text, f"{device!r} is not a serial device")
    return Address(Scheme.SERIAL, device, _number(text, baud, "baud rate", 12_000_000))


def _network(text: str, scheme: Scheme, rest: str) -> Address:
    host, separator, port = rest.rpartition(":")
    if not separator:
        raise _refuse(text, "the port is missing")
    if not host and scheme in (Scheme.UDP_IN, Scheme.TCP_IN):
        host = _ANY_HOST
    if not (_HOST.match(host) or _IPV6.match(host)):
        raise _refuse(text, f"{host!r} is not a host")
    return Address(scheme, host, _number(text, port, "port", 65_535))


def parse_address(text: str) -> Address:
    """Read a connection string, normalising what other programs write.

    Raises:
        InputError: none of the known forms; the message lists them.
    """
    given = text.strip()
    if not given or len(given) > _MAX_CHARS or not given.isprintable():
        raise _refuse(given, "it is empty, too long or unprintable")
    if _DEVICE.match(given.split(",")[0]):
        return _serial(given, given)
    name, separator, rest = given.partition(":")
    scheme = _SCHEMES.get(name.lower())
    if not separator or scheme is None:
        raise _refuse(given, f"unknown form {name!r}" if separator else "no form is named")
    if rest.startswith("//") and scheme is not Scheme.SERIAL:  # udp://0.0.0.0:14540, as MAVSDK writes it
        rest = rest[2:].rstrip("/")
    elif rest.startswith("///"):  # serial:///dev/ttyACM0:57600
        rest = rest[2:]
    return _serial(given, rest) if scheme is Scheme.SERIAL else _network(given, scheme, rest)
