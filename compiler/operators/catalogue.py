"""The operator families, and what their rules find in a graph.

A family is a module or a package of this folder; a new one is its files, its templates, its ONNX
handlers in frontend/, and its name here (docs/adding-an-operator.md walks through one). An operator
that stands outside this package is entered by `register`.
"""

from __future__ import annotations

from ..errors import UnsupportedError
from ..ir.graph import Graph, Op
from . import (
    binary,
    borders,
    cast,
    concat,
    dynamic,
    identity,
    interpolation,
    lookup,
    pooling,
    quantize,
    reduction,
    select,
    softmax,
)
from .base import LayoutRule
from .convolution import fusion as convolution
from .convolution import transposed
from .float import expand, map, reductions
from .fusion import NoIntegerForm, NotRun, Rule, Surroundings
from .matmul import fusion as matmul
from .moves import op as move
from .moves import pad, resize

FAMILIES = (
    convolution, matmul, transposed, binary, pooling, softmax, interpolation, dynamic, reduction,
    select, lookup, cast, concat, quantize, borders, identity, move, pad, resize, map, reductions, expand,
)  # fmt: skip
"""Importing them is what makes their ops known to the text form (`Op.classes`)."""

RULES: list[Rule] = [family.fuse for family in FAMILIES if hasattr(family, "fuse")]
"""What ONNX Runtime makes integer ops of: each rule looks at ops of its own only."""

LAYOUT_RULES: list[LayoutRule] = [family.by_layout for family in FAMILIES if hasattr(family, "by_layout")]
"""What computes otherwise in another layout."""


def register(rule: Rule) -> None:
    """Enters the fusion rule of an operator that stands outside this package."""
    RULES.append(rule)


def groups(graph: Graph) -> dict[Op, Op]:
    """The integer op in the place of each op that ends a group.

    Raises UnsupportedError where ONNX Runtime makes one that it can't run.
    """
    around, replacements, reasons = Surroundings(graph), {}, []
    for candidate in graph.ops:
        for rule in RULES:
            try:
                group = rule(around, candidate)
            except NoIntegerForm:
                continue
            except NotRun as error:
                reasons.append(f"%{candidate.result.name}: {error}")
                break
            if group is not None:
                replacements[group.last] = group.op
                break
    if reasons:
        raise UnsupportedError(f"{graph.name}: integer groups of the model can't be run:", reasons)
    return replacements


def explain(graph: Graph, candidate: Op) -> str | None:
    """Why `candidate` is not an integer op; None where no rule is about it."""
    around = Surroundings(graph)
    for rule in RULES:
        try:
            if rule(around, candidate) is not None:
                return None
        except (NoIntegerForm, NotRun) as refusal:
            return str(refusal)
    return None
