"""The parameter files that come with hullscan, in ``firmware_params/``: which one a vehicle needs."""

from __future__ import annotations

import re
from pathlib import Path

from hullscan.errors import InputError

__all__ = ["VINTAGES", "shipped_folder", "shipped_parameters"]

VINTAGES = ((4, 1), (4, 5), (4, 7))
"""Firmware from which on the names of a file hold; ArduSub 4.1 is the oldest that hullscan flies."""

_CHECKOUT = Path(__file__).parents[2] / "firmware_params"
_WHEEL = Path(__file__).parents[1] / "_shipped" / "firmware_params"


def shipped_folder() -> Path:
    """Where the files are: in a checkout, else in the installed package."""
    return _CHECKOUT if _CHECKOUT.is_dir() else _WHEEL


def shipped_parameters(vehicle: str, firmware: str, *, dvl: bool = True) -> Path:
    """The file for a vehicle profile, in the names of its firmware.

    Args:
        vehicle: what its profile calls them.
        firmware: such as "4.5.3"; 4.5 is taken when it is empty.
        dvl: it finds its way with a DVL; else by an echo sounder alone.

    Raises:
        InputError: there is none for this vehicle.
    """
    found = re.match(r"(\d+)\.(\d+)", firmware)
    version = (int(found[1]), int(found[2])) if found else (4, 5)
    vintage = max((each for each in VINTAGES if each <= version), default=VINTAGES[0])
    path = shipped_folder() / f"{vehicle}-{'dvl' if dvl else 'echo-sounder'}-{vintage[0]}.{vintage[1]}.param"
    if not path.is_file():
        raise InputError(f"no parameter file for vehicle {vehicle!r}", where=str(path), todo="give a file of your own")
    return path
