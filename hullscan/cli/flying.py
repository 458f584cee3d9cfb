"""Commands of the operator: plan, look at the vehicle, fly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hullscan.cli.options import (
    LISTEN,
    ConnectOption,
    KeyOption,
    LangOption,
    MissionArg,
    ModelOption,
    OutOption,
    ScoreOption,
    SealKeyOption,
    seal_key_of,
)

__all__ = ["plan", "preflight", "survey"]

if TYPE_CHECKING:
    from hullscan.preflight.check import PreflightReport

_DVL = "192.168.194.95"


def plan(
    mission: MissionArg,
    out: Annotated[Path | None, typer.Option("--out", help="write plan.json, its exports and plan.html here")] = None,
    pod_model: Annotated[Path | None, typer.Option("--pod-model", help="POD model of an evaluation")] = None,
    risk: Annotated[Path | None, typer.Option("--risk", help="risk file of this ship")] = None,
    ship_only: Annotated[
        bool, typer.Option("--ship-only", help="only the ship as built, with her hydrostatics")
    ] = False,
    launches: Annotated[
        bool, typer.Option("--launches", help="only what the window buys from other places to launch from")
    ] = False,
    lang: LangOption = "en",
) -> None:
    """Plan a mission: legs, time, area, probability of detection, go or no-go; exports for other programs."""
    from dataclasses import replace
    from functools import partial

    from rich.console import Console

    from hullscan.console.tables import plan_table
    from hullscan.errors import InputError
    from hullscan.mission.model import load_mission
    from hullscan.mission.plan import plan_mission, save_plan
    from hullscan.report.plan_export import export_plan
    from hullscan.report.plan_page import write_plan_page
    from hullscan.search.pod_file import load_pod_model
    from hullscan.search.risk import load_risk
    from hullscan.words import mark, translator

    words, loaded = translator(lang), load_mission(mission)
    if ship_only:
        from hullscan.console.ship_table import ship_table

        Console().print(ship_table(loaded, words))
        return
    if pod_model is not None:
        loaded = replace(loaded, pod_model=replace(load_pod_model(pod_model), parcel_m=loaded.file.parcel_m))
    if risk is not None:
        loaded = replace(loaded, risk=load_risk(risk))
    if launches:
        from hullscan.console.launch_table import launch_table
        from hullscan.console.progress import console_progress
        from hullscan.mission.launching import launch_places

        with console_progress() as progress:
            places = launch_places(loaded, told=partial(progress, words(mark("planning"))))
        Console().print(launch_table(places, words))
        return
    planned = plan_mission(loaded)
    Console().print(plan_table(planned, words))
    if out is not None:
        try:
            paths = [save_plan(planned, out), *export_plan(planned, loaded, out)]
            paths.append(write_plan_page(planned, loaded, out, lang))
        except OSError as error:
            raise InputError(
                f"cannot write the plan: {error.strerror}", where=str(out), todo="choose another --out"
            ) from error
        for path in paths:
            typer.echo(str(path))


def preflight(
    mission: MissionArg,
    connect: ConnectOption = LISTEN,
    sim: Annotated[Path | None, typer.Option("--sim", help="look at the simulator's vehicle, in this scenario")] = None,
    dvl: Annotated[str, typer.Option("--dvl", help="host or host:port of the DVL; empty without one")] = _DVL,
    video_port: Annotated[int, typer.Option("--video-port", help="UDP port of the camera's RTP stream")] = 5600,
    out: OutOption = Path("missions-flown"),
    paced: Annotated[
        bool, typer.Option("--paced", help="with --connect to a simulator: time is the vehicle's")
    ] = False,
    write_failsafes: Annotated[
        bool,
        typer.Option(
            "--write-failsafes/--look-only", help="write what the firmware does when hullscan dies, and the origin"
        ),
    ] = True,
    signing_key: KeyOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="write every line here too; - for the screen")
    ] = None,
    lang: LangOption = "en",
) -> None:
    """Go, caution or no-go: look at vehicle, parameters, failsafes, sensors, video, clocks and supplies."""
    from rich.console import Console

    from hullscan.console.preflight_table import failsafe_line, preflight_table, save_preflight
    from hullscan.mission.model import load_mission
    from hullscan.mission.plan import plan_mission
    from hullscan.preflight.equip import Connections, equipped
    from hullscan.preflight.gather import run_preflight, set_origin
    from hullscan.preflight.gather import write_failsafes as write
    from hullscan.words import mark, translator

    words, loaded = translator(lang), load_mission(mission)
    console = Console(highlight=False, stderr=str(json_file) == "-")
    planned = plan_mission(loaded)
    where = Connections(
        connect=connect, dvl=dvl, video_port=video_port, scenario=sim, paced=paced, signing_key=signing_key, folder=out
    )
    with equipped(loaded, mission, where) as equipment:
        if write_failsafes:
            write(equipment, loaded, told=lambda change: console.print(failsafe_line(change, words), markup=False))
            if set_origin(equipment, loaded):
                console.print(words(mark("the launch place was set as the origin of the vehicle's position")))
        listening = words(mark("listening for {seconds:.0f} s: turn the vehicle left and right now"))
        report = run_preflight(
            equipment, loaded, planned, begun=lambda seconds: console.print(listening.format(seconds=seconds))
        )
    console.print(preflight_table(report, words))
    if json_file is not None:
        save_preflight(report, json_file, words)
    if report.verdict == "no-go":
        raise typer.Exit(3)


def survey(
    mission: MissionArg,
    connect: ConnectOption = LISTEN,
    sim: Annotated[Path | None, typer.Option("--sim", help="fly in the simulator, in this scenario")] = None,
    dvl: Annotated[
        str, typer.Option("--dvl", help="host or host:port of the DVL; empty with an echo sounder alone")
    ] = _DVL,
    video_port: Annotated[int, typer.Option("--video-port", help="UDP port of the camera's RTP stream")] = 5600,
    out: OutOption = Path("missions-flown"),
    speedup: Annotated[float, typer.Option("--speedup", min=0.1, max=50, help="of the simulator, at most")] = 2.0,
    paced: Annotated[
        bool, typer.Option("--paced", help="with --connect to a simulator: mission time is the vehicle's own")
    ] = False,
    model: ModelOption = None,
    min_score: ScoreOption = None,
    lang: LangOption = "en",
    accept_cautions: Annotated[
        bool, typer.Option("--accept-cautions", help="start with cautions of the preflight, without a question")
    ] = False,
    signing_key: KeyOption = None,
    no_console: Annotated[bool, typer.Option("--no-console", help="plain lines instead of a live screen")] = False,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="folder of a broken-off mission: go on where it stopped")
    ] = None,
    seal_key: SealKeyOption = None,
    pilot: Annotated[str, typer.Option("--pilot", help="who flies; will not be asked to read the mission")] = "",
) -> None:
    """Fly a mission, search the hull, and write the report."""
    from hullscan.console.desk_feed import WatchedScreen
    from hullscan.console.live import make_screen
    from hullscan.console.tables import outcome_lines
    from hullscan.findings.merge import rules_for
    from hullscan.survey import SurveyOptions
    from hullscan.survey import survey as fly
    from hullscan.words import translator

    words = translator(lang)
    options = SurveyOptions(
        out=out,
        connect=connect,
        dvl=dvl,
        video_port=video_port,
        scenario=sim,
        speedup=speedup,
        paced=paced,
        resume=resume,
        model=model,
        language=lang,
        rules=rules_for(model, min_score),
        signing_key=signing_key,
        approve=None if accept_cautions or paced or sim is not None else _ask_about_cautions(words),
        seal_key=seal_key_of(seal_key),
        pilot=pilot,
    )
    outcome = fly(mission, options, WatchedScreen(make_screen(words, lang, plain=no_console)))
    with suppress(OSError):  # a terminal that was closed meanwhile
        for line in outcome_lines(outcome, words):
            typer.echo(line)
    if outcome.ended_by is not None:
        raise outcome.ended_by
    if outcome.aborted:
        raise typer.Exit(130)


def _ask_about_cautions(words: Callable[[str], str]) -> Callable[[PreflightReport], bool]:
    """Beside a real vehicle: a person takes the cautions upon himself, or nobody does."""

    def ask(report: PreflightReport) -> bool:
        from rich.console import Console

        from hullscan.console.preflight_table import preflight_table
        from hullscan.words import mark

        Console(highlight=False).print(preflight_table(report, words))
        return sys.stdin.isatty() and typer.confirm(words(mark("start all the same?")))

    return ask
