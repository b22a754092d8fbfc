"""Random QDQ graphs as plain data that shrinks well; `models` makes models of them.

A `Net` is a list of inputs and a list of nodes. `batches` has nodes that read graph inputs alone:
many small independent cases in one model. `nets` has nodes that read each other, with skips.

Everything drawn here is what ONNX Runtime runs wholly in integers; `wild_nets` is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from .kinds import KINDS, SUPPORTED
from .kinds.conv import ConvNode
from .models import Input, Net, Shape
from .nodes import IMAGES, Node
from .scales import ODD_SCALES
from .values import DECIMAL, EXTREME_SCALES, LEVELS, SCALES, tuples

OPERANDS = st.integers(0, 5)
INPUT_OPERANDS = st.integers(-2, 0)
WILD = ("concat", "resize", "pad", "unary", "requantize")
"""What wild nets have beside convolutions."""


def inputs(
    shapes: st.SearchStrategy[Shape] = IMAGES, scales: st.SearchStrategy[float] = SCALES
) -> st.SearchStrategy[Input]:
    return st.builds(Input, shapes, scales, LEVELS, st.booleans(), st.booleans())


def _nets(
    inputs: st.SearchStrategy[tuple[Input, ...]], nodes: st.SearchStrategy[tuple[Node, ...]]
) -> st.SearchStrategy[Net]:
    return st.builds(
        Net,
        dtype=st.sampled_from(["u8", "s8"]),
        opset=st.sampled_from([17, 13, 18, 19, 21]),
        inputs=inputs,
        nodes=nodes,
        seed=st.integers(0, 999),
    )


def batches(kind: str, least: int = 9, most: int = 13) -> st.SearchStrategy[Net]:
    """Models of about ten independent cases of one kind; each one can go when a failure shrinks."""
    case = KINDS[kind].nodes(INPUT_OPERANDS)
    optional_case = st.integers(0, 9).flatmap(lambda drawn: case if drawn else st.none())
    cases = st.lists(optional_case, min_size=least, max_size=most)
    nodes = cases.map(lambda batch: tuple(node for node in batch if node is not None))
    sources = KINDS[kind].shapes.flatmap(
        lambda shapes: st.tuples(*(inputs(st.just(shape)) for shape in shapes))
    )
    return _nets(sources, nodes)


def quantizers() -> st.SearchStrategy[Net]:
    """Inputs that are quantized and go straight out again: any scale, any zero point, any f32."""
    scales = st.one_of(SCALES, DECIMAL, EXTREME_SCALES)
    floats = st.builds(lambda x: replace(x, as_float=True), inputs(scales=scales))
    return _nets(tuples(floats, 4, 8), st.just(()))


def oddly_scaled() -> st.SearchStrategy[Net]:
    """One or two cases of some kind, with a scale that no quantizer makes."""
    plain = st.sampled_from(SUPPORTED).flatmap(lambda kind: batches(kind, 1, 2))
    return st.builds(lambda net, odd: replace(net, odd_scale=odd), plain, ODD_SCALES)


def nets(most: int = 12, kinds: Sequence[str] = SUPPORTED) -> st.SearchStrategy[Net]:
    """Nets of up to `most` nodes with skips; a third of the nodes or so are convolutions."""
    convs = [KINDS["conv"].nodes(OPERANDS)] * (1 + len(kinds) // 3)
    others = [KINDS[kind].nodes(OPERANDS) for kind in kinds]
    return _nets(tuples(inputs(), 1, 2), tuples(st.one_of(*convs, *others), 1, most))


def wild_nets(most: int = 6) -> st.SearchStrategy[Net]:
    """Nets that ONNX Runtime may leave in float, in whole or in part."""
    convs: st.SearchStrategy[Node] = KINDS["conv"].nodes(OPERANDS)
    loose = st.builds(_with_quantizer, convs, st.booleans())
    others = [KINDS[kind].nodes(OPERANDS) for kind in WILD]
    strategy = _nets(tuples(inputs(), 1, 2), tuples(st.one_of(loose, loose, *others), 1, most))
    return strategy.map(lambda net: replace(net, wild=True))


def _with_quantizer(node: Node, quantized: bool) -> Node:
    assert isinstance(node, ConvNode)
    return replace(node, quantized=quantized)
