"""``hullscan-sim``: a vehicle in its world, reached over MAVLink, DVL and video."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from hullscan.errors import HullscanError, InputError
from hullscan_sim.mavlink_server import MavlinkServer
from hullscan_sim.pacing import utc_now_s
from hullscan_sim.plant import Plant
from hullscan_sim.scenario import Scenario, load_scenario, load_ship
from hullscan_sim.simulation import Simulation
from hullscan_sim.truth import TruthRecorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from hullscan_sim.camera.process import CameraProcess

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

USAGE, INTERRUPTED = 2, 130
_UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])
"""Of whichever click this typer brings along."""


@app.callback()
def _commands() -> None:
    """Simulate a BlueROV2-class vehicle beside a ship."""


@app.command()
def run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file.", show_default=False)],
    mission: Annotated[Path | None, typer.Option(help="Mission file with ship and berth.", show_default=False)] = None,
    mavlink: Annotated[str, typer.Option(help="Where the autopilot talks.")] = "udpout:127.0.0.1:14550",
    dvl: Annotated[str, typer.Option(help="Where the DVL listens.")] = "127.0.0.1:16171",
    video: Annotated[str, typer.Option(help="Where the video goes; empty for none.")] = "",
    speedup: Annotated[
        float, typer.Option(help="Simulated seconds for each real one; 0 for as fast as it goes.")
    ] = 1.0,
    truth: Annotated[Path | None, typer.Option(help="Folder for truth.json and truth.csv.", show_default=False)] = None,
    start_utc_s: Annotated[
        float, typer.Option(help="UTC of power-up, seconds, if that is later than now: for a mission that goes on.")
    ] = 0.0,
) -> None:
    """Run until interrupted."""
    if speedup < 0:
        raise InputError(f"speedup {speedup:g} is negative", where="--speedup")
    chosen = load_scenario(scenario)
    mission_file = _mission_file(scenario, chosen, mission)
    stated, hull = load_ship(mission_file, chosen)
    link = MavlinkServer(mavlink)
    camera = _open_camera(video, scenario, mission_file) if video else None
    start_utc_s = max(utc_now_s(), start_utc_s)
    simulation = Simulation(
        chosen,
        stated,
        hull,
        link=link,
        start_utc_s=start_utc_s,
        dvl_address=dvl,
        truth=None if truth is None else lambda world: TruthRecorder(truth, world, start_utc_s),
        camera=camera,
        note=_note,
    )
    _say(f"ready mavlink={mavlink} dvl={_listening(simulation.plant)} video={video or 'none'}")
    stopped = _Stop()
    try:
        simulation.run(speedup or inf, stopped)
    finally:
        simulation.close()
        if camera is not None:
            camera.close()
    if stopped.by == signal.SIGINT:
        raise KeyboardInterrupt


@app.command()
def ardusub(
    scenario: Annotated[Path, typer.Argument(help="Scenario file.", show_default=False)],
    binary: Annotated[Path, typer.Option(help="An ArduSub SITL, version 4.5.", show_default=False)],
    mission: Annotated[Path | None, typer.Option(help="Mission file with ship and berth.", show_default=False)] = None,
    mavlink: Annotated[str, typer.Option(help="Where ArduSub talks.")] = "udpout:127.0.0.1:14550",
    dvl: Annotated[str, typer.Option(help="Where the DVL listens.")] = "127.0.0.1:16171",
    video: Annotated[str, typer.Option(help="Where the video goes; empty for none.")] = "",
    speedup: Annotated[
        float, typer.Option(help="Simulated seconds for each real one; 0 for as fast as it goes.")
    ] = 1.0,
    truth: Annotated[Path | None, typer.Option(help="Folder for truth.json and truth.csv.", show_default=False)] = None,
) -> None:
    """Fly a real ArduSub in this world, until interrupted."""
    from hullscan_sim.ardusub_command import fly
    from hullscan_sim.ardusub_process import check_binary

    check_binary(binary)
    if speedup < 0:
        raise InputError(f"speedup {speedup:g} is negative", where="--speedup")
    chosen = load_scenario(scenario)
    mission_file = _mission_file(scenario, chosen, mission)
    stated, hull = load_ship(mission_file, chosen)
    stopped = _Stop()
    start_utc_s = utc_now_s()
    with ExitStack() as opened:
        camera = _open_camera(video, scenario, mission_file) if video else None
        if camera is not None:
            opened.callback(camera.close)
        plant = Plant(
            chosen,
            stated,
            hull,
            start_utc_s=start_utc_s,
            dvl_address=dvl,
            truth=None if truth is None else lambda world: TruthRecorder(truth, world, start_utc_s),
            camera=camera,
            note=_note,
        )
        simulation = opened.enter_context(fly(plant, binary, mavlink, start_utc_s, _note))
        simulation.await_firmware(stopped)
        _say(f"ready mavlink={mavlink} dvl={_listening(plant)} video={video or 'none'}")
        simulation.run(speedup or inf, stopped)
    if stopped.by == signal.SIGINT:
        raise KeyboardInterrupt


@app.command()
def dataset(
    out: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    train: Annotated[int, typer.Option(min=0, help="Frames to train with.")] = 5000,
    val: Annotated[int, typer.Option(min=0, help="Frames to choose thresholds with.")] = 450,
    test: Annotated[int, typer.Option(min=0, help="Frames to measure with.")] = 650,
    seed: Annotated[int, typer.Option(min=0, help="Everything follows from it.")] = 1,
    parcel_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the places with parcels; the rest show what is taken for one.")
    ] = 0.6,
    tether_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the frames with the vehicle's own tether in view.")
    ] = 0.0,
    processes: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
) -> None:
    """Make training and test frames with exact labels. A run that was cut off goes on."""
    from rich.progress import Progress

    from hullscan_sim.dataset import DatasetRequest, make_dataset

    counts = {name: count for name, count in (("train", train), ("val", val), ("test", test)) if count}
    if not counts:
        raise InputError("no frames asked for", where="--train, --val, --test")
    with Progress(transient=True) as bar:
        task = bar.add_task("rendering frames", total=sum(counts.values()))
        request = DatasetRequest(
            counts=counts, seed=seed, processes=processes, parcel_share=parcel_share, tether_share=tether_share
        )
        card = make_dataset(out, request, lambda done: bar.update(task, completed=done))
    for name, facts in card["splits"].items():
        _say(f"{name}: {facts['frames']} frames of {facts['ships']} ships, {facts['frames_with_parcel']} with a parcel")


@app.command()
def campaign(
    mission: Annotated[Path, typer.Argument(help="Mission that every world is a variant of.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the worlds.", show_default=False)],
    stations: Annotated[tuple[float, float], typer.Option(help="Parcels lie between these stations, m.")],
    depths: Annotated[tuple[float, float], typer.Option(help="And between these depths, m.")],
    side: Annotated[str, typer.Option(help="starboard or port.")] = "starboard",
    visibility: Annotated[tuple[float, float] | None, typer.Option(help="Range of the water's visibility, m.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Worlds.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Everything follows from it.")] = 1,
    parcels: Annotated[int, typer.Option(min=1, help="In each; many lie close together.")] = 3,
) -> None:
    """Write worlds with planted parcels, to be flown with hullscan survey and scored with hullscan evaluate."""
    from hullscan_sim.campaign import CampaignRequest, write_campaign

    request = CampaignRequest(
        mission=mission, count=count, seed=seed, side=side, stations_m=stations, depths_m=depths,
        visibility_m=visibility, parcels=parcels,
    )  # fmt: skip
    for folder in write_campaign(request, out):
        _say(str(folder))


def _mission_file(scenario_file: Path, scenario: Scenario, given: Path | None) -> Path:
    """The mission file given, else the one that the scenario names, relative to the scenario."""
    if given is not None:
        return given
    if scenario.mission is None:
        raise InputError(
            "no mission file: the scenario names none", where=str(scenario_file), todo="give one with --mission"
        )
    return scenario_file.parent / scenario.mission


def _listening(plant: Plant) -> str:
    """Where the DVL listens."""
    server = plant.dvl_server
    return "none" if server is None else f"{server.address[0]}:{server.address[1]}"


def _open_camera(video: str, scenario: Path, mission: Path) -> CameraProcess:
    """The camera draws in a process of its own, so that the vehicle does without everything that it needs."""
    from hullscan_sim.camera.process import CameraProcess

    camera = CameraProcess(scenario, mission, video)
    camera.wait_ready()
    return camera


class _Stop:
    """Set by an interrupt or a request to terminate; asked at every step."""

    def __init__(self) -> None:
        self.by: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._catch)

    def _catch(self, number: int, frame: FrameType | None) -> None:
        self.by = number

    def __call__(self) -> bool:
        return self.by is not None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _note(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main() -> None:
    """Entry point: an error is one line, never a traceback."""
    try:
        sys.exit(app(standalone_mode=False))
    except _UsageError as error:
        format_message: Callable[[], str] = getattr(error, "format_message", error.__str__)
        if message := format_message():
            _note(f"error: {message} (try --help)")
        sys.exit(USAGE)
    except HullscanError as error:
        for line in str(error).splitlines():
            _note(f"error: {line}")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
