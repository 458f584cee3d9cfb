"""The scenarios that ship with the simulator, and faults in any valid mixture."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import yaml
from test_sim_station import HULL, Station, stated_ship

from hullscan_sim.faults import kinds
from hullscan_sim.mavlink_server import MemoryLink
from hullscan_sim.scenario import Mooring, Parcel, Scenario, VehicleOptions, Water, load_scenario, load_ship
from hullscan_sim.sensor_options import Clocks, Sensors
from hullscan_sim.simulation import Simulation

FOLDER = Path(__file__).parent.parent / "sim" / "scenarios"
SCENARIOS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def loaded(name: str) -> tuple[Scenario, Path]:
    scenario = load_scenario(FOLDER / f"{name}.yaml")
    assert scenario.mission is not None
    return scenario, FOLDER / scenario.mission


def flown(scenario: Scenario, mission: Path, until_s: float, notes: list[str]) -> Station:
    """Off the launch place, hovering at 1.5 m with sticks that wander."""
    stated, hull = load_ship(mission, scenario)
    link = MemoryLink()
    simulation = Simulation(scenario, stated, hull, link=link, note=notes.append)
    pilot = Station(simulation, link)
    pilot.run(0.5)
    pilot.arm()
    pilot.set_mode(2)
    pilot.fly(until_s - pilot.now, lambda t: pilot.sticks(x=200, y=round(300 * np.sin(t)), z=400))
    return pilot


def test_there_are_twenty_scenarios_besides_the_demo_and_they_cover_every_kind_of_fault():
    assert len(SCENARIOS) >= 21
    used = {fault.kind for name in SCENARIOS for fault in loaded(name)[0].faults}
    everything = {kind.__dataclass_fields__["kind"].default for kind in get_args(get_args(kinds.Fault)[0])}
    assert used == everything


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_says_what_a_good_controller_does_and_names_a_mission_that_is_there(name):
    lines = (FOLDER / f"{name}.yaml").read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert lines[: len(comments)] == comments
    assert 1 <= len(comments) <= 2
    assert "good controller" in " ".join(comments)
    assert loaded(name)[1].exists()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_runs_past_the_onset_of_its_faults(name):
    """With the faults brought forward, so that a few seconds meet all of them."""
    scenario, mission = loaded(name)
    soon = tuple(
        replace(fault, at_s=2.0 + index, for_s=min(fault.for_s, 2.0)) for index, fault in enumerate(scenario.faults)
    )
    notes: list[str] = []
    pilot = flown(replace(scenario, faults=soon), mission, 4.5 + len(soon), notes)
    for fault in soon:
        assert f"{fault.at_s:.1f} s: fault {fault.kind} begins" in notes
    assert all(map(isfinite, pilot.simulation.body.position))
    assert pilot.simulation.contacts.clearance_m > 0
    assert len(pilot.received) > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_runs_past_the_onset_of_its_faults_at_their_own_times(name):
    scenario, mission = loaded(name)
    notes: list[str] = []
    last_s = max((fault.at_s for fault in scenario.faults), default=10.0)
    pilot = flown(scenario, mission, last_s + 5.0, notes)
    assert sum(note.endswith("begins") for note in notes) == len(scenario.faults)
    assert all(map(isfinite, pilot.simulation.body.position))


# ---------------------------------------------------------------- the README


def described() -> str:
    return (FOLDER.parent / "README.md").read_text()


def test_the_readme_describes_every_key_of_a_scenario():
    def keys(kind: Any) -> set[str]:
        """Of a dataclass, and of the dataclasses that are its fields; parcels are a row of their own."""
        found = set()
        for name, hint in get_type_hints(kind).items():
            found |= {name} | (keys(hint) if is_dataclass(hint) else set())
        return found

    missing = {key for key in keys(Scenario) | keys(Parcel) if f"`{key}`" not in described()}
    assert not missing


def test_the_readme_describes_every_kind_of_fault_with_its_keys():
    rows = {row.split("`")[1]: row for row in described().splitlines() if row.startswith("| `")}
    for kind in get_args(get_args(kinds.Fault)[0]):
        own = set(kind.__dataclass_fields__) - {"at_s", "for_s", "kind"}
        row = rows[kind.__dataclass_fields__["kind"].default]
        assert {key for key in own if f"`{key}`" not in row} == set()


# ---------------------------------------------------------------- any mixture

VALUES: dict[str, tuple[Any, ...]] = {
    "thruster": tuple(range(1, 9)), "thrust_left": (0.0, 0.5, 1.0), "drop_v": (0.1, 2.4, 10.0),
    "slack_m": (0.0, 1.0, 50.0), "pull_n": (0.0, 30.0, 300.0), "towards_deg": (0.0, 123.0, 360.0),
    "lift_n": (-300.0, 0.0, 300.0), "direction": ("both", "to_vehicle", "from_vehicle"), "bad_s": (0.1, 60.0),
    "good_s": (0.1, 600.0), "loss": (0.0, 0.5, 1.0), "system_id": (1, 7, 255), "component_id": (1, 190, 255),
    "light_left": (0.0, 1.0), "jump_deg": (-180.0, 40.0, 180.0), "offset_m": (-20.0, 2.0, 20.0),
    "current_mps": (0.1, 3.0), "ramp_s": (0.1, 60.0), "mode": (None, "MANUAL", "SURFACE", "POSHOLD"),
    "forward": (-1.0, 0.0, 1.0), "right": (-1.0, 0.0, 1.0), "up": (-1.0, 0.0, 1.0), "turn": (-1.0, 0.0, 1.0),
    "north_m": (-3.0, 0.0, 3.0), "east_m": (-3.0, 0.0, 3.0), "turn_deg": (-5.0, 0.0, 5.0), "over_s": (5.0, 600.0),
    "jet_mps": (0.1, 12.0), "diameter_m": (0.3, 11.0), "station_m": (-5.0, 1.5, 30.0), "depth_m": (None, 0.0, 5.0),
}  # fmt: skip
"""Ends and middles of what each key may be."""


def any_faults(generator: np.random.Generator) -> list[dict[str, Any]]:
    """A list of valid entries, as a file would have them."""
    entries = []
    every = get_args(get_args(kinds.Fault)[0])
    for kind in generator.choice(len(every), int(generator.integers(1, 9))):
        names = every[kind].__dataclass_fields__
        entry: dict[str, Any] = {"kind": names["kind"].default, "at_s": round(float(generator.uniform(0, 5)), 2)}
        if generator.random() < 0.7:
            entry["for_s"] = round(float(generator.uniform(0.01, 4)), 2)
        for name in names:
            if name in VALUES and (generator.random() < 0.7 or name in ("thruster", "towards_deg")):
                entry[name] = VALUES[name][int(generator.integers(len(VALUES[name])))]
        entries.append(entry)
    return entries


@pytest.mark.parametrize("seed", range(12))
def test_any_valid_faults_leave_the_simulator_running(tmp_path, seed):
    """Read from a file as a user writes it, flown under stick for six seconds close to the hull."""
    generator = np.random.default_rng([seed, 41])
    file = tmp_path / "any.yaml"
    file.write_text(yaml.safe_dump({"seed": seed, "faults": any_faults(generator)}))
    scenario = replace(
        load_scenario(file),
        water=Water(current_mps=0.3, current_towards_deg=10.0, waves_m=0.2 * float(generator.integers(2))),
        mooring=Mooring(surge_m=0.5 * float(generator.integers(2)), yaw_deg=0.5 * float(generator.integers(2))),
        vehicle=VehicleOptions(start_up=0.0, position=("dvl", "gps")[int(generator.integers(2))]),
        sensors=Sensors(dvl_beam_width_deg=4.4, sounder=("nearest", "strongest")[int(generator.integers(2))]),
        clocks=Clocks(vehicle_drift_ppm=200.0),
    )
    link = MemoryLink()
    simulation = Simulation(scenario, stated_ship(distance_m=2.0), HULL, link=link)
    pilot = Station(simulation, link)
    pilot.run(0.3)
    pilot.arm()
    pilot.set_mode(2)
    pilot.fly(6.0 - pilot.now, lambda t: pilot.sticks(x=500, z=300))
    body = simulation.body
    assert all(map(isfinite, (*body.position, *body.velocity, *body.euler_rad)))
    assert all(abs(speed) < 20 for speed in body.velocity)
    assert simulation.contacts.min_clearance_m > -0.2
    assert all(map(isfinite, simulation.autopilot.nav.position))
