"""What became of planted parcels, as a table for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hullscan.vision.pod_curve import LEAST_TRIALS
from hullscan.vision.trials import CLAIM_POD, Span

__all__ = ["trials_table"]


def trials_table(scored: dict[str, Any]) -> Group:
    """POD by length and visibility, then false findings and errors of place."""
    table = Table(title=f"planted parcels in {scored['surveys']} surveys, {scored['seen_area_m2']:g} m² seen")
    for name in ("length, m", "visibility, m", "parcels", "found", "POD", "at least (95 %)"):
        table.add_column(name, justify="right")
    for band in [*scored["bands"], scored["all"]]:
        if not band["parcels"]:
            continue
        lower = band["pod_lower"]
        table.add_row(
            _span(band["length_m"]),
            _span(band["visibility_m"]),
            str(band["parcels"]),
            str(band["found"]),
            f"{band['pod']:.2f}",
            f"{lower:.2f}" if lower is not None else f"too few to claim {CLAIM_POD:g}",
        )
    place = scored["place_error_m"]
    lines = [
        _curve_words(scored["curve"]),
        f"false findings: {scored['false_findings']}, {scored['false_per_1000_m2']} for each 1,000 m², "
        f"at most {scored['false_per_1000_m2_upper']} (95 %)",
        f"error of place: median {place['median']} m, 95 % within {place['p95']} m; inside the stated radius: "
        f"{place['inside_radius95']}",
        f"error of size: median {scored['size_error_median']}",
        f"contacts with the hull: {'not told' if scored['contacts'] is None else scored['contacts']}; parcels where "
        f"nothing was asked for: {scored['parcels_not_asked_for']}",
    ]
    by_kind = ", ".join(f"{kind} {found} of {parcels}" for kind, (parcels, found) in scored["by_kind"].items())
    return Group(table, *(Text(line) for line in (f"by kind: {by_kind}", *lines)))


def _curve_words(curve: dict[str, Any] | None) -> str:
    if curve is None:
        return f"POD by size: no curve; it needs {LEAST_TRIALS} parcels, some found and some missed"
    a90, sure = ("no size" if size is None else f"{size:.2f} m" for size in (curve["a90_m"], curve["a90_95_m"]))
    return (
        f"POD by size: climbs to {curve['asymptote']:.2f}, half of that at {curve['a50_m']:.2f} m; "
        f"0.90 from {a90} on, with 95 % confidence from {sure} on"
    )


def _span(band: Span) -> str:
    low, high = band
    if high is None:
        return "all" if low <= 0 else f"{low:g} and more"
    return f"{low:g} to {high:g}"
