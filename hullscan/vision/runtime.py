"""Detector run times: the exported model in ONNX Runtime or OpenVINO without torch, or a .pt file in ultralytics.

Scores above a low floor are all kept; the threshold is applied at reading time. The letterbox (pad value 114,
centred) is the one that the model was trained with; large pictures are averaged down, which keeps more of small things.
"""

from __future__ import annotations

import ast
import hashlib
import math
import os
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.errors import DetectorError
from hullscan.vision.card import INT8, checked_bytes
from hullscan.vision.detections import BatchDetector, Detections

__all__ = [
    "DEFAULT_MODEL",
    "PRECISE_MODEL",
    "ExportedDetector",
    "UltralyticsDetector",
    "input_size_px",
    "load_detector",
    "offline_ultralytics",
]

PRECISE_MODEL = Path(__file__).parent / "models" / "parcel.onnx"
"""Single precision: the same scores to the last digits on every machine, and the weights to go on learning from."""
DEFAULT_MODEL = PRECISE_MODEL.with_name(f"parcel{INT8}.onnx")
"""Eight-bit integers: the same model in about half the time."""
SCORE_FLOOR = 0.05
_NMS_IOU = 0.6
NAMES_IN_OPENVINO = ["model_info", "names"]
_MAX_CANDIDATES = 300
_PAD = 114
_STRIDE_PX = 32
_AVERAGED_BELOW = 0.5  # of the scale: above it neighbouring pixels are blended, as in training

Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
_Opened = tuple[Run, tuple[int, int], tuple[str, ...], str]
"""The network, (height, width) of its input, its labels, and what it runs on."""


@dataclass(frozen=True, slots=True)
class _Letterbox:
    """How an image was fitted into the model's input; the two scales differ where its sides were rounded."""

    scale_x: float
    scale_y: float
    left_px: int
    top_px: int

    def back(self, boxes: npt.NDArray[np.float64], width_px: int, height_px: int) -> npt.NDArray[np.float64]:
        """Boxes of the input in pixels of the image, clipped to it."""
        boxes = boxes - [self.left_px, self.top_px, self.left_px, self.top_px]
        boxes = boxes / [self.scale_x, self.scale_y, self.scale_x, self.scale_y]
        return np.clip(boxes, 0, [width_px, height_px, width_px, height_px])


class ExportedDetector:
    """A YOLO model exported to ONNX, run on the CPU.

    Args:
        path: the .onnx file, or OpenVINO's .xml; their metadata carry the names of the labels.
        backend: ``onnx`` (ONNX Runtime) or ``openvino``.
        threads: of the run time.
        floor: least score that is kept.
    """

    def __init__(
        self, path: Path = DEFAULT_MODEL, *, backend: str = "onnx", threads: int = 1, floor: float = SCORE_FLOOR
    ) -> None:
        self.path, self.floor = path, floor
        self._sha256 = hashlib.sha256(checked_bytes(path)).hexdigest()
        opened = _open_openvino(path, threads) if backend == "openvino" else _open_onnx(path, threads)
        self._run, (self._height_px, self._width_px), self._names, self._runs_on = opened

    @property
    def names(self) -> tuple[str, ...]:
        """Labels in the order of their index."""
        return self._names

    @property
    def model_sha256(self) -> str:
        """Hash of the model file."""
        return self._sha256

    @property
    def runs_on(self) -> str:
        """Run time, its version and the device."""
        return self._runs_on

    @property
    def input_px(self) -> tuple[int, int]:
        """(height, width) of the network's input."""
        return self._height_px, self._width_px

    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Detections:
        """Detections in a (h, w, 3) BGR image, best first."""
        if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or image_bgr.dtype != np.uint8:
            raise DetectorError(f"expected an image (h, w, 3) of uint8, got {image_bgr.shape} {image_bgr.dtype}")
        blob, fit = self._letterbox(image_bgr)
        output = self._run(blob)[0]
        boxes, scores = output[:4].T, output[4:].T
        best = scores.argmax(axis=1)
        top = scores[np.arange(len(scores)), best]
        keep = np.flatnonzero(top >= self.floor)
        keep = keep[np.argsort(-top[keep], kind="stable")][: 4 * _MAX_CANDIDATES]
        if not len(keep):
            return Detections.none(self._names)
        centre, half = boxes[keep, :2], boxes[keep, 2:] / 2
        corners = np.concatenate([centre - half, centre + half], axis=1).astype(np.float64)
        xywh = np.concatenate([corners[:, :2], boxes[keep, 2:]], axis=1)
        kept = cv2.dnn.NMSBoxesBatched(xywh.tolist(), top[keep].tolist(), best[keep].tolist(), self.floor, _NMS_IOU)
        chosen = np.asarray(kept, dtype=np.int64).reshape(-1)[:_MAX_CANDIDATES]
        chosen = chosen[np.argsort(-top[keep][chosen], kind="stable")]
        height, width = image_bgr.shape[:2]
        return Detections(
            fit.back(corners[chosen], width, height),
            top[keep][chosen].astype(np.float64),
            best[keep][chosen].astype(np.int64),
            self._names,
        )

    def detect_batch(self, images_bgr: Sequence[npt.NDArray[np.uint8]]) -> list[Detections]:
        """As ``detect``, one after the other: a CPU is no faster with several at once."""
        return [self.detect(image) for image in images_bgr]

    def blob(self, image_bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(1, 3, height, width) that the network is given for a picture."""
        return self._letterbox(image_bgr)[0]

    def _letterbox(self, image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], _Letterbox]:
        height, width = image.shape[:2]
        scale = min(self._width_px / width, self._height_px / height)
        new_width, new_height = max(round(width * scale), 1), max(round(height * scale), 1)
        if (new_width, new_height) != (width, height):
            interpolation = cv2.INTER_AREA if scale < _AVERAGED_BELOW else cv2.INTER_LINEAR
            image = np.asarray(cv2.resize(image, (new_width, new_height), interpolation=interpolation), dtype=np.uint8)
        left, top = (self._width_px - new_width) // 2, (self._height_px - new_height) // 2
        canvas = np.full((self._height_px, self._width_px, 3), _PAD, np.uint8)
        canvas[top : top + new_height, left : left + new_width] = image
        blob = cv2.dnn.blobFromImage(canvas, 1 / 255.0, swapRB=True)
        return np.asarray(blob, dtype=np.float32), _Letterbox(new_width / width, new_height / height, left, top)


def _names_from(metadata: dict[str, str], path: Path) -> tuple[str, ...]:
    try:
        names = ast.literal_eval(metadata["names"])
        return tuple(str(names[index]) for index in range(len(names)))
    except (KeyError, ValueError, SyntaxError, TypeError) as error:
        raise DetectorError(
            f"{path} has no label names in its metadata", todo="export it with hullscan train"
        ) from error


def _open_onnx(path: Path, threads: int) -> _Opened:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # spinning threads would take the cores from video and flight
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises its own, unrelated classes
        raise DetectorError(f"cannot load the model {path}: {_first_line(error)}", todo="export it again") from error
    inputs = session.get_inputs()[0]
    shape = tuple(inputs.shape)
    if len(shape) != 4 or not all(isinstance(side, int) for side in shape[2:]):
        raise DetectorError(f"{path} has input {shape}, expected (1, 3, height, width)", todo="export it again")

    def run(blob: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(session.run(None, {inputs.name: blob})[0], dtype=np.float32)

    names = _names_from(session.get_modelmeta().custom_metadata_map, path)
    provider = session.get_providers()[0].removesuffix("ExecutionProvider")
    return run, (int(shape[2]), int(shape[3])), names, f"ONNX Runtime {onnxruntime.__version__}, {provider}"


def _open_openvino(path: Path, threads: int) -> _Opened:
    _silence_openvino()
    try:
        import openvino
    except ImportError as error:
        raise DetectorError("OpenVINO is not installed", todo="pip install 'hullscan[openvino]'") from error
    core = openvino.Core()
    try:
        model = core.read_model(str(path))
        # f32 on every machine: with bf16, which it chooses by itself where it can, scores would depend on the CPU
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        compiled = core.compile_model(model, "CPU", settings)
    except RuntimeError as error:
        raise DetectorError(f"cannot load the model {path}: {_first_line(error)}", todo="export it again") from error
    shape = tuple(compiled.inputs[0].shape)

    def run(blob: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(compiled([blob])[0], dtype=np.float32)

    if path.suffix == ".onnx":
        names = _open_onnx(path, 1)[2]  # the labels stand in the ONNX metadata, which OpenVINO does not hand out
    else:
        names = _names_from({"names": _rt_info(model, NAMES_IN_OPENVINO)}, path)
    return run, (int(shape[2]), int(shape[3])), names, f"OpenVINO {openvino.__version__}, CPU"


def _rt_info(model: Any, keys: list[str]) -> str:
    try:
        return str(model.get_rt_info(keys).astype(str))
    except RuntimeError:
        return ""


def _silence_openvino() -> None:
    """OpenVINO counts its users over the network unless its telemetry module is replaced before the import."""
    if "openvino" in sys.modules or "openvino_telemetry" in sys.modules:
        return
    silent = types.ModuleType("openvino_telemetry")

    class Telemetry:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *_args, **_kwargs: None

    silent.Telemetry = Telemetry  # type: ignore[attr-defined]
    sys.modules["openvino_telemetry"] = silent


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def input_size_px(image_px: int) -> tuple[int, int]:
    """(height, width) of the input for a training image side: 16 to 9 as the video, in the network's steps of 32.

    What was learned at one scale is found best at the same (``docs/model-card.md``).
    """
    width, height = (math.ceil(side / _STRIDE_PX) * _STRIDE_PX for side in (image_px, image_px * 9 / 16))
    return height, width


def offline_ultralytics() -> None:
    """Switch off what ultralytics does over the network by itself; call before its first import."""
    os.environ.setdefault("YOLO_OFFLINE", "1")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")


class UltralyticsDetector:
    """A .pt file in ultralytics, for machines with a GPU and for comparison; needs the extra ``train``.

    A .pt file is a pickle: load only files of your own.

    Args:
        path: the .pt file.
        device: as torch names it; ``auto`` is the first GPU that CUDA offers, else the CPU.
        floor: least score that is kept.
    """

    def __init__(self, path: Path, *, device: str = "auto", floor: float = SCORE_FLOOR) -> None:
        offline_ultralytics()
        try:
            import torch
            import ultralytics
            from ultralytics import YOLO
        except ImportError as error:
            raise DetectorError(
                "ultralytics is not installed", where=str(path), todo="pip install 'hullscan[train]'"
            ) from error
        self._sha256 = hashlib.sha256(checked_bytes(path)).hexdigest()
        try:
            self._model = YOLO(str(path))
        except Exception as error:  # pickle, zip and torch raise their own, unrelated classes
            raise DetectorError(f"cannot load the model {path}: {_first_line(error)}", todo="train it again") from error
        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        self._device, self._floor = device, floor
        self._runs_on = f"ultralytics {ultralytics.__version__}, torch {torch.__version__}, {device}"
        self._input_px = input_size_px(int(self._model.overrides.get("imgsz", 640)))

    @property
    def names(self) -> tuple[str, ...]:
        """Labels in the order of their index."""
        return tuple(str(self._model.names[index]) for index in range(len(self._model.names)))

    @property
    def model_sha256(self) -> str:
        """Hash of the model file."""
        return self._sha256

    @property
    def runs_on(self) -> str:
        """Run time, its version and the device."""
        return self._runs_on

    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Detections:
        """Detections in a (h, w, 3) BGR image, best first."""
        return self.detect_batch([image_bgr])[0]

    def detect_batch(self, images_bgr: Sequence[npt.NDArray[np.uint8]]) -> list[Detections]:
        """As ``detect`` of each; the network is given all of them at once."""
        if not images_bgr:
            return []
        results = self._model.predict(
            list(images_bgr),
            imgsz=self._input_px,
            rect=False,  # padded to the whole input, as the exported model's are, whatever else is in the batch
            conf=self._floor,
            iou=_NMS_IOU,
            nms=None,
            device=self._device,
            verbose=False,
        )
        return [
            Detections(
                each.boxes.xyxy.cpu().numpy().astype(np.float64),
                each.boxes.conf.cpu().numpy().astype(np.float64),
                each.boxes.cls.cpu().numpy().astype(np.int64),
                self.names,
            )
            for each in results
        ]


def load_detector(path: Path | None = None, *, threads: int = 1, floor: float = SCORE_FLOOR) -> BatchDetector:
    """The detector for a model file: .onnx and OpenVINO's .xml without torch, .pt with ultralytics; ours by default."""
    path = path or DEFAULT_MODEL
    if path.suffix == ".pt":
        return UltralyticsDetector(path, floor=floor)
    if path.suffix not in (".onnx", ".xml"):
        raise DetectorError(f"{path} is neither .onnx, .xml nor .pt", todo="check --model")
    backend = "openvino" if path.suffix == ".xml" else "onnx"
    return ExportedDetector(path, backend=backend, threads=threads, floor=floor)
