"""Training the detector with ultralytics, from random weights, and exporting it for the run time.

One command, reproducible: seeds, thread count and versions stand in the model card that is written beside the
weights. Needs the extra ``train``.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hullscan.errors import DetectorError
from hullscan.vision.card import INT8, MOST_FALSE_PER_FRAME, choose_threshold
from hullscan.vision.evaluation import THRESHOLDS, score_frames
from hullscan.vision.export import export_model, quantise_model, weights_of
from hullscan.vision.runtime import PRECISE_MODEL, ExportedDetector, input_size_px, offline_ultralytics

__all__ = ["TrainingRequest", "choose_frames", "train_detector"]


_OURS = "ours"
_CALIBRATED = 100  # frames from which the ranges of the model in integers are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """Settings of one training run.

    Attributes:
        data: data.yaml of a YOLO data set.
        model: an architecture (.yaml, random weights), or what to go on from: a .pt file, an export of ours (.onnx), or
            ``ours`` for the shipped one.
        image_px: side of the training image; the exported model's input is as wide.
        empty_share: share of the training frames without any object that is used; those with one all are.
        rectangular: frames keep their shape, which needs one shape for all of them, and no mosaic is made of them: a
            short training learns more from frames as they are. Otherwise squares, and mosaics of four.
        threads: torch threads on a CPU; part of what makes a run repeatable. No more than there are idle cores: a
            thread that waits for one that is interrupted burns its core, six times the CPU time on two busy ones.
        bfloat16: compute in bfloat16 on a CPU, as a GPU always does: half the time where the processor has
            AVX-512 BF16, several times the time where it has not.
        device: cpu, or the number of a GPU.
        head_only: all layers but the last, the detection head, stay as they are in ``model``: for few frames, which
            would make the others forget.
    """

    data: Path
    out: Path
    model: str = "yolo11n.yaml"
    image_px: int = 416
    epochs: int = 30
    batch: int = 16
    empty_share: float = 1.0
    rectangular: bool = True
    threads: int = 2
    bfloat16: bool = False
    seed: int = 0
    device: str = "cpu"
    learning_rate: float = 0.002
    workers: int = 0
    head_only: bool = False


def train_detector(request: TrainingRequest, on_epoch: Callable[[int, dict[str, float]], None] | None = None) -> Path:
    """Train, export to ONNX and OpenVINO where it is installed, and write the model card.

    Args:
        request: the settings.
        on_epoch: called after each epoch with its number and ultralytics' metrics.

    Returns:
        The folder with ``parcel.pt``, ``parcel.onnx``, ``parcel-int8.onnx`` and ``parcel.yaml``.

    Raises:
        DetectorError: ultralytics is missing, the data set cannot be used, or the head alone is to learn above layers
            that have not.
    """
    offline_ultralytics()
    try:
        import torch
        import ultralytics
        from ultralytics import YOLO, settings
        from ultralytics.data import utils as ultralytics_data
    except ImportError as error:
        raise DetectorError("ultralytics is not installed", todo="pip install 'hullscan[train]'") from error
    if not request.data.is_file():
        raise DetectorError(f"no data set at {request.data}", todo="make one with hullscan dataset")
    if request.head_only and request.model.endswith(".yaml"):
        raise DetectorError("--head needs weights to go on from", where=request.model, todo="add --model ours")
    settings.update({"sync": False})
    ultralytics_data.check_font = lambda _: None  # it would look for one at github.com, for plots that are not drawn
    request.out.mkdir(parents=True, exist_ok=True)
    start = PRECISE_MODEL if request.model == _OURS else Path(request.model)
    model = YOLO(str(weights_of(start, request.out / "start.pt") if start.suffix == ".onnx" else start))
    on_cpu = request.device == "cpu"

    def settle(trainer: Any) -> None:
        if on_cpu:  # ultralytics leaves one core unused; the thread count is part of the result
            torch.set_num_threads(request.threads)
            trainer.model.to(memory_format=torch.channels_last)  # a fifth less time in convolutions
            if request.bfloat16:  # ultralytics' own autocast refuses bfloat16 on a CPU
                trainer.model.forward = torch.autocast("cpu", torch.bfloat16)(trainer.model.forward)

    model.add_callback("on_train_start", settle)

    def report(trainer: Any) -> None:
        # the last evaluation, of the best weights, ends with the same callback, one epoch beyond the last
        if on_epoch is not None and trainer.epoch < request.epochs:
            metrics = {key: float(value) for key, value in trainer.metrics.items()}
            on_epoch(int(trainer.epoch) + 1, metrics)

    model.add_callback("on_fit_epoch_end", report)
    try:
        model.train(
            data=str(choose_frames(request)),
            project=str(request.out.resolve()),
            name="run",
            exist_ok=True,
            imgsz=request.image_px,
            epochs=request.epochs,
            batch=request.batch,
            nbs=request.batch,
            workers=request.workers,
            seed=request.seed,
            device=request.device if on_cpu else int(request.device),
            optimizer="AdamW",
            lr0=request.learning_rate,
            cos_lr=True,
            warmup_epochs=1.0 if start.suffix == ".yaml" else 0.1,
            freeze=len(model.model.model) - 1 if request.head_only else None,
            rect=request.rectangular,
            close_mosaic=max(request.epochs // 8, 1),
            # colour must not be what tells a parcel from plating; most of that is the generator's doing
            hsv_h=0.1,
            hsv_s=0.8,
            hsv_v=0.5,
            flipud=0.5,
            scale=0.6,
            deterministic=True,
            patience=request.epochs,
            amp=False if on_cpu else "bf16",
            plots=False,
            val=True,
            cache="ram" if on_cpu else False,
            verbose=False,
        )
    except (FileNotFoundError, RuntimeError) as error:
        raise DetectorError(f"training failed: {str(error).splitlines()[0]}", where=str(request.data)) from error
    best = request.out / "run" / "weights" / "best.pt"
    _without_folders(best, request.out / "parcel.pt")
    exported = export_model(request.out / "parcel.pt", request.out, input_size_px(request.image_px))
    learnt_from = _frames_of(_train_of(request.data))
    pictures = learnt_from[:: max(len(learnt_from) // _CALIBRATED, 1)]
    exported.append(quantise_model(exported[0], request.out / f"parcel{INT8}.onnx", pictures))
    measured = _measured(exported[-1], request.data.parent)
    card = {
        "threshold": choose_threshold(measured["val"]["by_threshold"]) if "val" in measured else None,
        "threshold_from": f"the lowest with at most {MOST_FALSE_PER_FRAME} false boxes a validation frame",
        "trained_with": {**asdict(request), "data": request.data.name, "out": request.out.name},
        "versions": {"ultralytics": ultralytics.__version__, "torch": torch.__version__.split("+")[0]},
        "machine": {"python": platform.python_version(), "machine": platform.machine(), "device": request.device},
        "went_on_from": _ancestor(start),
        "data_card": _data_card(request.data),
        "measured": measured,
        "files": {path.name: _sha256(path) for path in (request.out / "parcel.pt", *exported)},
    }
    (request.out / "parcel.yaml").write_text(yaml.safe_dump(_plain(card), sort_keys=False), encoding="utf-8")
    return request.out


def _without_folders(source: Path, target: Path) -> None:
    """Keep a checkpoint whose settings name files, but not the folders of the machine that it was trained on."""
    import torch

    checkpoint = torch.load(str(source), map_location="cpu", weights_only=False)  # our own, written a moment ago
    model = checkpoint["model"]
    for settings in (checkpoint["train_args"], model.args):
        settings |= {
            key: Path(settings[key]).name for key in ("model", "data", "project", "save_dir") if key in settings
        }
    if getattr(model, "pt_path", None):
        model.pt_path = Path(model.pt_path).name
    checkpoint["git"] = {}
    torch.save(checkpoint, str(target))


def choose_frames(request: TrainingRequest) -> Path:
    """The data set with a seeded part of its empty frames, as a file of its own in the result's folder."""
    if request.empty_share >= 1:
        return request.data.resolve()
    content = yaml.safe_load(request.data.read_text(encoding="utf-8"))
    root = request.data.parent.resolve()
    frames = _frames_of(root / content["train"])
    empty = np.array([not _labels_of(frame).read_text(encoding="ascii").strip() for frame in frames])
    used = ~empty | (np.random.default_rng(request.seed).random(len(frames)) < request.empty_share)
    train = request.out.resolve() / "train.txt"
    train.write_text("".join(f"{frame}\n" for frame, use in zip(frames, used, strict=True) if use), encoding="utf-8")
    content |= {"path": str(root), "train": str(train)}
    chosen = train.with_name("data.yaml")
    chosen.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return chosen


def _train_of(data: Path) -> Path:
    """Folder of the training frames of a data set, or the file that lists them."""
    content = yaml.safe_load(data.read_text(encoding="utf-8"))
    return Path(str(content.get("path", data.parent.resolve()))) / str(content["train"])


def _frames_of(train: Path) -> list[Path]:
    """Frames of a folder, or those that a file lists."""
    if train.is_dir():
        return sorted(train.iterdir())
    return [Path(line) for line in train.read_text(encoding="utf-8").splitlines() if line]


def _labels_of(frame: Path) -> Path:
    """``labels/train/x.txt`` of ``images/train/x.jpg``."""
    return frame.parents[1].with_name("labels") / frame.parent.name / f"{frame.stem}.txt"


def _data_card(data: Path) -> Any:
    card = data.parent / "data_card.json"
    return json.loads(card.read_text(encoding="utf-8")) if card.is_file() else None


def _ancestor(model: Path) -> Any:
    """Where the weights came from that the training began with; None for random ones."""
    if model.suffix == ".yaml":
        return None
    card = model.with_name("parcel.yaml")
    before = yaml.safe_load(card.read_text(encoding="utf-8")) if card.is_file() else {}
    return {"sha256": _sha256(model), **{key: before.get(key) for key in ("trained_with", "went_on_from")}}


def _measured(model: Path, data: Path) -> dict[str, Any]:
    """Parcels found and false boxes of the exported model, by threshold, on the splits that it was not trained with."""
    measured = {}
    for split in ("val", "test"):
        if (data / "annotations" / f"{split}.json").is_file():
            scored = score_frames(ExportedDetector(model, threads=2), data, split)
            rows = [asdict(scored.at(threshold)) for threshold in THRESHOLDS]
            rows = [{key: round(value, 4) for key, value in row.items()} for row in rows]
            measured[split] = {"frames": scored.frames, "parcels": len(scored.found), "by_threshold": rows}
    return measured


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plain(value: Any) -> Any:
    """The same with lists for tuples and text for paths, so that YAML stays plain."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
