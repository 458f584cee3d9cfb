"""A serial line without a library: the POSIX terminal interface, raw, 8 bits, no parity, 1 stop bit."""

from __future__ import annotations

import os
import select

from hullscan.clock import real_seconds
from hullscan.errors import LinkError
from hullscan.vehicle.address import Address

__all__ = ["SerialPort"]

_SEND_S = 1.0  # real time; a line that takes no byte for so long is dead


class SerialPort:
    """One open line; where it leads nowhere, ``OSError``.

    Raises:
        LinkError: it cannot be opened, or this system has no such interface.
    """

    def __init__(self, address: Address) -> None:
        try:
            import termios
        except ImportError:
            raise LinkError(
                "serial lines need Linux or macOS", where=str(address), todo="route the line to UDP, as BlueOS does"
            ) from None
        speed = getattr(termios, f"B{address.number}", None)
        if speed is None:
            raise LinkError(f"this system has no baud rate {address.number}", where=str(address))
        try:
            self._handle = os.open(address.place, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise LinkError(f"cannot open the serial line: {error.strerror}", where=str(address)) from None
        try:
            characters = termios.tcgetattr(self._handle)[6]
            flags = termios.CS8 | termios.CREAD | termios.CLOCAL
            termios.tcsetattr(self._handle, termios.TCSANOW, [0, 0, flags, 0, speed, speed, characters])
        except termios.error:
            os.close(self._handle)
            raise LinkError("this is not a serial line", where=str(address)) from None

    def fileno(self) -> int:
        """For ``select``."""
        return self._handle

    def recv(self, size: int, /) -> bytes:
        """What has arrived."""
        return os.read(self._handle, size)

    def sendall(self, data: bytes, /) -> None:
        """Write everything within ``_SEND_S``."""
        end_s = real_seconds() + _SEND_S
        while data:
            if not select.select([], [self._handle], [], max(end_s - real_seconds(), 0.0))[1]:
                raise TimeoutError
            data = data[os.write(self._handle, data) :]

    def close(self) -> None:
        """Give the line back; a second time does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
