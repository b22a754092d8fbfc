"""Why a case is not run: a group's heading, the same for every case of one kind.

The nature of a case comes first (what it asks for is no business of this compiler), then what
onnx's converter and ONNX Runtime refuse, then the compiler's own reason. A case that compiles is
run, whatever its nature: nothing is excluded beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import onnx
from onnx import TensorProto
from onnx2wgsl.compiler.frontend.model_file import OPSETS

from .node_cases import Case
from .run import NO_REFERENCE, Outcome

RANDOM = frozenset(
    [
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    ]
)
LOSSES = frozenset({"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"})
SHAPED_BY_DATA = frozenset({"NonMaxSuppression", "NonZero", "Unique"})
SMALL = {TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT8}
WHOLE = {TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL}
FAMILIES = {
    "floats of 4 and 8 bits": r"float[48]e",
    "integers of 2 and 4 bits": r"\bu?int[24]\b",
    "float16 and bfloat16": r"float16",
    "float64": r"\bdouble\b",
    "int16, uint16, uint32, uint64": r"\bu?int(16|32|64)\b",
}
"""Headings of dtypes that are not taken; the first that fits."""
NOT_SUPPORTED = "operator not supported by onnx2wgsl: "
_UNKNOWN_OPERATOR = re.compile(r"^(\w+)\b.*?\boperator is not supported")


def reason(case: Case, outcome: Outcome) -> str:
    """Why `case`, whose outcome is no pass and no defect, is not run."""
    nature = of_nature(case)
    if nature:
        return nature
    if case.unconverted:
        return (
            f"opset: not in {OPSETS[0]} to {OPSETS[-1]}, and onnx.version_converter can't bring "
            f"it there: {_plain(case.unconverted, case.model)}"
        )
    text = _plain(outcome.reason, case.model)
    if outcome.kind == NO_REFERENCE:
        return f"ONNX Runtime itself refuses: {_without_origin(text)}"
    if unknown := _UNKNOWN_OPERATOR.match(text):
        return NOT_SUPPORTED + unknown[1]
    if "left out of an integer group" in text:
        return "dtype: arithmetic on uint8 and int8 that is not quantized"
    return f"onnx2wgsl refuses: {text}"


def of_nature(case: Case) -> str:
    """What a case asks for that no model of this compiler can have; empty where nothing."""
    graph = case.model.graph
    domains = {node.domain for node in graph.node} - {"", "ai.onnx"}
    if domains:
        return f"not a neural-network operator: domain {min(domains)}"
    values = [*graph.input, *graph.output]
    kinds = {value.type.WhichOneof("value") for value in values} - {"tensor_type", None}
    if kinds:
        return "not a neural-network operator: optionals and sequences"
    if case.operator.startswith(("Optional", "Sequence")):
        return "not a neural-network operator: optionals and sequences"
    if any(_type(value) == TensorProto.STRING for value in values):
        return "not a neural-network operator: strings"
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return "not a neural-network operator: control flow"
    if any(node.op_type in RANDOM for node in graph.node):
        return "not a neural-network operator: random numbers"
    if _is_training(case):
        return "not a neural-network operator: training"
    return _of_types(graph) or _of_shapes(graph)


def _is_training(case: Case) -> bool:
    if case.operator in LOSSES:
        return True
    dropout = case.operator == "Dropout" and "training" in case.name
    modes = (a for node in case.model.graph.node for a in node.attribute)
    return dropout or any(a.name == "training_mode" and a.i for a in modes)


def _of_types(graph: onnx.GraphProto) -> str:
    strange = set(map(_type, (*graph.input, *graph.output))) - SMALL - WHOLE
    names = " ".join(sorted(map(_name, strange)))
    for family, pattern in FAMILIES.items():
        if re.search(pattern, names):
            return f"dtype: {family}"
    if strange:
        return f"dtype: {names}"
    types = set(map(_type, graph.input))
    if types & WHOLE:
        return f"dtype: computes on {', '.join(sorted(map(_name, types & WHOLE)))}"
    return ""


def _of_shapes(graph: onnx.GraphProto) -> str:
    if not graph.input:
        return "shape: nothing to compute, all operands are parameters"
    if any(node.op_type in SHAPED_BY_DATA for node in graph.node):
        return "shape: depends on data"
    dims = [list(value.type.tensor_type.shape.dim) for value in graph.input]
    if any(not dim.HasField("dim_value") for shape in dims for dim in shape):
        return "shape: dynamic"
    if any(dim.dim_value == 0 for shape in dims for dim in shape):
        return "shape: a tensor without elements"
    return ""


def _type(value: onnx.ValueInfoProto) -> int:
    return int(value.type.tensor_type.elem_type)


def _name(elem_type: int) -> str:
    return str(TensorProto.DataType.Name(elem_type)).lower()


def _plain(text: str, model: onnx.ModelProto) -> str:
    """A message without the names of this one model."""
    text = re.sub(r"\S*onnx2wgsl-\w+/net\.onnx", "the model", text)
    for name in sorted(_names(model), key=len, reverse=True):
        text = text.replace(f" '{name}'", "").replace(f" ('{name}')", "")
        text = re.sub(rf"%{re.escape(name)}(?![\w.])", "%_", text)
    return text


def _names(model: onnx.ModelProto) -> Iterator[str]:
    yield model.graph.name
    for node in model.graph.node:
        yield from (node.name, *node.input, *node.output)


def _without_origin(text: str) -> str:
    """ONNX Runtime's reason without the C++ function and the line it was told in."""
    text = re.sub(r"^onnxruntime \S+ (can't load|failed to run) \S+: ", "", text)
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    text = re.sub(r"Non-zero status code .*? Status Message: ", "", text)
    text = re.sub(r"/\S+\.(cc|h):\d+ .*?\)( const)?( \[with [^]]*\])? (?=\w)", "", text)
    text = re.sub(r"^(.*? is an invalid model\.|In Node,).* Error ", "", text)
    return re.sub(r" node with name.*$", "", text)
