"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "LISTEN",
    "AuthorityOption",
    "ConnectOption",
    "KeyOption",
    "LangOption",
    "MissionArg",
    "ModelOption",
    "OutOption",
    "ScoreOption",
    "SealKeyOption",
    "seal_key_of",
]

MissionArg = Annotated[Path, typer.Argument(metavar="MISSION", help="mission file (YAML)")]
OutOption = Annotated[Path, typer.Option("--out", help="folder in which the result is made")]
LangOption = Annotated[str, typer.Option("--lang", help="language for people: en or ko")]


def _model_file(named: Path | None) -> Path | None:
    """``precise`` is the shipped model in single precision; loaded here only, for the commands start without it."""
    if named != Path("precise"):
        return named
    from hullscan.vision.runtime import PRECISE_MODEL

    return PRECISE_MODEL


ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        callback=_model_file,
        help="detector, .onnx or .pt; ours in 8-bit integers by default, 'precise': ours in single precision",
    ),
]
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
ConnectOption = Annotated[str, typer.Option("--connect", help="MAVLink address of the vehicle")]
KeyOption = Annotated[
    Path | None,
    typer.Option("--signing-key", help="file with the key of MAVLink 2 signing; nothing else is taken then"),
]
LISTEN = "udpin:0.0.0.0:14550"
"""Where a vehicle or BlueOS sends MAVLink to by default."""


def seal_key_of(given: Path | None) -> Path:
    """The key that signs folders: the one given, else this computer's own."""
    return given or Path(typer.get_app_dir("hullscan")) / "seal_key"
