"""From the parameters that a vehicle has to those that a file asks for: shown first, backed up, written, verified."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hullscan.clock import utc_text
from hullscan.errors import InputError, RefusedError
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.parameter_file import ParameterFile, ParameterLine, number_text, same_value, save_parameters
from hullscan.vehicle.parameters import ALIASES, Parameters

__all__ = ["Applied", "Change", "apply_parameters", "backup_parameters", "compare_with_file", "compare_with_vehicle"]

_AT_START = ("AHRS_", "EK2_", "EK3_", "FRAME_", "GPS_", "GPS1_", "MNT", "RNGFND", "SERIAL", "VISO_")
"""Beginnings of names whose values ArduPilot reads when it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a line of a file means for a vehicle.

    Attributes:
        wanted: the line.
        name: as the vehicle calls it; the file's own when it has none such.
        before: the vehicle's value; None when it has no such parameter.
    """

    wanted: ParameterLine
    name: str
    before: float | None

    @property
    def missing(self) -> bool:
        """The vehicle does not know it under any name."""
        return self.before is None

    @property
    def needed(self) -> bool:
        """The vehicle has it, with a value that the line does not accept."""
        return self.before is not None and not self.wanted.is_met_by(self.before)

    @property
    def at_start(self) -> bool:
        """It acts only after the autopilot's next start."""
        return self.name.startswith(_AT_START)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was written: the changes, the backup of everything before, and whether a restart is needed."""

    changes: tuple[Change, ...]
    backup: Path

    @property
    def restart(self) -> bool:
        """The autopilot has to start anew before all of it acts."""
        return any(change.at_start for change in self.changes)


def _names_of(name: str) -> tuple[str, ...]:
    group = next((group for group in ALIASES if name in group), (name,))
    return (name, *(other for other in group if other != name))


def _compare(lines: Iterable[ParameterLine], has: dict[str, float]) -> tuple[Change, ...]:
    changes = []
    for line in lines:
        name = next((name for name in _names_of(line.name) if name in has), line.name)
        changes.append(Change(wanted=line, name=name, before=has.get(name)))
    return tuple(changes)


def compare_with_vehicle(parameters: Parameters, file: ParameterFile) -> tuple[Change, ...]:
    """Every line of a file against the vehicle, under the names of either vintage.

    Asked for by name, because ArduPilot leaves what belongs to a switched-off sensor out of its list.
    """
    asked = [name for line in file.lines for name in _names_of(line.name)]
    return _compare(file.lines, parameters.find_many(asked))


def compare_with_file(file: ParameterFile, other: ParameterFile) -> tuple[Change, ...]:
    """Every line of ``file`` against another file, taken as the vehicle."""
    return _compare(file.lines, other.values)


def backup_parameters(vehicle: ArduSubVehicle, path: Path, utc_s: float, what: str) -> int:
    """Write every parameter of the vehicle to a new file; how many.

    Raises:
        LinkError: some did not arrive.
        InputError: the file exists or cannot be written.
    """
    values = vehicle.parameters.read_all()
    save_parameters(path, values, heading=[f"{what}, {utc_text(utc_s)}: all {len(values)} parameters"])
    return len(values)


def apply_parameters(
    vehicle: ArduSubVehicle,
    changes: Iterable[Change],
    backup: Path,
    utc_s: float,
    told: Callable[[Change], None] = lambda change: None,
) -> Applied:
    """Back everything up, write what is needed, and read it back.

    Args:
        changes: of ``compare_with_vehicle``.
        backup: file for every parameter as it was; has to be new.
        told: called after each value that was written.

    Raises:
        RefusedError: armed; or a value was not kept: names it and the backup.
        InputError: a parameter that the vehicle does not have; or the backup cannot be written. Nothing is written
            then.
    """
    wanted = tuple(changes)
    if vehicle.telemetry.armed:
        raise RefusedError("parameters are not written while the vehicle is armed", todo="disarm it first")
    missing = [change.wanted.name for change in wanted if change.missing]
    if missing:
        raise InputError(
            f"the vehicle has no parameter {', '.join(missing)}",
            todo="take these lines out of the file, or check its firmware",
        )
    needed = tuple(change for change in wanted if change.needed)
    backup_parameters(vehicle, backup, utc_s, "before parameters were applied")
    for change in needed:
        try:
            vehicle.parameters.set(change.name, change.wanted.value)
        except RefusedError as error:
            raise RefusedError(error.what, where=change.name, todo=f"the values before are in {backup}") from error
        told(change)
    kept = vehicle.parameters.find_many(change.name for change in needed)
    lost = [
        f"{change.name} is {number_text(kept[change.name]) if change.name in kept else 'silent'}"
        for change in needed
        if change.name not in kept or not same_value(kept[change.name], change.wanted.value)
    ]
    if lost:
        raise RefusedError(
            f"read back otherwise than written: {', '.join(lost)}", todo=f"the values before are in {backup}"
        )
    return Applied(changes=needed, backup=backup)
