"""The ship as built, as a table on the terminal: what she displaces, what was repaired, what looks wrong."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hullscan.mission.model import Mission
from hullscan.ship.form import form_kind
from hullscan.ship.frames import frame_at
from hullscan.ship.hydrostatics import USUAL_BLOCK, hydrostatics
from hullscan.ship.marks import read_draughts
from hullscan.words import fill, mark

__all__ = ["ship_table"]

_DRAUGHT_DIFFERS_M = 0.1  # between stated draughts and those read at the marks: a wave, or a wrong figure


def ship_table(mission: Mission, words: Callable[[str], str]) -> Group:
    """Hydrostatics of the mission's ship with notes and warnings, in the language of ``words``."""
    ship, hull = mission.file.ship, mission.hull
    figures = hydrostatics(hull)
    kind = form_kind(ship.form)
    table = Table(title=ship.name, title_justify="left", box=None, padding=(0, 2), show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    rows = (
        (mark("form"), kind),
        (mark("length between perpendiculars"), f"{figures.length_m:.2f} m"),
        (mark("beam"), f"{figures.beam_m:.2f} m"),
        (mark("draught forward"), f"{figures.draught_fwd_m:.2f} m"),
        (mark("draught aft"), f"{figures.draught_aft_m:.2f} m"),
        (mark("list, starboard down"), f"{figures.list_deg:.1f}°"),
        (mark("hull reaches from station"), f"{hull.stations_m[0]:.2f} m"),
        (mark("hull reaches to station"), f"{hull.stations_m[-1]:.2f} m"),
        (mark("displaced volume"), f"{figures.volume_m3:.1f} m³"),
        (mark("displacement in sea water"), f"{figures.displacement_t:.1f} t"),
        (mark("wetted area"), f"{figures.wetted_area_m2:.1f} m²"),
        (mark("waterplane area"), f"{figures.waterplane_area_m2:.1f} m²"),
        (mark("block coefficient"), f"{figures.block:.3f}"),
        (mark("waterplane coefficient"), f"{figures.waterplane:.3f}"),
        (mark("midship coefficient"), f"{figures.midship:.3f}"),
        (mark("centre of buoyancy, station"), f"{figures.centre_m:.2f} m"),
    )
    for name, value in rows:
        table.add_row(words(name), value)
    for station, name in (
        (0.0, mark("frame at the aft perpendicular")),
        (figures.length_m, mark("frame at the forward perpendicular")),
    ):
        number = frame_at(ship.frames, station)
        if number is not None:
            table.add_row(words(name), f"{number:.1f}")
    notes = [fill(words(message), data) for message, data in hull.notes]
    return Group(table, *(Text(line) for line in [*notes, *_warnings(mission, words)]))


def _warnings(mission: Mission, words: Callable[[str], str]) -> list[str]:
    ship, hull = mission.file.ship, mission.hull
    figures = hydrostatics(hull)
    lines = []
    low, high = USUAL_BLOCK[form_kind(ship.form)]
    if not low <= figures.block <= high:
        message = mark(
            "warning: a block coefficient of {block:.3f} is unusual for this form ({low:.2f} to {high:.2f}); check the "
            "dimensions"
        )
        lines.append(fill(words(message), {"block": figures.block, "low": low, "high": high}))
    if figures.flat_end_area_m2 > 0.05:
        message = mark(
            "warning: {area:.1f} m² of plates across her ends: no pass leads there, what is seen of them in passing "
            "counts"
        )
        lines.append(fill(words(message), {"area": figures.flat_end_area_m2}))
    read = read_draughts(ship.draught_marks, figures.length_m)
    stated = (figures.draught_fwd_m, figures.draught_aft_m)
    if read is not None and max(abs(a - b) for a, b in zip(read, stated, strict=True)) > _DRAUGHT_DIFFERS_M:
        message = mark(
            "warning: her marks give draughts of {fwd:.2f} m forward and {aft:.2f} m aft, the form states others"
        )
        lines.append(fill(words(message), {"fwd": read[0], "aft": read[1]}))
    return lines
