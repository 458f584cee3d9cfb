"""Measures the registration: error of the vehicle's place beside the ship, and whether it is as large as it says.

    python benchmarks/registration.py [--seeds N] [--first SEED] [CASE ...]

Kinematic passes with every trouble of ``tests/hull_passes.py``: berth off by 2 m and 3 degrees, compass by up to 40
degrees, trim, list, moorings, dents and growth, misaligned DVL, gaps of seconds, wrong and repeated reports. Live
is what the filter said at that moment; "again" is the smoother over the whole recording. "Anchored" samples lie at
most 30 m behind plating that is turned by more than 20 degrees, or behind a fitting seen, or there.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from hull_passes import MOUNT, HullPass, Troubles, fly_pass  # noqa: E402 (the tests' own folder comes first)

from hullscan.geometry.track import ShipTrack  # noqa: E402
from hullscan.pilot.registration import WIDE_BERTH, HullRegistration, RegistrationNoise  # noqa: E402
from hullscan.pilot.registration.state import radius95_m  # noqa: E402
from hullscan.ship.form import BulkCarrier, ContainerShip, build_hull  # noqa: E402
from hullscan.ship.surface import HullSurface  # noqa: E402

SETTLE_S, ANCHOR_S, NEAR_M, SPEED_MPS = 10.0, 5.0, 30.0, 0.3


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of pass."""

    hull: HullSurface
    corners: list[tuple[float, float]]
    troubles: Troubles = field(default_factory=Troubles)
    noise: RegistrationNoise | None = None
    fittings: tuple[tuple[float, float], ...] = ()


def cases() -> dict[str, Case]:
    small = build_hull(BulkCarrier(length_m=60, beam_m=11, draught_fwd_m=4.6, draught_aft_m=4.8))
    large = build_hull(BulkCarrier(length_m=180, beam_m=30, draught_fwd_m=9.5, draught_aft_m=9.9))
    fine = build_hull(
        ContainerShip(type="container_ship", length_m=150, beam_m=25, draught_fwd_m=8.5, draught_aft_m=8.8)
    )
    bow = [(50, 1.5), (36, 1.5), (36, 2.6), (56, 2.6), (44, 2.6)]
    middle = [(90, 3.0), (120, 3.0), (120, 5.0), (100, 5.0)]
    return {
        "bulk carrier 60 m, from her bow": Case(hull=small, corners=bow),
        "bulk carrier 180 m": Case(hull=large, corners=[(140, 2.0), (174, 2.0), (174, 4.0), (150, 4.0)]),
        "container ship 150 m, bulb": Case(hull=fine, corners=[(128, 3.0), (147, 3.0), (147, 6.0), (122, 6.0)]),
        "berth known to 5 m and 5 deg": Case(
            hull=small, corners=bow, troubles=Troubles(berth_m=5.0, berth_deg=5.0), noise=WIDE_BERTH
        ),
        "echo sounder only": Case(hull=small, corners=bow, troubles=Troubles(echo=True)),
        "midbody of 180 m, no anchor": Case(hull=large, corners=middle),
        "the same, fittings seen": Case(
            hull=large,
            corners=middle,
            fittings=((96.0, 3.2), (108.0, 3.2), (116.0, 3.2), (110.0, 4.9)),
        ),
    }


@dataclass
class Result:
    """Of one pass.

    Attributes:
        error_m: (n,) distance of the place from the truth.
        inside: (n,) within the stated circle of 95 %.
        anchored: (n,) samples behind an anchor.
    """

    error_m: np.ndarray
    inside: np.ndarray
    anchored: np.ndarray
    radius_m: np.ndarray


def measured(track: ShipTrack, flown: HullPass, anchored: np.ndarray) -> Result:
    """What a track says about the vehicle's place, once a second after the first ten."""
    index = np.arange(int(SETTLE_S / 0.2), len(flown.utc_s), 5)
    off, radius = np.empty(len(index)), np.empty(len(index))
    for row, k in enumerate(index):
        ship, covariance = track.at(float(flown.utc_s[k]))
        here = ship.to_ship(flown.believed[k].position_m)
        c, s = np.cos(ship.heading_rad), np.sin(ship.heading_rad)
        jacobian = np.array([[c, s, -here[1], 0], [-s, c, here[0], 0]])
        off[row] = np.hypot(*(here - flown.place_ship_m[k])[:2])
        radius[row] = radius95_m(jacobian @ covariance @ jacobian.T)
    return Result(off, off < radius, anchored[index], radius)


def anchored_samples(flown: HullPass) -> np.ndarray:
    """(n,) whether an anchor was passed, not longer ago than 30 m."""
    seen = np.zeros(len(flown.utc_s), bool)
    seen[list(flown.sightings)] = True
    on_curve = np.convolve(flown.curved, np.ones(int(ANCHOR_S / 0.2)), mode="full")[: len(seen)]
    anchor = seen | (on_curve >= int(ANCHOR_S / 0.2))
    last = np.maximum.accumulate(np.where(anchor, np.arange(len(seen)), -(10**9)))
    return (np.arange(len(seen)) - last) * 0.2 * SPEED_MPS < NEAR_M


def fly(case: Case, seed: int) -> tuple[HullPass, HullRegistration, ShipTrack, list[float]]:
    """One pass through the filter; processor time of each report, in s."""
    places = None
    if case.fittings:
        station, depth = np.array(case.fittings).T
        side = np.ones(len(station), dtype=np.int8)
        places = case.hull.point(side, station, case.hull.girth_to_depth(station, depth))
    flown = fly_pass(case.hull, case.corners, seed, case.troubles, places)
    registration = HullRegistration(case.hull, flown.expected, MOUNT, flown.believed[0].position_m, case.noise)
    spent = []
    since = 0.0
    for k, (report, pose) in enumerate(zip(flown.reports, flown.believed, strict=True)):
        since += flown.turned_rad[k]
        begin = time.process_time()
        before = registration.last_s
        registration.update(report, pose, since)
        spent.append(time.process_time() - begin)
        if registration.last_s != before:
            since = 0.0
        if k in flown.sightings:
            registration.observe_landmark(flown.sightings[k], pose, since)
    return flown, registration, registration.track(), spent


def main() -> None:
    arguments = sys.argv[1:]
    seeds = int(arguments.pop(arguments.index("--seeds") + 1)) if "--seeds" in arguments else 30
    first = int(arguments.pop(arguments.index("--first") + 1)) if "--first" in arguments else 0
    asked = [a for a in arguments if a not in ("--seeds", "--first")]
    print(f"{seeds} passes each; error of the place in the ship frame, m; inside: share within the stated 95 % radius")
    print(f"{'':34}{'anchored':^24}{'all':^24}{'again, anchored':^24}{'ms a report':^16}")
    head = f"{'95 %':>8}{'inside':>8}{'stated':>8}"
    print(f"{'':34}{head}{head}{head}{'median':>8}{'99 %':>8}")
    for name, case in cases().items():
        if asked and not any(word in name for word in asked):
            continue
        rows: dict[str, list[Result]] = {"live": [], "again": []}
        spent: list[float] = []
        for seed in range(first, first + seeds):
            flown, registration, track, times = fly(case, seed)
            spent += times
            anchored = anchored_samples(flown)
            rows["live"].append(measured(track, flown, anchored))
            rows["again"].append(measured(registration.smoothed_again(), flown, anchored))
        cells = _cell(rows["live"], True) + _cell(rows["live"], False) + _cell(rows["again"], True)
        used = np.array(spent)[np.array(spent) > 1e-4] * 1e3
        print(f"{name:34}{cells}{np.median(used):8.1f}{np.percentile(used, 99):8.1f}", flush=True)


def _cell(results: list[Result], anchored: bool) -> str:
    keep = [r.anchored if anchored else np.ones_like(r.anchored) for r in results]
    error = np.concatenate([r.error_m[k] for r, k in zip(results, keep, strict=True)])
    inside = np.concatenate([r.inside[k] for r, k in zip(results, keep, strict=True)])
    radius = np.concatenate([r.radius_m[k] for r, k in zip(results, keep, strict=True)])
    if not len(error):
        return f"{'-':>8}{'-':>8}{'-':>8}"
    return f"{np.percentile(error, 95):8.2f}{100 * inside.mean():7.1f}%{np.median(radius):8.2f}"


if __name__ == "__main__":
    main()
