"""Commands of the engineer: the detector, its data, its training and its measure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hullscan.cli.options import ModelOption, OutOption

__all__ = ["dataset", "detect", "evaluate", "train"]


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


def dataset(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="folder of the data set")],
    train: Annotated[int, typer.Option("--train", min=0, help="frames to train with")] = 5000,
    val: Annotated[int, typer.Option("--val", min=0, help="frames to choose thresholds with")] = 450,
    test: Annotated[int, typer.Option("--test", min=0, help="frames to measure with")] = 650,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    tether_share: Annotated[
        float, typer.Option("--tether-share", min=0, max=1, help="of the rendered frames with the own tether in view")
    ] = 0.0,
    processes: Annotated[int, typer.Option("--processes", min=1)] = 2,
    photographs: Annotated[
        Path | None,
        typer.Option("--photographs", help="folder with a folder of your own hull photographs for each ship"),
    ] = None,
) -> None:
    """Make frames with exact labels: rendered by the simulator, or parcels drawn into your own photographs."""
    import subprocess

    if photographs is not None:
        from hullscan.console.progress import console_progress
        from hullscan.review.composites import CompositeRequest, write_composites

        request = CompositeRequest(photographs, {"train": train, "val": val}, seed)
        with console_progress() as progress:
            made = write_composites(out, request, lambda done: progress("drawing parcels", done, train + val))
        typer.echo(str(made))
        return

    command = [sys.executable, "-m", "hullscan_sim", "dataset", str(out), "--train", str(train), "--val", str(val)]
    command += ["--test", str(test), "--seed", str(seed), "--processes", str(processes)]
    command += ["--tether-share", str(tether_share)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def train(
    data: Annotated[Path | None, typer.Option("--data", help="data.yaml of a data set")] = None,
    from_missions: Annotated[
        list[Path] | None,
        typer.Option("--from-missions", help="mission folder that was signed off: its pictures are added; repeatable"),
    ] = None,
    out: OutOption = Path("models"),
    model: Annotated[
        str, typer.Option("--model", help="architecture (.yaml, random weights), or .pt, .onnx or 'ours' to go on from")
    ] = "yolo11n.yaml",
    imgsz: Annotated[int, typer.Option("--imgsz", min=64)] = 416,
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 30,
    batch: Annotated[int, typer.Option("--batch", min=1)] = 16,
    empty_share: Annotated[
        float, typer.Option("--empty-share", min=0, max=1, help="of frames without an object")
    ] = 1.0,
    rect: Annotated[bool, typer.Option("--rect/--mosaic", help="frames as they are, or mosaics of four")] = True,
    threads: Annotated[int, typer.Option("--threads", min=1, help="torch threads on a CPU")] = 2,
    bf16: Annotated[bool, typer.Option("--bf16/--fp32", help="on a CPU with AVX-512 BF16: half the time")] = False,
    head: Annotated[
        bool, typer.Option("--head/--whole", help="learn anew what the features mean, not what to see: for few frames")
    ] = False,
    lr: Annotated[float, typer.Option("--lr", min=1e-6, max=0.1, help="learning rate at the start")] = 0.002,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    device: Annotated[str, typer.Option("--device", help="cpu, or the number of a GPU")] = "cpu",
) -> None:
    """Train the detector from random weights, or go on from earlier ones, and export it."""
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
        device=device, head_only=head,
    )  # fmt: skip
    typer.echo(str(train_detector(request, epoch_printer(epochs))))


def evaluate(
    data: Annotated[
        Path | None, typer.Option("--data", help="data.yaml of a data set: frames with known boxes")
    ] = None,
    missions: Annotated[
        list[Path] | None,
        typer.Option("--missions", help="mission folder with truth.json beside it, or a folder of them; repeatable"),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="val or test")] = "test",
    model: ModelOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="everything measured, with bounds; curves as .png beside it")
    ] = None,
    sheets: Annotated[Path | None, typer.Option("--sheets", help="folder for pictures of hits and misses")] = None,
) -> None:
    """Measure the detector: by frames with known boxes, or by what surveys made of parcels planted on a hull."""
    from rich.console import Console

    from hullscan.console.progress import console_progress
    from hullscan.errors import InputError

    if (data is None) == (not missions):
        raise InputError("one thing is measured at a time", todo="give --data or --missions")
    if missions:
        from hullscan.console.trials_table import trials_table
        from hullscan.vision.trials import evaluate_missions

        Console().print(trials_table(evaluate_missions(missions, json_file)))
    if data is not None:
        from hullscan.console.tables import evaluation_table
        from hullscan.vision.measures import evaluate_model

        with console_progress() as progress:
            scored = evaluate_model(data.parent, split, model, json_file, sheets, progress)
        Console().print(evaluation_table(scored, split))
