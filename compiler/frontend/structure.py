"""What a model must be before any library reads further into it: tensors as long as their shapes say, and
functions that end and stay small. A library may trust either, and crash or never end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import TensorProto, helper, numpy_helper

from ..budgets import CONSTANT_BYTES, CONSTANT_ELEMENTS, NODES, require_within
from ..errors import CompileError
from ..reference.facts import TAKES_EMPTY

DEPTH = 100
"""Functions inside functions."""
_HALF_BYTES = {TensorProto.UINT4, TensorProto.INT4, TensorProto.FLOAT4E2M1}
_QUARTER_BYTES = {TensorProto.UINT2, TensorProto.INT2}

Key = tuple[str, str, str]
"""Domain, name and overload of a function."""


def check_structure(model: onnx.ModelProto) -> None:
    """Raises CompileError where a tensor's data do not fit its shape and dtype, or where the model is larger
    than what is compiled.
    """
    for message in messages(model):
        _check_text(message)
    _check_names(model.graph)
    total = sum(_check_tensor(tensor) for tensor in messages(model, TensorProto))
    require_within("all constants of the model together", total, CONSTANT_BYTES, "bytes")
    _check_empty(model)
    _check_steps(model)
    counts = _Functions(model)
    nodes = sum(counts.size(node, 0) for node in model.graph.node)
    require_within("the model, with the bodies of its functions,", nodes, NODES, "nodes")


def _check_names(graph: onnx.GraphProto) -> None:
    """Refuses two tensors of one name; before IR version 4 constants are listed among the inputs, too."""
    constants = [*(t.name for t in graph.initializer), *(t.values.name for t in graph.sparse_initializer)]
    inputs = {value.name for value in graph.input}.difference(constants)
    _require_distinct("inputs", [value.name for value in graph.input])
    _require_distinct("outputs", [value.name for value in graph.output])
    computed = [name for node in graph.node for name in node.output if name]
    _require_distinct("tensors", [*inputs, *constants, *computed])


def _require_distinct(what: str, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise CompileError(
            f"two {what} of the model have the name {repeated[0]!r}: rename one, or export it again"
        )


def messages(message: Message, kind: type[Message] = Message) -> Iterator[Any]:
    """All messages of a kind within `message`, also those within one another; none within tensors."""
    for field, value in message.ListFields():
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                if isinstance(part, kind):
                    yield part
                if not isinstance(part, TensorProto):
                    yield from messages(part, kind)


def _check_text(message: Message) -> None:
    """Refuses text that is no UTF-8, which protobuf hands out as bytes."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING:
            for text in value if field.is_repeated else [value]:
                if isinstance(text, bytes):
                    where = f"{field.name} {text.decode('utf-8', 'replace')!r} of {message.DESCRIPTOR.name}"
                    raise CompileError(f"{where} is no UTF-8: the file is damaged; export it again")


def _check_tensor(tensor: TensorProto) -> int:
    """Refuses data that do not fit; the bytes that they take."""
    name = f"the constant {tensor.name!r}" if tensor.name else "a constant without a name"
    if min(tensor.dims, default=0) < 0:
        raise CompileError(f"{name} has shape {list(tensor.dims)}; sizes can't be negative: export it again")
    if tensor.HasField("segment"):
        raise CompileError(f"{name} is a segment of a larger one, which is not taken: save it whole")
    if tensor.data_location == TensorProto.EXTERNAL:
        raise CompileError(
            f"{name} lies in another file, and not where it is looked for: save it in the model"
        )
    size = math.prod(tensor.dims)
    require_within(name, size, CONSTANT_ELEMENTS, "elements")
    if tensor.data_type not in TensorProto.DataType.values() or tensor.data_type == TensorProto.UNDEFINED:
        raise CompileError(f"{name} has no dtype that ONNX knows ({tensor.data_type}): export it again")
    if tensor.data_type == TensorProto.STRING:
        count, needed, unit = len(tensor.string_data), size, "strings"
    elif tensor.raw_data or not size:
        count, needed, unit = len(tensor.raw_data), _bytes(tensor.data_type, size), "bytes"
    else:
        return _check_numbers(tensor, name, size)
    if count != needed:
        kind = helper.tensor_dtype_to_string(tensor.data_type).removeprefix("TensorProto.").lower()
        raise CompileError(
            f"{name} has {count} {unit} of data, but {kind}{list(tensor.dims)} takes {needed}: the file is "
            "damaged; export it again, or copy it again whole"
        )
    return count


def _check_empty(model: onnx.ModelProto) -> None:
    """Refuses constants without elements but for shapes and axes, and where they mean that none is given:
    kernels of onnxruntime read the first element of a scale, whether there is one or not.
    """
    nodes, tensors = list(messages(model, onnx.NodeProto)), _constants(model)
    empty = {name for name, t in tensors.items() if 0 in t.dims and t.data_type != TensorProto.INT64}
    for node in nodes:
        names = [name for name in node.input if name in empty]
        if names and node.op_type not in TAKES_EMPTY:
            place = f"{node.op_type} {node.name or next(iter(node.output), '')!r}"
            raise CompileError(
                f"{place}: its operand {names[0]!r} has no elements: leave it out, or export the model again"
            )


def _check_steps(model: onnx.ModelProto) -> None:
    """Refuses steps of Slice beyond 32 bits: ONNX's shape inference cuts them, to 0 too, and never ends."""
    tensors = _constants(model)
    for node in messages(model, onnx.NodeProto):
        if node.op_type == "Slice" and len(node.input) > 4 and node.input[4] in tensors:
            steps = numpy_helper.to_array(tensors[node.input[4]])
            if steps.dtype.kind == "i" and steps.size and not -(2**31) < steps.min() <= steps.max() < 2**31:
                place = f"Slice {node.name or next(iter(node.output), '')!r}"
                raise CompileError(f"{place}: its steps {steps.tolist()} exceed 32 bits: give smaller ones")


def _constants(model: onnx.ModelProto) -> dict[str, TensorProto]:
    """Initializers and the tensors of Constant nodes, by name."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in messages(model, onnx.NodeProto):
        if node.op_type == "Constant":
            tensors |= dict(zip(node.output, [each.t for each in node.attribute], strict=False))
    return tensors


def _check_numbers(tensor: TensorProto, name: str, size: int) -> int:
    """Data that lie in a field of numbers, not in bytes."""
    try:
        return int(numpy_helper.to_array(tensor).nbytes)
    except Exception as error:  # whatever numpy and onnx raise of damaged ones
        raise CompileError(
            f"{name} has no data for its {size} elements ({' '.join(str(error).split())}): the file is "
            "damaged; export it again, or copy it again whole"
        ) from error


def _bytes(dtype: int, size: int) -> int:
    """Bytes of raw data."""
    if dtype in _HALF_BYTES:
        return -(-size // 2)
    if dtype in _QUARTER_BYTES:
        return -(-size // 4)
    return size * helper.tensor_dtype_to_np_dtype(dtype).itemsize


class _Functions:
    """How many nodes a node stands for, by the functions of the model; each is counted once."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._bodies = {
            (function.domain, function.name, function.overload): function for function in model.functions
        }
        self._sizes: dict[Key, int] = {}

    def size(self, node: onnx.NodeProto, depth: int) -> int:
        if depth > DEPTH:
            raise CompileError(
                f"{node.op_type} {node.name!r} is a function more than {DEPTH} functions deep, or one that "
                "calls itself: inline the functions when the model is exported"
            )
        inner = sum(self.size(each, depth + 1) for graph in _branches(node) for each in graph.node)
        return 1 + inner + self._body(node, depth)

    def _body(self, node: onnx.NodeProto, depth: int) -> int:
        key = node.domain, node.op_type, node.overload
        if key not in self._bodies:
            return 0
        if key not in self._sizes:
            self._sizes[key] = sum(self.size(each, depth + 1) for each in self._bodies[key].node)
        return self._sizes[key]


def _branches(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs among a node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
