"""Commands: parse, call one function, print. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hullscan import __version__

if TYPE_CHECKING:
    from hullscan.preflight.check import PreflightReport
    from hullscan.review.readers import Person
    from hullscan.vehicle.ardusub import ArduSubVehicle
    from hullscan.vehicle.parameter_changes import Change

__all__ = ["app", "main"]

app = typer.Typer(
    name="hullscan",
    help="Search a ship's hull with an underwater drone: plan, fly, detect, place, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

MissionArg = Annotated[Path, typer.Argument(metavar="MISSION", help="mission file (YAML)")]
OutOption = Annotated[Path, typer.Option("--out", help="folder in which the result is made")]
LangOption = Annotated[str, typer.Option("--lang", help="language for people: en or ko")]
archive_app = typer.Typer(help="Keep missions as signed bags, list them, compare them.", no_args_is_help=True)
app.add_typer(archive_app, name="archive")

ModelOption = Annotated[Path | None, typer.Option("--model", help="detector, .onnx or .pt; ours by default")]
ScoreOption = Annotated[
    float | None,
    typer.Option("--min-score", min=0.0, max=1.0, help="least score of a finding; by default the model card's"),
]
SealKeyOption = Annotated[
    Path | None,
    typer.Option("--seal-key", help="OpenSSH Ed25519 key that signs the folder; by default this computer's own"),
]
AuthorityOption = Annotated[
    Path | None, typer.Option("--time-authority", help="PEM file of the time-stamping authority's root certificate")
]


def _seal_key(given: Path | None) -> Path:
    return given or Path(typer.get_app_dir("hullscan")) / "seal_key"


params_app = typer.Typer(
    name="params", help="Parameters of the autopilot: show, diff, apply, backup.", no_args_is_help=True
)
app.add_typer(params_app)
ConnectOption = Annotated[str, typer.Option("--connect", help="MAVLink address of the vehicle")]
KeyOption = Annotated[
    Path | None,
    typer.Option("--signing-key", help="file with the key of MAVLink 2 signing; nothing else is taken then"),
]
FileArg = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="parameter file, of any ground station; by default hullscan's own"),
]
DvlOption = Annotated[bool, typer.Option("--dvl/--echo-sounder", help="which of hullscan's own files")]
_LISTEN = "udpin:0.0.0.0:14550"
_DVL = "192.168.194.95"


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        typer.echo(f"hullscan {__version__}")
        raise typer.Exit


@app.command()
def plan(
    mission: MissionArg,
    out: Annotated[Path | None, typer.Option("--out", help="write plan.json, its exports and plan.html here")] = None,
    pod_model: Annotated[Path | None, typer.Option("--pod-model", help="POD model of an evaluation")] = None,
    risk: Annotated[Path | None, typer.Option("--risk", help="risk file of this ship")] = None,
    ship_only: Annotated[
        bool, typer.Option("--ship-only", help="only the ship as built, with her hydrostatics")
    ] = False,
    lang: LangOption = "en",
) -> None:
    """Plan a mission: legs, time, area, probability of detection, go or no-go; exports for other programs."""
    from dataclasses import replace

    from rich.console import Console

    from hullscan.console.tables import plan_table
    from hullscan.errors import InputError
    from hullscan.mission.model import load_mission
    from hullscan.mission.plan import plan_mission, save_plan
    from hullscan.report.plan_export import export_plan
    from hullscan.report.plan_page import write_plan_page
    from hullscan.search.pod_file import load_pod_model
    from hullscan.search.risk import load_risk
    from hullscan.words import translator

    words, loaded = translator(lang), load_mission(mission)
    if ship_only:
        from hullscan.console.ship_table import ship_table

        Console().print(ship_table(loaded, words))
        return
    if pod_model is not None:
        loaded = replace(loaded, pod_model=load_pod_model(pod_model))
    if risk is not None:
        loaded = replace(loaded, risk=load_risk(risk))
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


@app.command()
def preflight(
    mission: MissionArg,
    connect: ConnectOption = _LISTEN,
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


@app.command()
def survey(
    mission: MissionArg,
    connect: Annotated[str, typer.Option("--connect", help="MAVLink address of the vehicle")] = "udpin:0.0.0.0:14550",
    sim: Annotated[Path | None, typer.Option("--sim", help="fly in the simulator, in this scenario")] = None,
    dvl: Annotated[str, typer.Option("--dvl", help="host or host:port of the DVL")] = "192.168.194.95",
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
) -> None:
    """Fly a mission, search the hull, and write the report."""
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
        seal_key=_seal_key(seal_key),
    )
    outcome = fly(mission, options, make_screen(words, lang, plain=no_console))
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


@contextmanager
def _met(connect: str, signing_key: Path | None) -> Iterator[tuple[ArduSubVehicle, str, float]]:
    """A vehicle to talk about parameters with, its firmware, and the time; hangs up afterwards."""
    from hullscan.clock import SystemClock
    from hullscan.vehicle.address import parse_address
    from hullscan.vehicle.ardusub import ArduSubVehicle
    from hullscan.vehicle.signing import load_signing_key

    clock = SystemClock()
    key = None if signing_key is None else load_signing_key(signing_key)
    vehicle = ArduSubVehicle(parse_address(connect), clock, signing_key=key)
    try:
        yield vehicle, vehicle.meet().firmware, clock.now()
    finally:
        vehicle.close()


def _changes(vehicle: ArduSubVehicle, firmware: str, file: Path | None, dvl: bool) -> list[Change]:
    from hullscan.vehicle.parameter_changes import compare_with_vehicle
    from hullscan.vehicle.parameter_file import load_parameters
    from hullscan.vehicle.shipped_parameters import shipped_parameters

    path = file or shipped_parameters("bluerov2-heavy", firmware, dvl=dvl)
    return list(compare_with_vehicle(vehicle.parameters, load_parameters(path)))


@params_app.command("show")
def params_show(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAMES]...", help="names, * for any letters")] = None,
    connect: ConnectOption = _LISTEN,
    signing_key: KeyOption = None,
) -> None:
    """Show what the vehicle has."""
    from hullscan.console.parameter_table import parameter_lines
    from hullscan.errors import InputError

    with _met(connect, signing_key) as (vehicle, _, _):
        lines = parameter_lines(vehicle.parameters.read_all(), names or [])
    if not lines:
        raise InputError(f"the vehicle has no parameter like {' or '.join(names or [])}")
    typer.echo("\n".join(lines))


@params_app.command("diff")
def params_diff(
    file: FileArg = None,
    against: Annotated[Path | None, typer.Option("--against", help="another file instead of a vehicle")] = None,
    connect: ConnectOption = _LISTEN,
    dvl: DvlOption = True,
    signing_key: KeyOption = None,
    lang: LangOption = "en",
) -> None:
    """Show what a file would change on the vehicle, and why; changes nothing."""
    from rich.console import Console

    from hullscan.console.parameter_table import changes_table
    from hullscan.vehicle.parameter_changes import compare_with_file
    from hullscan.vehicle.parameter_file import load_parameters
    from hullscan.vehicle.shipped_parameters import shipped_parameters
    from hullscan.words import translator

    words = translator(lang)
    if against is not None:
        wanted = load_parameters(file or shipped_parameters("bluerov2-heavy", "", dvl=dvl))
        changes = list(compare_with_file(wanted, load_parameters(against)))
    else:
        with _met(connect, signing_key) as (vehicle, firmware, _):
            changes = _changes(vehicle, firmware, file, dvl)
    Console(highlight=False).print(changes_table(changes, words))


@params_app.command("apply")
def params_apply(
    file: FileArg = None,
    connect: ConnectOption = _LISTEN,
    backup: Annotated[Path, typer.Option("--backup", help="folder for the values before")] = Path("params-backup"),
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    dvl: DvlOption = True,
    signing_key: KeyOption = None,
    lang: LangOption = "en",
) -> None:
    """Show what a file changes, back everything up, write it, and read it back."""
    from rich.console import Console

    from hullscan.clock import utc_text
    from hullscan.console.parameter_table import changes_table, needs_restart
    from hullscan.errors import InputError
    from hullscan.vehicle.parameter_changes import apply_parameters
    from hullscan.vehicle.parameter_file import number_text
    from hullscan.words import mark, translator

    words = translator(lang)
    with _met(connect, signing_key) as (vehicle, firmware, utc_s):
        changes = _changes(vehicle, firmware, file, dvl)
        Console(highlight=False).print(changes_table(changes, words))
        if not any(change.needed or change.missing for change in changes):
            return
        if not yes and not sys.stdin.isatty():
            raise InputError("nobody is there to be asked", todo="say --yes to write these parameters")
        if not yes and not typer.confirm(words(mark("write these parameters to the vehicle?"))):
            raise typer.Exit(1)
        path = backup / f"{utc_text(utc_s, compact=True)}-before.param"
        done = apply_parameters(
            vehicle, changes, path, utc_s,
            told=lambda change: typer.echo(f"{change.name},{number_text(change.wanted.value)}"),
        )  # fmt: skip
    typer.echo(words(mark("{count} written and read back; the values before: {path}")).format(
        count=len(done.changes), path=done.backup
    ))  # fmt: skip
    if done.restart:
        typer.echo(needs_restart(words))


@params_app.command("backup")
def params_backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="new .param file")],
    connect: ConnectOption = _LISTEN,
    signing_key: KeyOption = None,
) -> None:
    """Write every parameter of the vehicle to a file."""
    from hullscan.vehicle.parameter_changes import backup_parameters

    with _met(connect, signing_key) as (vehicle, firmware, utc_s):
        count = backup_parameters(vehicle, file, utc_s, f"ArduSub {firmware or '?'}")
    typer.echo(f"{count} parameters: {file}")


@app.command()
def signing(
    key_file: Annotated[Path, typer.Argument(metavar="KEYFILE", help="the key; made when it is not there")],
    connect: Annotated[
        str | None, typer.Option("--connect", help="give the key to this vehicle, over a link nobody else hears")
    ] = None,
) -> None:
    """Make a key of MAVLink 2 signing, and give it to a vehicle."""
    from hullscan.vehicle.signing import load_signing_key, make_signing_key

    if not key_file.exists():
        make_signing_key(key_file)
        typer.echo(f"new key: {key_file}")
    key = load_signing_key(key_file)
    if connect is None:
        return
    with _met(connect, None) as (vehicle, _, _):
        vehicle.setup_signing(key)
    with _met(connect, key_file) as (vehicle, firmware, _):
        typer.echo(f"ArduSub {firmware or '?'} signs with this key")


@app.command()
def analyze(
    source: Annotated[Path, typer.Argument(metavar="VIDEO_OR_FOLDER", help="mission folder or video file")],
    telemetry: Annotated[Path | None, typer.Option("--telemetry", help="tlog of a foreign video")] = None,
    mission: Annotated[Path | None, typer.Option("--mission", help="mission file, for a foreign video")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="folder of the result")] = None,
    model: ModelOption = None,
    min_score: ScoreOption = None,
    lang: LangOption = "en",
    start_utc: Annotated[
        str | None, typer.Option("--start-utc", help="when a foreign video begins, ISO 8601; else from the file")
    ] = None,
    seal_key: SealKeyOption = None,
    smooth: Annotated[
        bool, typer.Option("--smooth", help="place by the whole recording at once, with known fittings as anchors")
    ] = False,
    look_again: Annotated[
        bool, typer.Option("--look-again", help="detect again also where the flight did, with the same model")
    ] = False,
) -> None:
    """Find again: detect, place and report from a recording; of a mission folder, tell what that changed."""
    from hullscan.console.progress import console_progress
    from hullscan.console.tables import result_lines, what_if_lines
    from hullscan.findings.merge import rules_for
    from hullscan.offline import AnalyzeOptions, analyze_folder, analyze_video
    from hullscan.record.folder import MissionFolder
    from hullscan.report.compare import what_changed
    from hullscan.words import translator

    words = translator(lang)
    options = AnalyzeOptions(
        out=out,
        model=model,
        language=lang,
        rules=rules_for(model, min_score),
        seal_key=_seal_key(seal_key),
        smooth=smooth,
        look_again=look_again,
    )
    with console_progress() as progress:
        if source.is_dir():
            folder = analyze_folder(source, options, progress)
        else:
            folder = analyze_video(source, telemetry, mission, start_utc, options, progress)
    lines = result_lines(folder, words)
    if (source / "findings.json").is_file():
        lines += what_if_lines(what_changed(MissionFolder(source), MissionFolder(folder)), words)
    for line in lines:
        typer.echo(line)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="mission folder")],
    lang: LangOption = "en",
    seal_key: SealKeyOption = None,
) -> None:
    """Write the report of a mission folder again; a sealed folder is sealed again, the seal before is kept."""
    from hullscan.record.folder import MissionFolder
    from hullscan.record.seal import is_sealed, seal
    from hullscan.record.signature import machine_key
    from hullscan.report.writing import write_reports

    written = write_reports(MissionFolder.open(folder), lang)
    if is_sealed(folder):
        seal(folder, machine_key(_seal_key(seal_key)))
    for path in written:
        typer.echo(str(path))


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="mission folder")],
    signer: Annotated[Path | None, typer.Option("--signer", help=".pub file of the key that must have signed")] = None,
    time_authority: AuthorityOption = None,
    lang: LangOption = "en",
) -> None:
    """Check a mission folder: every file as sealed, by whom, nothing missing, events in their order."""
    from rich.console import Console

    from hullscan.console.tables import check_table
    from hullscan.errors import RecordError
    from hullscan.record.checking import check_folder
    from hullscan.words import translator

    checks = check_folder(folder, signer, time_authority)
    Console().print(check_table(checks, translator(lang)))
    faults = sum(check.passed is False for check in checks)
    if faults:
        raise RecordError(f"the folder is not as it was sealed: {faults} faults", where=str(folder))


@app.command()
def timestamp(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="sealed mission folder, or a bag")],
    response: Annotated[
        Path | None, typer.Option("--response", help="answer of the authority (.tsr), to be kept beside the list")
    ] = None,
    time_authority: AuthorityOption = None,
) -> None:
    """Write the request for a trusted time of the list of hashes (RFC 3161), or attach the answer; no network."""
    from hullscan.record.timestamp import attach_response, write_request

    done = write_request(folder) if response is None else attach_response(folder, response, time_authority)
    typer.echo(str(done))


@app.command()
def review(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="mission folders")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="on this computer; 0 takes any")] = 8765,
    reader: Annotated[list[str] | None, typer.Option("--reader", help="name of a reader; give two or more")] = None,
    supervisor: Annotated[list[str] | None, typer.Option("--supervisor", help="who may sign off")] = None,
    guest: Annotated[list[str] | None, typer.Option("--guest", help="who may see what is signed off")] = None,
    samples: Annotated[
        float, typer.Option("--samples", min=0, max=1, help="share of unflagged hull that is read without being told")
    ] = 0.05,
    planted: Annotated[
        int | None, typer.Option("--planted", min=0, help="parcels drawn into copies; a tenth of the rest by default")
    ] = None,
    least_s: Annotated[float, typer.Option("--least-s", min=0, max=120, help="least time in front of a place")] = 7.0,
    show_score: Annotated[
        bool, typer.Option("--show-score", help="readers see the detector's score at once; nothing is mixed in")
    ] = False,
    host: Annotated[str, typer.Option("--host", help="address to listen at; others than this computer want TLS")] = (
        "127.0.0.1"
    ),
    name: Annotated[list[str] | None, typer.Option("--name", help="name of this computer in the certificate")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="certificate, PEM")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="its key, PEM")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="only print the addresses")] = False,
    lang: LangOption = "en",
    seal_key: SealKeyOption = None,
) -> None:
    """Read missions: two readers, independent, with a least time; a supervisor signs off."""
    from hullscan.console.progress import console_progress
    from hullscan.review.serve import ServeOptions, serve
    from hullscan.review.worklist import Mixture
    from hullscan.words import translator

    words = translator(lang)
    options = ServeOptions(
        port=port,
        readers=reader or ["reader 1", "reader 2", "reader 3"],
        supervisors=supervisor or ["supervisor"],
        guests=guest or [],
        mixture=Mixture(sample_share=samples, planted=planted),
        host=host,
        names=name or [],
        certificate=tls_cert,
        certificate_key=tls_key,
        least_s=least_s,
        blind=not show_score,
        language=lang,
        browser=not no_browser,
        seal_key=_seal_key(seal_key),
    )

    def tell(person: Person, address: str) -> None:
        typer.echo(f"{person.name} ({words(person.role.value)}): {address}")

    serve(folders, options, tell, console_progress)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="mission folder or bag")],
    speed: Annotated[float, typer.Option("--speed", min=0.1, max=1000, help="mission seconds a second")] = 1.0,
    no_console: Annotated[bool, typer.Option("--no-console", help="plain lines instead of the screen")] = False,
    lang: LangOption = "en",
) -> None:
    """Show a recorded mission again, as the operator saw it; nothing is written."""
    from hullscan.clock import SystemClock
    from hullscan.console.playback import Playback
    from hullscan.console.replay import replay as play
    from hullscan.record.folder import MissionFolder
    from hullscan.words import translator

    words = translator(lang)
    playback = Playback(MissionFolder.open(MissionFolder.inside(folder)))
    play(playback, words, SystemClock(), speed, plain=no_console)


@app.command(name="export")
def export_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="mission folder")],
    form: Annotated[
        str, typer.Option("--format", help="geojson, kml, csv, coco, yolo, srt, ass, qgc, mcap, diver, share or bag")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="folder of the files; DIR-export by default")] = None,
    lang: LangOption = "en",
    level: Annotated[
        str,
        typer.Option("--level", help="of share: full, place (no coordinates), identity (no ship, no date either)"),
    ] = "full",
    seal_key: SealKeyOption = None,
) -> None:
    """Write a mission's findings for other programs, a package to hand on, or the folder as a signed BagIt bag."""
    from hullscan.record.folder import MissionFolder
    from hullscan.report.exports import export_mission

    target = out or folder.resolve().with_name(folder.resolve().name + "-export")
    for path in export_mission(MissionFolder.open(folder), form, target, _seal_key(seal_key), lang, level):
        typer.echo(str(path))


@archive_app.command(name="add")
def archive_add(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="folder of the archive")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="mission folder")],
    seal_key: SealKeyOption = None,
) -> None:
    """Copy a mission into the archive as a signed bag."""
    from hullscan.record.archive import add_to_archive
    from hullscan.record.folder import MissionFolder

    typer.echo(str(add_to_archive(archive, MissionFolder.open(folder), _seal_key(seal_key))))


@archive_app.command(name="list")
def archive_list(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="folder of the archive")], lang: LangOption = "en"
) -> None:
    """The missions of an archive."""
    from rich.console import Console

    from hullscan.console.archive_tables import archive_table
    from hullscan.record.archive import archived
    from hullscan.words import translator

    Console().print(archive_table(archived(archive), translator(lang)))


@archive_app.command(name="stats")
def archive_stats(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="folder of the archive")], lang: LangOption = "en"
) -> None:
    """Missions, ships, findings and area by month."""
    from rich.console import Console

    from hullscan.console.archive_tables import stats_table
    from hullscan.record.archive import archived
    from hullscan.words import translator

    Console().print(stats_table(archived(archive), translator(lang)))


@archive_app.command(name="compare")
def archive_compare(
    before: Annotated[Path, typer.Argument(metavar="DIR", help="the earlier mission folder or bag")],
    after: Annotated[Path, typer.Argument(metavar="DIR", help="the later one")],
    lang: LangOption = "en",
) -> None:
    """Two missions on the same ship: what is new, gone, or there still."""
    from rich.console import Console

    from hullscan.console.archive_tables import change_table
    from hullscan.record.folder import MissionFolder
    from hullscan.report.compare import compare_missions
    from hullscan.words import translator

    folders = [
        MissionFolder.open(path / "data" if (path / "bagit.txt").is_file() else path) for path in (before, after)
    ]
    Console().print(change_table(compare_missions(*folders), translator(lang)))


@app.command()
def detect(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="pictures")],
    json_file: Annotated[Path, typer.Option("--json", help="where to write the detections")],
    model: ModelOption = None,
    conf: Annotated[float, typer.Option("--conf", min=0.0, max=1.0, help="least score that is written")] = 0.05,
) -> None:
    """Run the detector alone on pictures."""
    from hullscan.vision.pictures import detect_pictures
    from hullscan.vision.runtime import load_detector

    detections, pictures = detect_pictures(images, json_file, load_detector(model, floor=conf))
    typer.echo(f"{detections} detections in {pictures} pictures: {json_file}")


@app.command()
def dataset(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="folder of the data set")],
    train: Annotated[int, typer.Option("--train", min=0, help="frames to train with")] = 5000,
    val: Annotated[int, typer.Option("--val", min=0, help="frames to choose thresholds with")] = 450,
    test: Annotated[int, typer.Option("--test", min=0, help="frames to measure with")] = 650,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    processes: Annotated[int, typer.Option("--processes", min=1)] = 2,
) -> None:
    """Make training and test frames with exact labels; runs the simulator's generator."""
    import subprocess

    command = [sys.executable, "-m", "hullscan_sim", "dataset", str(out), "--train", str(train), "--val", str(val)]
    command += ["--test", str(test), "--seed", str(seed), "--processes", str(processes)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command()
def train(
    data: Annotated[Path | None, typer.Option("--data", help="data.yaml of a data set")] = None,
    from_missions: Annotated[
        list[Path] | None,
        typer.Option("--from-missions", help="mission folder that was signed off: its pictures are added; repeatable"),
    ] = None,
    out: OutOption = Path("models"),
    model: Annotated[str, typer.Option("--model", help="architecture (.yaml, random weights) or .pt to go on from")] = (
        "yolo11n.yaml"
    ),
    imgsz: Annotated[int, typer.Option("--imgsz", min=64)] = 416,
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 30,
    batch: Annotated[int, typer.Option("--batch", min=1)] = 16,
    empty_share: Annotated[
        float, typer.Option("--empty-share", min=0, max=1, help="of frames without an object")
    ] = 1.0,
    rect: Annotated[bool, typer.Option("--rect/--mosaic", help="frames as they are, or mosaics of four")] = True,
    threads: Annotated[int, typer.Option("--threads", min=1, help="torch threads on a CPU")] = 2,
    bf16: Annotated[bool, typer.Option("--bf16/--fp32", help="on a CPU with AVX-512 BF16: half the time")] = False,
    lr: Annotated[float, typer.Option("--lr", min=1e-6, max=0.1, help="learning rate at the start")] = 0.002,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    device: Annotated[str, typer.Option("--device", help="cpu, or the number of a GPU")] = "cpu",
) -> None:
    """Train the detector from random weights, or go on from a .pt file, and export it."""
    from hullscan.console.progress import epoch_printer
    from hullscan.errors import InputError
    from hullscan.record.training_set import write_training_set
    from hullscan.vision.training import TrainingRequest, train_detector

    if from_missions:
        data = write_training_set(from_missions, data, out / "from-missions")
    if data is None:
        raise InputError("nothing to train with", todo="give --data or --from-missions")
    request = TrainingRequest(
        data=data, out=out, model=model, image_px=imgsz, epochs=epochs, batch=batch,
        empty_share=empty_share, rectangular=rect, threads=threads, bfloat16=bf16, learning_rate=lr, seed=seed,
        device=device,
    )  # fmt: skip
    typer.echo(str(train_detector(request, epoch_printer(epochs))))


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option("--data", help="data.yaml of a data set")],
    split: Annotated[str, typer.Option("--split", help="val or test")] = "test",
    model: ModelOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="everything measured, with bounds")] = None,
    sheets: Annotated[Path | None, typer.Option("--sheets", help="folder for pictures of hits and misses")] = None,
) -> None:
    """Measure the detector on frames with known boxes: parcels found, false boxes, by threshold."""
    from rich.console import Console

    from hullscan.console.progress import console_progress
    from hullscan.console.tables import evaluation_table
    from hullscan.vision.measures import evaluate_model

    with console_progress() as progress:
        scored = evaluate_model(data.parent, split, model, json_file, sheets, progress)
    Console().print(evaluation_table(scored, split))


def main() -> None:
    """Entry point: errors as one line, exit codes 0, 1, 2, 3, 130."""
    from hullscan.errors import HullscanError, MissionFileError

    try:
        # typer.Exit and an interrupt do not come out as exceptions here, but as the code that they carry
        code = app(prog_name="hullscan", standalone_mode=False)
    except HullscanError as error:
        prefix = "" if isinstance(error, MissionFileError) else "error: "
        typer.echo(f"{prefix}{error}", err=True)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
    except Exception as error:
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))
    if code:
        sys.exit(code)
