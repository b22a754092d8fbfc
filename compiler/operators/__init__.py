"""The operators, one file a family: meaning, fusion rule, lowering, kernels.

A new family is a file here, its templates, its ONNX handlers in `frontend/handlers.py`, and its name in
`FAMILIES` (docs/adding-an-operator.md walks through one). Its file has `OPS`, the classes of its
ops, or `fuse`, the rule by which ONNX Runtime makes integer ops of its nodes, or both; and `by_layout`
where what ONNX Runtime computes depends on the layout that it runs an op in.
"""

from ..ir import graph as ir
from ..ir.graph import Op
from . import (
    binary,
    borders,
    dynamic,
    interpolation,
    packed_ops,
    pooling,
    reduction,
    select,
    softmax,
)
from .base import LayoutRule
from .convolution import fusion as convolution
from .convolution import transposed
from .fusion import Rule
from .matmul import fusion as matmul_fusion
from .matmul import op as matmul
from .moves import op as moves

FAMILIES = (
    convolution, matmul, matmul_fusion, transposed, binary, pooling, softmax, interpolation,
    moves, dynamic, reduction, select, borders,
)  # fmt: skip

OP_CLASSES: dict[str, type[Op]] = {
    cls.kind: cls for module in (ir, packed_ops, *FAMILIES) for cls in getattr(module, "OPS", ())
}
"""Every op of the Graph by its kind, for the text form."""

FUSION_RULES: tuple[Rule, ...] = tuple(family.fuse for family in FAMILIES if hasattr(family, "fuse"))
"""What ONNX Runtime makes integer ops of."""

LAYOUT_RULES: tuple[LayoutRule, ...] = tuple(
    family.by_layout for family in FAMILIES if hasattr(family, "by_layout")
)
"""What computes otherwise in another layout."""
