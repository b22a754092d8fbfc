"""The node cases of the installed onnx, made into models that a compiler can take.

A node case is one operator with its inputs and the outputs it must have. Two adaptations are made,
because a compiled model has static shapes and parameters and an accepted opset:

1. A graph input that is a parameter of its operator (a scale, a zero point, weights, axes, pads, a
   shape, a mask; `PARAMETERS`) becomes an initializer with the case's own value. The case
   `NAME_expanded`, the same operator as its function body, takes the parameters of `NAME`.
2. An opset outside `OPSETS` is converted by onnx.version_converter, which refuses what the other
   version can't say. Nothing is only declared to be of another opset.

Both keep what is computed: ONNX Runtime runs the adapted model, and its result is held against the
outputs that the case comes with.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx2wgsl.compiler.frontend.model_file import OPSETS

Array = NDArray[Any]

ALL_BUT_FIRST = range(1, 16)
PARAMETERS: dict[str, Iterable[int]] = {
    "AffineGrid": [1],
    "Attention": [3, 6],
    "BatchNormalization": ALL_BUT_FIRST,
    "BlackmanWindow": [0],
    "CenterCropPad": [1],
    "Clip": ALL_BUT_FIRST,
    "Compress": [1],
    "Col2Im": [1, 2],
    "ConstantOfShape": [0],
    "Conv": ALL_BUT_FIRST,
    "ConvInteger": ALL_BUT_FIRST,
    "ConvTranspose": ALL_BUT_FIRST,
    "CumProd": [1],
    "CumSum": [1],
    "DFT": [1, 2],
    "DeformConv": [1, 3],
    "DequantizeLinear": ALL_BUT_FIRST,
    "Dropout": ALL_BUT_FIRST,
    "Expand": [1],
    "GRU": ALL_BUT_FIRST,
    "Gather": [1],
    "GatherElements": [1],
    "GatherND": [1],
    "Gemm": [1, 2],
    "GroupNormalization": [1, 2],
    "HammingWindow": [0],
    "HannWindow": [0],
    "InstanceNormalization": [1, 2],
    "LSTM": ALL_BUT_FIRST,
    "LayerNormalization": [1, 2],
    "MatMulInteger": [2, 3],
    "MaxUnpool": [2],
    "MelWeightMatrix": range(5),
    "NonMaxSuppression": [2, 3, 4],
    "OneHot": [1, 2],
    "PRelu": [1],
    "Pad": ALL_BUT_FIRST,
    "QLinearConv": ALL_BUT_FIRST,
    "QLinearMatMul": [1, 2, 4, 5, 6, 7],
    "QuantizeLinear": ALL_BUT_FIRST,
    "RMSNormalization": [1],
    "RNN": ALL_BUT_FIRST,
    "Range": range(3),
    "ReduceL1": [1],
    "ReduceL2": [1],
    "ReduceLogSum": [1],
    "ReduceLogSumExp": [1],
    "ReduceMax": [1],
    "ReduceMean": [1],
    "ReduceMin": [1],
    "ReduceProd": [1],
    "ReduceSum": [1],
    "ReduceSumSquare": [1],
    "Reshape": [1],
    "Resize": ALL_BUT_FIRST,
    "ReverseSequence": [1],
    "RoiAlign": [2],
    "RotaryEmbedding": [1, 2, 3],
    "STFT": [1, 2, 3],
    "Scatter": [1],
    "ScatterElements": [1],
    "ScatterND": [1],
    "Slice": ALL_BUT_FIRST,
    "Split": [1],
    "Squeeze": [1],
    "TensorScatter": [2],
    "Tile": [1],
    "TopK": [1],
    "Trilu": [1],
    "Unsqueeze": [1],
    "Upsample": [1],
    "Where": [0],
}
"""The operands of each operator that a trained model holds as constants."""

QUANTIZED = frozenset(
    [
        "ConvInteger",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "MatMulInteger",
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
    ]
)


@dataclass
class Case:
    """A model with inputs by name and, in the model's order, the outputs it must have if known.

    `unconverted` says why the model could not be brought into `OPSETS`; it is then the original.
    `operator` is what the case is about.
    """

    name: str
    operator: str
    model: onnx.ModelProto
    inputs: dict[str, Array]
    expected: list[Array] | None
    rtol: float
    atol: float
    unconverted: str = ""
    constants: list[str] = field(default_factory=list)

    @property
    def quantized(self) -> bool:
        """Whether an operator on quantized integers is among its nodes."""
        return any(node.op_type in QUANTIZED for node in self.model.graph.node)


@cache
def node_cases() -> tuple[Case, ...]:
    """Every node case of the installed onnx, adapted, by name."""
    collection = {case.name: case for case in _collect()}
    operators = {
        name: case.model.graph.node[0].op_type
        for name, case in collection.items()
        if len(case.model.graph.node) == 1
    }
    cases = []
    for name, case in sorted(collection.items()):
        base = re.sub(r"_expanded(_ver\d+)?$", "", name)
        operator = operators.get(base) or operators.get(name) or case.model.graph.node[0].op_type
        cases.append(_adapt(case, operator, collection.get(base, case).model))
    return tuple(cases)


def _collect() -> list[Any]:
    """onnx's own cases; each makes its random inputs from the seed 0."""
    from onnx.backend.test.case.node import collect_testcases

    state = np.random.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # cases of overflow and division by zero
        try:
            return list(collect_testcases())
        finally:
            np.random.set_state(state)


def _adapt(case: Any, operator: str, base: onnx.ModelProto) -> Case:
    model, unconverted = convert(case.model)
    inputs, outputs = case.data_sets[0]
    tensors = {
        value.name: data
        for value, data in zip(case.model.graph.input, inputs, strict=False)
        if isinstance(data, np.ndarray | np.generic)
    }
    arrays = {name: np.asarray(data) for name, data in tensors.items()}
    names = [name for name in arrays if name in parameters(base) | parameters(case.model)]
    names = [name for name in names if arrays[name].dtype != object]
    return Case(
        name=case.name,
        operator=operator,
        model=with_constants(model, {name: arrays.pop(name) for name in names}),
        inputs=arrays,
        expected=list(outputs),
        rtol=case.rtol,
        atol=case.atol,
        unconverted=unconverted,
        constants=names,
    )


def parameters(model: onnx.ModelProto) -> set[str]:
    """The graph inputs that are parameters of the node which reads them."""
    return {
        name
        for node in model.graph.node
        for index, name in enumerate(node.input)
        if name and index in PARAMETERS.get(node.op_type, ())
    } & {value.name for value in model.graph.input}


def with_constants(model: onnx.ModelProto, constants: dict[str, Array]) -> onnx.ModelProto:
    """A copy of `model` in which these graph inputs are initializers."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    inputs = [value for value in result.graph.input if value.name not in constants]
    types = {value.name: value.type.tensor_type.elem_type for value in result.graph.input}
    del result.graph.input[:]
    result.graph.input.extend(inputs)
    for name, data in constants.items():
        tensor = numpy_helper.from_array(data, name)
        if tensor.data_type == types[name]:
            result.graph.initializer.append(tensor)
        else:  # a dtype of onnx that numpy stores as bytes
            raw = onnx.TensorProto(name=name, data_type=types[name], dims=data.shape)
            raw.raw_data = tensor.raw_data
            result.graph.initializer.append(raw)
    return result


def convert(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """The model in an accepted opset, or as it is and onnx's reason why it can't be."""
    opset = next((entry.version for entry in model.opset_import if entry.domain == ""), None)
    if opset is None or opset in OPSETS:
        return model, ""
    target = OPSETS[-1] if opset > OPSETS[-1] else OPSETS[0]
    try:
        converted = onnx.version_converter.convert_version(model, target)
        converted.ir_version = onnx.helper.find_min_ir_version_for(converted.opset_import)
        return converted, ""
    except Exception as error:  # the converter raises RuntimeError and more, without a base class
        message = " ".join(str(error).split())
        return model, re.sub(r"^.*?failed: ", "", message)
