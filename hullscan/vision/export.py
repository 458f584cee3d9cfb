"""From trained weights to one portable file, and back.

The ONNX file holds every weight as training left it: batch norms are not folded into the convolutions (the run times
do that when they load it) and numbers that fit into half precision, as those of a finished training do, are stored so.
It is half as large as a folded one, computes the same to the last digits, and weights to go on learning from can be
made of it again, so no second file of them is needed.
"""

from __future__ import annotations

import ast
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hullscan.errors import DetectorError
from hullscan.vision.pictures import read_picture
from hullscan.vision.runtime import NAMES_IN_OPENVINO, ExportedDetector, offline_ultralytics

__all__ = ["export_model", "quantise_model", "weights_of"]

_OPSET = 17
_INPUT = "images"
_ARCHITECTURE = "architecture"


def export_model(weights: Path, out: Path, input_px: tuple[int, int]) -> list[Path]:
    """Export a .pt file to ``parcel.onnx``, and to OpenVINO's form where openvino is installed.

    Args:
        weights: the .pt file.
        out: folder of the exports.
        input_px: (height, width) of the model's input; multiples of 32.

    Returns:
        The files written.
    """
    offline_ultralytics()
    import onnx
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.modules import C2f, Detect

    network = YOLO(str(weights)).model.float().eval()
    for module in network.modules():
        if isinstance(module, Detect):
            module.dynamic, module.export, module.format = False, True, "onnx"
        elif isinstance(module, C2f):
            module.forward = module.forward_split
    blank = torch.zeros(1, 3, *input_px)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's: shapes are fixed, which is what is wanted
        network(blank)  # anchors are made in the first run
        target = out / "parcel.onnx"
        torch.onnx.export(
            network,
            (blank,),
            str(target),
            opset_version=_OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,  # in EVAL it folds the batch norms
            do_constant_folding=False,
            input_names=[_INPUT],
            output_names=["output0"],
            dynamo=False,
        )
    model = onnx.load(str(target))
    _halve(model)
    facts = {
        "names": repr(dict(network.names)),
        "stride": str(int(max(network.stride))),
        "imgsz": repr(list(input_px)),
        "task": "detect",
        _ARCHITECTURE: repr(_plain_architecture(network.yaml)),
    }
    _state(model, facts)
    onnx.save(model, str(target))
    written = [target]
    try:
        from hullscan.vision.runtime import _silence_openvino

        _silence_openvino()
        import openvino
    except ImportError:
        return written
    converted = openvino.convert_model(str(target))
    converted.set_rt_info(facts["names"], NAMES_IN_OPENVINO)
    openvino.save_model(converted, str(out / "parcel.xml"), compress_to_fp16=False)
    return [*written, out / "parcel.xml", out / "parcel.bin"]


def quantise_model(exported: Path, target: Path, pictures: Sequence[Path]) -> Path:
    """Write the same model in eight-bit integers, by ONNX Runtime's static quantisation.

    Boxes and scores are still made of single-precision numbers: the last convolution of each branch and all behind it
    stay as they are. Weights use seven bits, so that processors without VNNI do not overflow and compute the same.

    Args:
        pictures: of the training set, from which the range of every layer is taken.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    detector = ExportedDetector(exported)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.blobs = (detector.blob(read_picture(path)) for path in pictures)

        def get_next(self) -> Any:
            blob = next(self.blobs, None)
            return None if blob is None else {_INPUT: blob}

    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        quant_pre_process(str(exported), str(folded), skip_symbolic_shape=True)
        names = [node.name for node in onnx.load(str(folded)).graph.node]
        head = max(map(_module, names))
        kept = [name for name in names if _module(name) == head and _decodes(name)]
        quantize_static(
            str(folded),
            str(target),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=kept,
        )
    model = onnx.load(str(target))
    stated = {entry.key: entry.value for entry in onnx.load(str(exported)).metadata_props}
    del model.metadata_props[:]
    _state(model, {key: value for key, value in stated.items() if key != _ARCHITECTURE})
    onnx.save(model, str(target))
    return target


def _module(node: str) -> int:
    """Number of the network's module to which a node belongs (``/model.22/...``); the head is the last."""
    first = node.strip("/").partition("/")[0]
    number = first.removeprefix("model.")
    return int(number) if first != number and number.isdigit() else -1


def _decodes(node: str) -> bool:
    """Whether a node of the head makes boxes and scores, and not the features that they are made of."""
    _, _, rest = node.strip("/").partition("/")
    branch, _, layer = rest.partition("/")
    return not branch.startswith(("cv2", "cv3")) or layer.partition("/")[0].endswith(".2")


def _state(model: Any, facts: dict[str, str]) -> None:
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value


def weights_of(exported: Path, target: Path) -> Path:
    """Write the .pt file that an export was made of, for ultralytics: to go on learning from, or for a GPU.

    Raises:
        DetectorError: it is no export of ours.
    """
    offline_ultralytics()
    import onnx
    import torch
    from onnx import numpy_helper
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    try:
        model = onnx.load(str(exported))
        facts = {entry.key: entry.value for entry in model.metadata_props}
        architecture, names = ast.literal_eval(facts[_ARCHITECTURE]), ast.literal_eval(facts["names"])
        size: list[int] = ast.literal_eval(facts["imgsz"])
    except Exception as error:  # the library's own classes for what is no ONNX file, and what is missing in one
        raise DetectorError(
            f"{exported} holds no weights to go on from", todo="export it with hullscan train"
        ) from error
    network = DetectionModel(architecture, nc=len(names), verbose=False)
    held = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    state = network.state_dict()
    missing = [name for name in state if name not in held and not name.endswith("num_batches_tracked")]
    if missing:
        raise DetectorError(f"{exported} lacks {missing[0]}", todo="export it with hullscan train")
    network.load_state_dict(
        {name: torch.from_numpy(np.array(held[name])).to(value.dtype) for name, value in state.items() if name in held},
        strict=False,
    )
    network.names = names
    whole = YOLO(architecture["yaml_file"])
    whole.model, network.args = network, {"imgsz": max(size), "task": "detect", "model": architecture["yaml_file"]}
    whole.ckpt = {"train_args": network.args}
    whole.save(target)
    return target


def _halve(model: Any) -> None:
    """Store as half precision, with a cast behind each, the numbers that lose nothing by it."""
    from onnx import TensorProto, helper, numpy_helper

    casts, single = [], {}
    for held in model.graph.initializer:
        values = numpy_helper.to_array(held)
        half = values.astype(np.float16) if values.dtype == np.float32 else values
        if values.dtype != np.float32 or values.size < 2 or not np.array_equal(half.astype(np.float32), values):
            continue
        held.CopyFrom(numpy_helper.from_array(half, held.name))
        single[held.name] = f"{held.name}/single"
        casts.append(helper.make_node("Cast", [held.name], [single[held.name]], to=TensorProto.FLOAT))
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = single.get(name, name)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _plain_architecture(architecture: dict[str, Any]) -> dict[str, Any]:
    """As ultralytics reads it, with the file's name alone."""
    kept = {key: value for key, value in architecture.items() if key != "yaml_file"}
    return {**kept, "yaml_file": Path(str(architecture.get("yaml_file", "yolo11n.yaml"))).name}
