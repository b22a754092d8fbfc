"""How ONNX's Resize becomes an op of the Graph: of mode nearest a move, of any other a float op, or what
interpolates stored bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.graph import Op, Value
from ..ir.types import Array, TensorType
from ..operators.fusion import NoIntegerForm
from ..operators.interpolation import interpolated_bytes
from ..operators.moves.resize import Resize
from ..operators.onnx_op import FloatOp
from .floats import float_op
from .importer import Handler, Importer
from .nodes import NodeRefusal, axes_within, text_attribute

FIRST_OF_MODES = 11
"""The opset before which a Resize has but scales: as Upsample, asymmetric."""


def _resize(imp: Importer, node: Any) -> None:
    mode = text_attribute(node, "mode", "nearest")
    if mode == "nearest":
        _nearest(imp, node)
    else:
        _interpolation(imp, node)


def _interpolation(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    float_op(imp, node)
    op = imp.ops[-1]
    if op.result.type.shape == x.type.shape:  # ONNX Runtime copies
        imp.replace_from(-1, [Resize(op.result, x)])
    elif isinstance(op, FloatOp) and x.type.is_byte and x.data is None:
        imp.replace_from(-1, [_resize_of_bytes(op, imp.source.opset)])


def _resize_of_bytes(op: FloatOp, opset: int) -> Op:
    """A Resize that is no nearest one, on stored bytes."""
    try:
        return interpolated_bytes(op, opset)
    except NoIntegerForm as reason:
        raise NodeRefusal(f"{reason}; put it between DequantizeLinear and QuantizeLinear") from reason


@dataclass(frozen=True)
class Target:
    """Size and scale f32 of every axis of a result; `roi`: starts of the axes, then ends."""

    sizes: tuple[int, ...]
    scales: tuple[float, ...]
    roi: tuple[float, ...] = ()


def _nearest(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    shape, rank = x.type.shape, len(x.type.shape)
    coordinates, rounding = _modes(imp, node)
    target = _target(imp, node, x, coordinates)
    # Of spatial axes alone where the others stay: a convolution can take such a Resize in.
    first = min(2, rank) if target.sizes[:2] == shape[:2] else 0
    fields: dict[str, Any] = {
        "x": x,
        "scales": target.scales[first:],
        "coordinates": coordinates,
        "rounding": rounding,
        "roi": (*target.roi[first:rank], *target.roi[rank + first :]),
    }
    type_ = TensorType(x.type.dtype, target.sizes, x.type.quantization)
    op = Resize(Value(node.outputs[0].name, type_), **fields)
    if any((op.sources(axis) < 0).any() for axis in range(rank - first)):
        raise NodeRefusal(f"its roi {list(target.roi)} reaches outside; what lies within 0 to 1 is taken")
    imp.emit(node, Resize, type_, **fields)


def _modes(imp: Importer, node: Any) -> tuple[str, str]:
    """How coordinates are made, and rounded."""
    if imp.source.opset < FIRST_OF_MODES:
        return "asymmetric", "simple"
    coordinates = text_attribute(node, "coordinate_transformation_mode", "half_pixel")
    return coordinates, text_attribute(node, "nearest_mode", "round_prefer_floor")


def _target(imp: Importer, node: Any, x: Value, coordinates: str) -> Target:
    shape = np.array(x.type.shape, np.int64)
    rank = len(shape)
    axes = axes_within(node.attrs.get("axes", range(rank)), rank)
    full_sizes, full_scales = shape.copy(), np.ones(rank, np.float32)
    full_sizes[axes], full_scales[axes] = _sizes_and_scales(imp, node, shape[axes])
    if full_sizes.min(initial=1) < 1:
        raise NodeRefusal(f"its result would have shape {full_sizes.tolist()}")
    roi = [0.0] * rank + [1.0] * rank
    if coordinates == "tf_crop_and_resize":
        region = imp.constant(node, 1)
        if region is None or region.size != 2 * len(axes):
            raise NodeRefusal(f"its roi must have {2 * len(axes)} numbers")
        for number, axis in enumerate(axes):
            roi[axis], roi[rank + axis] = float(region[number]), float(region[len(axes) + number])
    sizes, scales = tuple(map(int, full_sizes)), tuple(map(float, full_scales))
    return Target(sizes, scales, tuple(roi) if coordinates == "tf_crop_and_resize" else ())


def _sizes_and_scales(imp: Importer, node: Any, shape: Array) -> tuple[Array, Array]:
    """Of the axes that it names, whose sizes are `shape` now."""
    at = 2 if imp.source.opset >= FIRST_OF_MODES else 1
    scales, sizes = imp.constant(node, at), imp.constant(node, 3)
    if sizes is not None and sizes.size:
        return _by_sizes(node, sizes, shape)
    if scales is None or scales.size != len(shape):
        raise NodeRefusal(f"it has {0 if scales is None else scales.size} scales for {len(shape)} axes")
    # The product in f32, as onnxruntime has it: in f64 it may fall below a whole number.
    return np.floor(scales.astype(np.float32) * shape.astype(np.float32)), scales


def _by_sizes(node: Any, sizes: Array, shape: Array) -> tuple[Array, Array]:
    if sizes.size != len(shape):
        raise NodeRefusal(f"it has {sizes.size} sizes for {len(shape)} axes")
    factors = sizes.astype(np.float32) / shape.astype(np.float32)
    policy = text_attribute(node, "keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        factors[:] = factors.min() if policy == "not_larger" else factors.max()
        sizes = np.floor(factors * shape + 0.5)
    return sizes, factors


RESIZE: dict[str, Handler] = {"Resize": _resize}
"""The handler, by operator."""
