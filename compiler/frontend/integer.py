"""How ONNX's operators on integers become ops of the Graph: MatMulInteger, ConvInteger and
DynamicQuantizeLinear.

Handlers as in `frontend/handlers.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ir.graph import Value
from ..ir.types import NUMPY_DTYPES, TensorType
from ..operators.convolution.op import QConv
from ..operators.dynamic import DynamicQuantize, DynamicScale, DynamicZeroPoint
from ..operators.matmul.op import QMatMul
from ..operators.reduction import Extreme
from .importer import Handler, Importer
from .nodes import NodeRefusal, groups_of, window

ONE = np.ones(1, np.float32)


def _bytes(imp: Importer, node: Any, index: int) -> Value:
    value = imp.required(node, index)
    if not value.type.is_byte:
        raise NodeRefusal(f"operand {index} is {value.type.dtype}; uint8 and int8 are taken")
    return value


def _zero_point(imp: Importer, node: Any, index: int, of: Value) -> Value:
    """A zero point of one element, 0 where it is absent."""
    value = imp.operand(node, index)
    if value is None:
        return Value.constant(f"{node.outputs[0].name}.zero", np.zeros((), NUMPY_DTYPES[of.type.dtype]))
    if value.type.size != 1:
        raise NodeRefusal(f"operand {index} has {value.type.size} zero points; one is taken")
    return value if value.data is None else Value.constant(value.name, value.array.reshape(()))


def _zero_points(imp: Importer, node: Any, index: int, columns: int) -> Value:
    """Constant zero points, one or one a column, as i32."""
    array = imp.constant(node, index)
    data = np.zeros(1, np.int32) if array is None else array.astype(np.int32).reshape(-1)
    if data.size not in (1, columns):
        raise NodeRefusal(f"operand {index} has {data.size} zero points for {columns} columns")
    return Value.constant(f"{node.outputs[0].name}.zero_points", data)


def _matmul_integer(imp: Importer, node: Any) -> None:
    a, b = _bytes(imp, node, 0), _bytes(imp, node, 1)
    columns = b.type.shape[-1] if len(b.type.shape) > 1 else 1
    op = QMatMul(
        Value(node.outputs[0].name, TensorType("i32", ())),
        a,
        b,
        b_scale=Value.constant(f"{node.outputs[0].name}.one", ONE),
        b_zero_point=_zero_points(imp, node, 3, columns),
        a_zero_point=_zero_point(imp, node, 2, a),
    )
    imp.add(op)


def _conv_integer(imp: Importer, node: Any) -> None:
    x, weight = _bytes(imp, node, 0), _bytes(imp, node, 1)
    if weight.data is None:
        raise NodeRefusal(f"its weights {weight.name!r} are no constant")
    if x.data is not None:
        raise NodeRefusal(f"its operand {x.name!r} is a constant; only its weights may be")
    group = groups_of(node, x.type.shape, weight.type.shape)
    strides, dilations, pads = window(node, x.type.shape[2:], weight.type.shape[2:])
    data = weight.array if weight.array.ndim == 4 else weight.array[:, :, None]
    op = QConv(
        Value(node.outputs[0].name, TensorType("i32", ())),
        x,
        Value.constant(f"{weight.name}.image", data),
        strides=strides,
        pads=pads,
        dilations=dilations,
        weight_scale=Value.constant(f"{node.outputs[0].name}.one", ONE),
        weight_zero_point=_zero_points(imp, node, 3, len(data)),
        group=group,
        x_zero_point=_zero_point(imp, node, 2, x),
    )
    imp.add(op)


def _dynamic_quantize_linear(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    if x.type.dtype != "f32" or x.data is not None:
        raise NodeRefusal("its operand must be a computed float32 tensor")
    # Outputs that nobody reads have no name.
    names = [tensor.name or f"{node.outputs[0].name}.{n}" for n, tensor in enumerate(node.outputs)]
    names += [f"{names[0]}.{n}" for n in range(len(names), 3)]
    number = TensorType("f32", ())
    low, high = (_extreme(imp, x, f"{names[0]}.{which}") for which in ("min", "max"))
    y = Value(names[0], TensorType("u8", x.type.shape))
    scale, zero_point = Value(names[1], number), Value(names[2], TensorType("u8", ()))
    imp.ops += [
        DynamicScale(scale, low, high),
        DynamicZeroPoint(zero_point, low, scale),
        DynamicQuantize(y, x, scale, zero_point),
    ]
    imp.values |= {value.name: value for value in (y, scale, zero_point)}


def _extreme(imp: Importer, x: Value, name: str) -> Value:
    """The least or greatest element (`name` ends in min or max): of the last axes, then of what
    they leave, so that many invocations share the work.
    """
    shape, which = x.type.shape, name[-3:]
    sizes = [math.prod(shape[:n]) + math.prod(shape[n:]) for n in range(len(shape) + 1)]
    first = sizes.index(min(sizes))
    if 0 < first < len(shape):
        rows = Value(f"{name}.rows", TensorType("f32", shape[:first]))
        imp.ops.append(Extreme(rows, x, which, tuple(range(first, len(shape))), False))
        x = rows
    result = Value(name, TensorType("f32", ()))
    imp.ops.append(Extreme(result, x, which, tuple(range(len(x.type.shape))), False))
    return result


INTEGER: dict[str, Handler] = {
    "MatMulInteger": _matmul_integer,
    "ConvInteger": _conv_integer,
    "DynamicQuantizeLinear": _dynamic_quantize_linear,
}
"""Handlers by operator."""
