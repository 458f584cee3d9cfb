"""How many planted parcels whole surveys find: flies a campaign in the simulator and scores it.

    python benchmarks/campaign.py OUT --count 40 --seed 1 [--visibility 3 5] [--parcels 3]

Each world is a survey of the demo's stretch of hull with three parcels; one takes three to four minutes on two cores.
With ``--parcels 16`` few flights give many places and sizes (``benchmarks/accuracy.py``), but no fair trial of
detection.
What has been flown already is not flown again, so it can be stopped and started.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

MISSION = Path(__file__).parent.parent / "missions" / "demo.yaml"
HULLSCAN = [sys.executable, "-c", "from hullscan.cli import main; main()"]
SIMULATOR = [sys.executable, "-m", "hullscan_sim"]


def flown(world: Path) -> Path | None:
    return next((path.parent for path in world.glob("*/summary.json")), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--visibility", type=float, nargs=2, default=(3.0, 5.0))
    parser.add_argument("--parcels", type=int, default=3)
    asked = parser.parse_args()
    command = [*SIMULATOR, "campaign", MISSION, "--out", asked.out, "--count", asked.count, "--seed", asked.seed,
               "--stations", 31.5, 42.5, "--depths", 0.8, 3.4, "--visibility", *asked.visibility,
               "--parcels", asked.parcels]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    folders = []
    for world in sorted(asked.out.glob("[0-9][0-9][0-9]")):
        if flown(world) is None:
            ended = subprocess.run(
                [*HULLSCAN, "survey", world / "mission.yaml", "--sim", world / "scenario.yaml", "--out", world],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            print(f"{world.name}: exit {ended.returncode} {ended.stderr.strip()}", flush=True)
        folder = flown(world)
        if folder is not None:
            folders.append(folder)
    named = [part for folder in folders for part in ("--missions", folder)]
    subprocess.run([*HULLSCAN, "evaluate", *named, "--json", asked.out / "score.json"], check=True)


if __name__ == "__main__":
    main()
