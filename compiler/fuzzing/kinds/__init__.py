"""The kinds of operators that are drawn, one file each, by name.

A new kind is a new file with a `Node`, its strategy and a `KIND`, and a line in KINDS.
"""

from __future__ import annotations

from ..nodes import Kind
from . import (
    binary,
    concat,
    conv,
    conv1d,
    dynamic,
    matmul,
    moves,
    pad,
    pool,
    qoperator,
    requantize,
    resize,
    softmax,
    stored,
    unary,
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        conv.KIND,
        concat.KIND,
        resize.KIND,
        resize.LINEAR,
        pad.KIND,
        unary.KIND,
        requantize.KIND,
        *binary.KINDS,
        *matmul.KINDS,
        *pool.KINDS,
        *softmax.KINDS,
        *moves.KINDS,
        conv1d.KIND,
        *dynamic.KINDS,
        *qoperator.KINDS,
        *stored.KINDS,
    )
}

SUPPORTED: tuple[str, ...] = (
    "conv",
    "concat",
    "resize",
    "pad",
    "unary",
    "requantize",
    "add",
    "mul",
    "transpose",
    "concat_axis",
    "qgemm",
    "qlinear_add",
    "qlinear_mul",
    "matmul",
    "gemm",
    "conv_integer",
    "matmul_integer",
    "maxpool",
    "averagepool",
    "globalaveragepool",
    "resize_linear",
    "reduce_max",
    "reduce_min",
    "argmax",
    "softmax",
    "where",
    "reshape",
    "flatten",
    "squeeze",
    "unsqueeze",
    "slice",
    "split",
    "gather",
    "expand",
    "tile",
    "depth_to_space",
    "space_to_depth",
    "conv1d",
    "qlinear_conv",
    "qlinear_matmul",
    "qlinear_concat",
    "qlinear_averagepool",
    "qlinear_globalaveragepool",
    "qlinear_leakyrelu",
    "qlinear_sigmoid",
    "qlinear_softmax",
    "cast",
    "byte_function",
    "other_scale",
)
"""What the compiler takes: these are drawn unless others are asked for, and tested."""
