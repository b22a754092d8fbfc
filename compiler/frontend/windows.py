"""How ONNX's operators that pick some of their elements become ops of the Graph: pools, reductions,
Where.

Handlers as in `frontend/handlers.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.graph import Value
from ..ir.types import TensorType
from ..operators.pooling import MaxPool, window_attributes
from ..operators.reduction import ArgExtreme, Extreme
from ..operators.select import Select
from .importer import Handler, Importer
from .moves import integers
from .nodes import NodeRefusal, axes_within, axis_attribute, plain_attributes


def _max_pool(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    if len(node.outputs) > 1 and not node.outputs[1].is_empty() and node.outputs[1].outputs:
        raise NodeRefusal("its indices are used; only its values are taken")
    window = window_attributes(plain_attributes(node))
    pool = MaxPool(Value("", x.type), x, **window)
    shape = pool.expected_shape()
    assert shape is not None
    if min(shape) < 1:
        raise NodeRefusal(f"its result would have shape {list(shape)}")
    if any((axis.inside() == 0).any() for axis in pool.axes()):
        raise NodeRefusal("one of its windows lies wholly in the padding")
    imp.emit(node, MaxPool, TensorType(x.type.dtype, shape, x.type.quantization), x=x, **window)


def _extreme(imp: Importer, node: Any, axes: tuple[int, ...], *, extreme: str, keepdims: bool) -> None:
    x = imp.required(node, 0)
    if x.type.dtype == "i64":
        raise NodeRefusal("its operand is int64; floats, bytes and int32 are taken")
    attributes: dict[str, Any] = {"extreme": extreme, "axes": axes, "keepdims": keepdims}
    shape = Extreme(Value("", x.type), x, **attributes).expected_shape()
    assert shape is not None
    imp.emit(node, Extreme, TensorType(x.type.dtype, shape, x.type.quantization), x=x, **attributes)


def _global_max_pool(imp: Importer, node: Any) -> None:
    spatial = tuple(range(2, len(imp.required(node, 0).type.shape)))
    _extreme(imp, node, spatial, extreme="max", keepdims=True)


def _reduce(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    rank = len(x.type.shape)
    axes = integers(imp, node, 1, "axes")
    if not axes:
        if node.attrs.get("noop_with_empty_axes", 0):
            raise NodeRefusal("it reduces nothing: use Identity")
        axes = list(range(rank))
    _extreme(
        imp,
        node,
        tuple(sorted(axes_within(axes, rank))),
        extreme="max" if node.op == "ReduceMax" else "min",
        keepdims=bool(node.attrs.get("keepdims", 1)),
    )


def _arg(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    attributes: dict[str, Any] = {
        "extreme": "max" if node.op == "ArgMax" else "min",
        "axis": axis_attribute(node, len(x.type.shape), 0),
        "keepdims": bool(node.attrs.get("keepdims", 1)),
        "last": bool(node.attrs.get("select_last_index", 0)),
    }
    shape = ArgExtreme(Value("", x.type), x, **attributes).expected_shape()
    assert shape is not None
    imp.emit(node, ArgExtreme, TensorType("i64", shape), x=x, **attributes)


def _where(imp: Importer, node: Any) -> None:
    condition, a, b = (imp.required(node, index) for index in range(3))
    if condition.type.dtype != "bool":
        raise NodeRefusal(f"its condition is {condition.type.dtype}, not bool")
    if a.type.dtype != b.type.dtype:
        raise NodeRefusal(f"its branches are {a.type.dtype} and {b.type.dtype}; both must agree")
    if a.type.quantization != b.type.quantization:
        raise NodeRefusal("its branches are bytes of differing scales; dequantize them before")
    shape = np.broadcast_shapes(*(x.type.shape for x in (condition, a, b)))
    type_ = TensorType(a.type.dtype, shape, a.type.quantization)
    imp.emit(node, Select, type_, xs=(a, b), condition=condition)


WINDOWS: dict[str, Handler] = {
    "MaxPool": _max_pool,
    "GlobalMaxPool": _global_max_pool,
    "ReduceMax": _reduce,
    "ReduceMin": _reduce,
    "ArgMax": _arg,
    "ArgMin": _arg,
    "Where": _where,
}
