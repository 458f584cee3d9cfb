"""How fast ships are built and asked: build time, nearest points, rays, for three lengths and a mesh; asserts nothing.

python benchmarks/ship.py [--mesh ../shared/data/hulls/DTC-scaled.stl.gz]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from hullscan.ship.form import BulkCarrier, ContainerShip, Form, MeshForm, build_hull

POINTS, RAYS = 5_000, 100_000


def forms(mesh: Path) -> dict[str, Form]:
    found: dict[str, Form] = {}
    for length in (60, 180, 400):
        beam, draught = length / 6.5, length / 18
        found[f"bulk carrier {length} m"] = BulkCarrier(
            length_m=length, beam_m=beam, draught_fwd_m=draught, draught_aft_m=draught
        )
        found[f"container ship {length} m"] = ContainerShip(
            type="container_ship", length_m=length, beam_m=max(beam, 10), draught_fwd_m=draught, draught_aft_m=draught
        )
    if mesh.is_file():
        found[f"{mesh.name} at full scale"] = MeshForm(mesh=str(mesh.resolve()), scale=59.407, waterline_m=14.5)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mesh", type=Path, default=Path("../shared/data/hulls/DTC-scaled.stl.gz"))
    mesh = parser.parse_args().mesh
    print(f"{'ship':34s} {'build s':>8s} {'sections':>8s} {'nearest/s':>10s} {'rays/s':>10s}")
    rng = np.random.default_rng(0)
    for name, form in forms(mesh).items():
        start = time.perf_counter()
        hull = build_hull(form)
        built = time.perf_counter() - start
        beam, length = hull.dimensions.beam_m, hull.dimensions.length_m
        share = rng.random((RAYS, 2))
        eyes = np.column_stack(
            [share[:, 0] * length, np.full(RAYS, beam / 2 + 1.5), share[:, 1] * hull.dimensions.draught_m]
        )
        rays = np.tile([0.0, -1.0, 0.0], (RAYS, 1))
        hull.cast(eyes[:10], rays[:10])
        hull.nearest(eyes[:10])
        start = time.perf_counter()
        hull.cast(eyes, rays)
        cast = time.perf_counter() - start
        start = time.perf_counter()
        hull.nearest(eyes[:POINTS])
        nearest = time.perf_counter() - start
        sections = len(hull.stations_m)
        print(f"{name:34s} {built:8.2f} {sections:8d} {POINTS / nearest:10.0f} {RAYS / cast:10.0f}")
    if not mesh.is_file():
        print(f"no mesh measured: {mesh} is not there")


if __name__ == "__main__":
    main()
