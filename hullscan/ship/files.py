"""Where the files lie that a mission file names for the ship's form."""

from __future__ import annotations

from pathlib import Path

from hullscan.errors import InputError

__all__ = ["COPIES", "named_file"]

COPIES = "named"
"""Folder beside a mission file in which a recorded mission keeps copies of the files that it names."""


def named_file(name: str, folder: Path, where: str = "ship.form") -> Path:
    """The file that a mission names: a copy kept beside the mission file, else relative to it.

    Args:
        where: the key that names it.

    Raises:
        InputError: there is none.
    """
    copy, stated = folder / COPIES / Path(name).name, folder / name
    for path in (copy, stated):
        if path.is_file():
            return path
    raise InputError(f"cannot find {stated}", where=where, todo="names are relative to the mission file")
