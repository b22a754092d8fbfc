"""The operators, one file a family: meaning, fusion rule, lowering, kernels.

A new family is a file here, its templates, its ONNX handlers in `onnx_ops.py`, and its name in
`FAMILIES` (docs/adding-an-operator.md walks through one). Its file has `OPS`, the classes of its
ops, or `fuse`, the rule by which ONNX Runtime makes integer ops of its nodes, or both.
"""

from .. import ir, packed_ops
from ..fusion import Rule
from ..ir import Op
from . import (
    binary,
    borders,
    convolution,
    dynamic,
    interpolation,
    matmul,
    matmul_fusion,
    moves,
    pooling,
    reduction,
    select,
    softmax,
    transposed,
)

FAMILIES = (
    convolution, matmul, matmul_fusion, transposed, binary, pooling, softmax, interpolation,
    moves, dynamic, reduction, select, borders,
)  # fmt: skip

OP_CLASSES: dict[str, type[Op]] = {
    cls.kind: cls for module in (ir, packed_ops, *FAMILIES) for cls in getattr(module, "OPS", ())
}
"""Every op of the Graph by its kind, for the text form."""

FUSION_RULES: tuple[Rule, ...] = tuple(
    family.fuse for family in FAMILIES if hasattr(family, "fuse")
)
"""What ONNX Runtime makes integer ops of."""
