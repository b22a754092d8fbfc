"""onnx's light_*.onnx: nine real image classifiers, without their weights.

Each file holds a topology whose weights are all made by ConstantOfShape, every one 0.02, so that a
wrong channel goes unseen. So the weights are drawn anew here, seeded, by their role; and, as they
are free anyway, with an eighth of the channels, which keeps every node, image size and kernel and
lets the suite run in seconds (shufflenet, whose Reshape nodes name its channels, keeps them all).
The classifier's weights are scaled so that its results spread. Opset 9 becomes 13, the first whose
DequantizeLinear has an axis, by onnx.version_converter. The int8 forms are made by onnxruntime's
quantize_static, calibrated on the same kind of seeded pictures as they are run on.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test
import onnx.version_converter
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from .node_cases import Case

Array = NDArray[Any]

FOLDER = Path(onnx.backend.test.__file__).parent / "data" / "light"
OPSET = 13
NARROWED = 8
KEEPS_CHANNELS = ("light_shufflenet",)
IMAGE_CHANNELS = 3
LOGITS_DEVIATION = 2.0
SCALES = {("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 1)}
"""Operands that multiply, or whose root divides: drawn around 1; all other vectors around 0."""


def light_cases() -> list[Case]:
    """The float form of every light model."""
    return [_case(path.stem, _float_model(path)) for path in sorted(FOLDER.glob("*.onnx"))]


def _case(name: str, model: onnx.ModelProto) -> Case:
    image = picture(model, seed=0)
    inputs = {model.graph.input[0].name: image}
    return Case(name, name, model, inputs, None, 0.0, 0.0)


def picture(model: onnx.ModelProto, seed: int) -> Array:
    """A seeded picture f32[1, 3, H, W] in [-1, 1]: coarse patches with noise on them."""
    random = np.random.default_rng(seed)
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    coarse = random.uniform(-1, 1, (*shape[:2], shape[2] // 16, shape[3] // 16))
    image = np.kron(coarse, np.ones((16, 16))) + random.normal(0, 0.2, shape)
    return np.clip(image, -1, 1).astype(np.float32)


def _float_model(path: Path) -> onnx.ModelProto:
    model = onnx.load(str(path))
    model.ir_version = 7  # initializers need not be graph inputs
    divisor = 1 if path.stem in KEEPS_CHANNELS else NARROWED
    _draw_weights(model, divisor)
    _spread_logits(model)
    return onnx.version_converter.convert_version(model, OPSET)


def _draw_weights(model: onnx.ModelProto, divisor: int) -> None:
    """Replaces what ConstantOfShape makes by seeded weights, and divides all channels."""
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    roles = {name: role for role, name in _roles(graph)}
    random = np.random.default_rng(1)
    tensors: dict[str, Array] = {}
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shape = _narrowed(constants.pop(node.input[0]).tolist(), divisor)
            tensors[node.output[0]] = _draw(random, shape, roles.get(node.output[0]))
        elif node.op_type == "Reshape" and divisor > 1:
            shape = constants[node.input[1]].tolist()
            constants[node.input[1]] = np.array(_narrowed(shape, divisor), np.int64)
    for name, data in constants.items():
        if data.dtype == np.float32:
            tensors[name] = data[: _narrowed(data.shape, divisor)[0]]
        else:
            tensors[name] = data
    nodes = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    inputs = [value for value in graph.input if value.name not in constants and _is_image(value)]
    for field, content in (("node", nodes), ("input", inputs)):
        del getattr(graph, field)[:]
        getattr(graph, field).extend(content)
    del graph.initializer[:], graph.value_info[:]
    names = {name for node in graph.node for name in node.input}
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(data), name)
        for name, data in tensors.items()
        if name in names
    )
    dims = graph.output[0].type.tensor_type.shape.dim
    dims[1].dim_value //= divisor


def _is_image(value: onnx.ValueInfoProto) -> bool:
    return len(value.type.tensor_type.shape.dim) == 4


def _narrowed(shape: Any, divisor: int) -> list[int]:
    """The dimensions that count channels divided; 1 and the picture's 3 stay.

    They are the first two, and in weights [1, 1, M, K] of a matrix the last two.
    """
    matrix = len(shape) == 4 and tuple(shape[:2]) == (1, 1)
    channels = (2, 3) if matrix else (0, 1)
    return [
        size // divisor if axis in channels and size not in (1, IMAGE_CHANNELS) else size
        for axis, size in enumerate(shape)
    ]


def _roles(graph: onnx.GraphProto) -> Iterator[tuple[tuple[str, int], str]]:
    """Which operand of which operator each tensor is, also through Unsqueeze."""
    through = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Unsqueeze"}
    for node in graph.node:
        if node.op_type != "Unsqueeze":
            for index, name in enumerate(node.input):
                yield (node.op_type, index), through.get(name, name)


def _draw(random: np.random.Generator, shape: list[int], role: tuple[str, int] | None) -> Array:
    if len(shape) > 1:
        values = random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
    elif role in SCALES:
        values = random.uniform(0.8, 1.2, shape)
    else:
        values = random.normal(0, 0.1, shape)
    return values.astype(np.float32)


def _spread_logits(model: onnx.ModelProto) -> None:
    """Scales the last layer's weights: its results get the standard deviation 2."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    last = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")][-1]
    name = next((n for n in last.input[1:2] if n in weights), None)
    if name is None:  # the classifier of inception_v1 is reshaped first
        reshape = next(node for node in model.graph.node if last.input[1] in node.output)
        name = reshape.input[0]
    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    del probed.graph.output[:]
    probed.graph.output.append(onnx.ValueInfoProto(name=last.output[0]))
    session = ort.InferenceSession(probed.SerializeToString(), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {model.graph.input[0].name: picture(model, seed=0)})
    data = numpy_helper.to_array(weights[name])
    values = data * np.float32(LOGITS_DEVIATION / float(np.std(logits)))
    weights[name].CopyFrom(numpy_helper.from_array(values, name))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what onnxruntime's quantizer tells of its own internals."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, model: onnx.ModelProto) -> None:
        name = model.graph.input[0].name
        self._feeds = iter([{name: picture(model, seed)} for seed in range(2)])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def quantized(model: onnx.ModelProto) -> onnx.ModelProto:
    """The int8 QDQ form of a float model."""
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder, _quiet():
        source, fused, target = (Path(folder) / f"{n}.onnx" for n in ("float", "fused", "int8"))
        onnx.save(model, source)
        quant_pre_process(source, fused, skip_symbolic_shape=True)
        quantize_static(
            fused,
            target,
            _Pictures(model),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
        return onnx.load(target)
