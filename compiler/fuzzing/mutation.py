"""Damaged ONNX models: what a file may hold that no exporter writes.

`mutate` changes a model in one or a few places, seeded: its bytes as they lie in the file, or one field of
its messages, whichever message that is (a dimension, a dtype, a name, an attribute, a node, a tensor's
data). Most of its models are invalid; each must be compiled as onnxruntime runs it, or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import AttributeProto, helper

Rng = np.random.Generator
MOST_CHANGES = 3
"""Places that are changed in one model."""
INTEGERS = (-(2**63), -(2**31) - 1, -2, -1, 0, 1, 2, 3, 4, 7, 255, 65536, 2**31 - 1, 2**31, 2**40, 2**63 - 1)
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e-38, 3e38, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", "x", "linear", "nearest", "reflect", "SAME_UPPER", "VALID", "a" * 300, "é\u202e", "../x", "%s")
_INTEGER_LIMITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


def mutate(model: bytes, seed: int) -> bytes:
    """The bytes of an ONNX file, changed; the same seed makes the same change of the same model.

    One in eight is changed as bytes, the others in their fields. Raises DecodeError where `model` is no
    ONNX model.
    """
    rng = np.random.default_rng(seed)
    if rng.random() < 1 / 8:
        return _changed_bytes(model, rng)
    proto = onnx.ModelProto.FromString(model)
    for _ in range(int(rng.integers(1, MOST_CHANGES + 1))):
        _pick(rng, [_change_field] * 4 + CHANGES)(proto, rng)
    changed: bytes = proto.SerializeToString()
    return changed


def _pick(rng: Rng, things: Any) -> Any:
    """One of them."""
    return things[int(rng.integers(len(things)))]


def _changed_bytes(data: bytes, rng: Rng) -> bytes:
    """Cut off, some bytes flipped, or a part put elsewhere."""
    if not data:
        return data
    how = int(rng.integers(3))
    first, last = sorted(int(n) for n in rng.integers(0, len(data) + 1, 2))
    if how == 0:
        return data[:last]
    if how == 1:
        return data[:first] + data[last:] if rng.random() < 0.5 else data[:last] + data[first:]
    changed = bytearray(data)
    for at in rng.integers(0, len(data), int(rng.integers(1, 9))):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _messages(message: Message, kind: str = "") -> Iterator[Message]:
    """The message and all within, or those of one kind."""
    if kind in ("", message.DESCRIPTOR.name):
        yield message
    for field, value in message.ListFields():
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                yield from _messages(part, kind)


def _change_field(proto: onnx.ModelProto, rng: Rng) -> None:
    """Another value in one field of one message, most of them those of the graph."""
    kinds: dict[str, list[Message]] = {}
    for message in _messages(proto):
        kinds.setdefault(message.DESCRIPTOR.name, []).append(message)
    # By kind first, else there would be hardly anything but tensors.
    message = _pick(rng, _pick(rng, list(kinds.values())))
    present = [field for field, _ in message.ListFields()]
    absent = list(message.DESCRIPTOR.fields)
    field = _pick(rng, present if present and rng.random() < 0.85 else absent)
    if rng.random() < 0.15:
        message.ClearField(field.name)
    elif field.is_repeated:
        _change_list(getattr(message, field.name), field, proto, rng)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, _other(field, getattr(message, field.name), proto, rng))


def _change_list(items: Any, field: FieldDescriptor, proto: onnx.ModelProto, rng: Rng) -> None:
    """One item goes, comes twice, changes place with another, or gets another value."""
    how = int(rng.integers(4))
    if not items:
        how = 3
    at = int(rng.integers(len(items))) if items else 0
    if how == 0:
        del items[at]
    elif how == 1:
        items.append(items[at])
    elif how == 2:
        order = list(items)
        other = int(rng.integers(len(items)))
        order[at], order[other] = order[other], order[at]
        del items[:]
        items.extend(order)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        items.add()
    elif items:
        items[at] = _other(field, items[at], proto, rng)
    else:
        items.append(_other(field, field.default_value or 0, proto, rng) if field.cpp_type != 9 else b"")


def _other(field: FieldDescriptor, value: Any, proto: onnx.ModelProto, rng: Rng) -> Any:
    """Another value of the type of a field that is no message."""
    if field.cpp_type in _INTEGER_LIMITS:
        low, high = _INTEGER_LIMITS[field.cpp_type]
        return min(max(_pick(rng, [*INTEGERS, value + 1, value - 1, -value, value * 2]), low), high)
    if field.cpp_type in _FLOATS:
        return _pick(rng, [*FLOATS, -value])
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None
        return int(_pick(rng, field.enum_type.values).number)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return not value
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _changed_bytes(bytes(value or b"\0\0\0\0"), rng)
    return _pick(rng, [*TEXTS, *_names(proto)])


def _names(proto: onnx.ModelProto) -> list[str]:
    """Names of tensors."""
    nodes = proto.graph.node
    return [name for node in nodes for name in (*node.input, *node.output)]


def _set_dimension(proto: onnx.ModelProto, rng: Rng) -> None:
    """Another size of an input, an output or a constant."""
    dimensions = list(_messages(proto, "Dimension"))
    if dimensions and rng.random() < 0.5:
        dimension: Any = _pick(rng, dimensions)
        dimension.dim_value = int(_pick(rng, INTEGERS))
    elif proto.graph.initializer:
        dims = _pick(rng, proto.graph.initializer).dims
        dims[:] = [int(_pick(rng, INTEGERS)) if rng.random() < 0.5 else size for size in dims]


def _set_dtype(proto: onnx.ModelProto, rng: Rng) -> None:
    """Another dtype of a constant or an input, its data as they are."""
    holders = [*proto.graph.initializer, *(value.type.tensor_type for value in proto.graph.input)]
    if not holders:
        return
    holder, dtype = _pick(rng, holders), int(rng.integers(0, 24))
    if isinstance(holder, onnx.TensorProto):
        holder.data_type = dtype
    else:
        holder.elem_type = dtype


def _set_operator(proto: onnx.ModelProto, rng: Rng) -> None:
    """Another operator on the same operands."""
    if proto.graph.node:
        node = _pick(rng, proto.graph.node)
        node.op_type = _pick(rng, _operators())
        if rng.random() < 0.5:
            del node.attribute[:]


@cache
def _operators() -> list[str]:
    return sorted({schema.name for schema in onnx.defs.get_all_schemas()})


def _set_attribute(proto: onnx.ModelProto, rng: Rng) -> None:
    """An attribute that the operator knows, with a value of its type or of any other."""
    if not proto.graph.node:
        return
    node = _pick(rng, proto.graph.node)
    try:
        known = list(onnx.defs.get_schema(node.op_type, node.domain).attributes)
    except onnx.defs.SchemaError:
        known = []
    name = _pick(rng, [*known, "axis", "to"])
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, _attribute(name, rng)])


def _attribute(name: str, rng: Rng) -> AttributeProto:
    """Of a random type and value."""
    integers = [int(_pick(rng, INTEGERS)) for _ in range(int(rng.integers(0, 6)))]
    values = [integers or [0], [0] * len(integers) or [1], int(_pick(rng, INTEGERS)), _pick(rng, TEXTS)]
    values += [float(_pick(rng, FLOATS)), [float(_pick(rng, FLOATS))]]
    return helper.make_attribute(name, _pick(rng, values))


def _set_operand(proto: onnx.ModelProto, rng: Rng) -> None:
    """Another tensor as an operand or a result, or none."""
    if proto.graph.node:
        node = _pick(rng, proto.graph.node)
        names = _pick(rng, [node.input, node.input, node.output])
        if names:
            names[int(rng.integers(len(names)))] = _pick(rng, ["", *_names(proto)])


def _set_numbers(proto: onnx.ModelProto, rng: Rng) -> None:
    """Other numbers in a small constant: a scale, a zero point, a shape, axes."""
    small = [t for t in proto.graph.initializer if t.raw_data and len(t.raw_data) <= 64]
    if not small:
        return
    tensor = _pick(rng, small)
    try:
        array = onnx.numpy_helper.to_array(tensor).copy()
        values = FLOATS if array.dtype.kind == "f" else INTEGERS
        with np.errstate(all="ignore"):
            array.flat[int(rng.integers(array.size))] = np.array(_pick(rng, values)).astype(array.dtype)
        if rng.random() < 0.3:  # of another length, too
            array = np.resize(array, int(rng.integers(0, 6)))
    except (TypeError, ValueError, OverflowError):  # of a damaged tensor
        return
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))


CHANGES: list[Callable[[onnx.ModelProto, Rng], None]] = [
    _set_dimension,
    _set_dtype,
    _set_operator,
    _set_attribute,
    _set_operand,
    _set_numbers,
]
