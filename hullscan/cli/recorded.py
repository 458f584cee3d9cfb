"""Commands of the analyst: what becomes of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hullscan.cli.options import AuthorityOption, LangOption, ModelOption, ScoreOption, SealKeyOption, seal_key_of

__all__ = ["analyze", "export_", "replay", "report", "review", "timestamp", "verify"]

if TYPE_CHECKING:
    from hullscan.review.readers import Person


def analyze(
    source: Annotated[
        Path, typer.Argument(metavar="VIDEO_OR_FOLDER", help="mission folder, video file or folder of photographs")
    ],
    telemetry: Annotated[
        Path | None,
        typer.Option("--telemetry", help="log of a foreign video: .tlog, dataflash .BIN, or the .ass written over it"),
    ] = None,
    mission: Annotated[Path | None, typer.Option("--mission", help="mission file, for a foreign video")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="folder of the result")] = None,
    model: ModelOption = None,
    min_score: ScoreOption = None,
    lang: LangOption = "en",
    start_utc: Annotated[
        str | None, typer.Option("--start-utc", help="when a foreign video begins, ISO 8601; else from the file")
    ] = None,
    telemetry_utc: Annotated[
        str | None, typer.Option("--telemetry-utc", help="when a dataflash log without GPS time begins, ISO 8601")
    ] = None,
    seal_key: SealKeyOption = None,
    ranges_only: Annotated[
        bool, typer.Option("--ranges-only", help="place by ranges alone, without fittings of the drawings as anchors")
    ] = False,
    look_again: Annotated[
        bool, typer.Option("--look-again", help="detect again also where the flight did, with the same model")
    ] = False,
    earlier: Annotated[
        Path | None, typer.Option("--earlier", help="an earlier mission of this ship: what came since goes first")
    ] = None,
) -> None:
    """Find again: detect, place and report from a recording; of a mission folder, tell what that changed."""
    from hullscan.console.progress import console_progress
    from hullscan.console.tables import result_lines, unplaced_lines, what_if_lines
    from hullscan.findings.merge import rules_for
    from hullscan.offline import AnalyzeOptions, analyze_folder, analyze_video
    from hullscan.record.folder import MissionFolder
    from hullscan.report.compare import what_changed
    from hullscan.video.photographs import photographs_in
    from hullscan.words import translator

    words = translator(lang)
    options = AnalyzeOptions(
        out=out,
        model=model,
        language=lang,
        rules=rules_for(model, min_score),
        seal_key=seal_key_of(seal_key),
        ranges_only=ranges_only,
        look_again=look_again,
        earlier=earlier,
    )
    with console_progress() as progress:
        album = source.is_dir() and not (source / "mission.yaml").exists() and photographs_in(source)
        if source.is_dir() and not album:
            folder = analyze_folder(source, options, progress)
        else:
            folder = analyze_video(source, telemetry, mission, start_utc, options, progress, telemetry_utc)
    placed = (folder / "coverage.json").is_file()
    lines = result_lines(folder, words) if placed else unplaced_lines(folder, words)
    if (source / "findings.json").is_file():
        lines += what_if_lines(what_changed(MissionFolder(source), MissionFolder(folder)), words)
    for line in lines:
        typer.echo(line)


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

    written = write_reports(MissionFolder.with_findings(folder), lang)
    if is_sealed(folder):
        seal(folder, machine_key(seal_key_of(seal_key)))
    for path in written:
        typer.echo(str(path))


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


def review(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="mission folders")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="on this computer; 0 takes any")] = 8765,
    reader: Annotated[list[str] | None, typer.Option("--reader", help="name of a reader; give two or more")] = None,
    supervisor: Annotated[list[str] | None, typer.Option("--supervisor", help="who may sign off")] = None,
    guest: Annotated[list[str] | None, typer.Option("--guest", help="who may see what is signed off")] = None,
    pilot: Annotated[
        list[str] | None, typer.Option("--pilot", help="who flew; does not read. A record may name its pilot itself")
    ] = None,
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
        pilots=tuple(pilot or ()),
        mixture=Mixture(sample_share=samples, planted=planted),
        host=host,
        names=name or [],
        certificate=tls_cert,
        certificate_key=tls_key,
        least_s=least_s,
        blind=not show_score,
        language=lang,
        browser=not no_browser,
        seal_key=seal_key_of(seal_key),
    )

    def tell(person: Person, address: str) -> None:
        typer.echo(f"{person.name} ({words(person.role.value)}): {address}")

    serve(folders, options, tell, console_progress)


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
    for path in export_mission(MissionFolder.with_findings(folder), form, target, seal_key_of(seal_key), lang, level):
        typer.echo(str(path))
