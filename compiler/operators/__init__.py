"""The operators, one file a family: meaning, fusion rule, lowering, kernels.

A new family is a file here, its templates, its ONNX handlers in `onnx_ops.py`, and its lines in the
two tables below (docs/adding-an-operator.md walks through one).
"""

from ..fusion import Rule
from ..ir import OP_CLASSES as CORE_OPS
from ..ir import Op
from . import (
    binary,
    borders,
    convolution,
    dynamic,
    interpolation,
    matmul,
    matmul_fusion,
    pooling,
    reduction,
    select,
    softmax,
    transposed,
)
from .moves import Move

OP_CLASSES: dict[str, type[Op]] = {
    **CORE_OPS,
    **{cls.kind: cls for cls in (Move, binary.QAdd, binary.QMul, binary.Lookup2)},
    matmul.QMatMul.kind: matmul.QMatMul,
    transposed.QConvTranspose.kind: transposed.QConvTranspose,
    **{
        cls.kind: cls
        for cls in (dynamic.DynamicScale, dynamic.DynamicZeroPoint, dynamic.DynamicQuantize)
    },
    **{
        cls.kind: cls for cls in (pooling.MaxPool, pooling.QAveragePool, pooling.QGlobalAveragePool)
    },
    softmax.QSoftmax.kind: softmax.QSoftmax,
    interpolation.ResizeLinear.kind: interpolation.ResizeLinear,
    **{cls.kind: cls for cls in (borders.Load, borders.Unload)},
    **{cls.kind: cls for cls in (reduction.Extreme, reduction.ArgExtreme, select.Select)},
}
"""Every op of the Graph by its kind, for the text form."""

FUSION_RULES: tuple[Rule, ...] = (
    convolution.fuse,
    matmul_fusion.fuse,
    transposed.fuse,
    binary.fuse,
    pooling.fuse,
    softmax.fuse,
    interpolation.fuse,
)
"""What ONNX Runtime makes integer ops of."""
