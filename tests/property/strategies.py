"""Random QDQ graphs as plain data that shrinks well; `models.py` makes models of them.

A `Net` is a list of inputs and a list of nodes. A node names its operands by small integers that
always mean something (`models.Builder.pick`), whatever stands before it, so that Hypothesis can
delete, shrink and reorder nodes freely and every such net is again valid. Weights and inputs come
from seeds and shapes of distributions, not from drawn numbers.

`batches` has nodes that read graph inputs alone: many small independent cases in one model. `nets`
has nodes that read each other, with skips.

Everything drawn here is what ONNX Runtime runs wholly in integers; `wild_nets` is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import strategies as st

LIMITS = {"u8": (0, 255), "s8": (-128, 127)}
Dtype = Literal["u8", "s8"]


# ---------------------------------------------------------------------------------- plain data


@dataclass(frozen=True)
class Level:
    """A zero point of either byte type: 0..255 above the smallest value."""

    above: int

    def of(self, dtype: str) -> int:
        return LIMITS[dtype][0] + self.above


@dataclass(frozen=True)
class Input:
    """A graph input; f32 where `as_float`, else bytes."""

    channels: int
    height: int
    width: int
    scale: float
    zero_point: Level
    as_float: bool
    bytes_out: bool
    batch: int


@dataclass(frozen=True)
class Node:
    """Operand `x` (see `models.Builder.pick`); whether an output of it is bytes or float values."""

    x: int
    bytes_out: bool


@dataclass(frozen=True)
class ConvNode(Node):
    """Conv and QuantizeLinear, with requantization multipliers near `multiplier`.

    `coarse` weights are multiples of 64 with a multiplier near 1/128: half the sums are on a tie
    of the rounding, or next to one where `ulps` moves the scale.
    """

    channels: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    group: Literal["one", "two", "depthwise"]
    weights: Literal["random", "coarse", "extreme", "small"]
    weight_dtype: Dtype
    weight_scale: float
    weight_zero_point: Literal["none", "one", "per channel"]
    per_channel: bool
    multiplier: float
    ulps: int
    zero_point: Level
    bias: Literal["none", "int32", "large int32", "float"]
    relu: bool
    seed: int
    quantized: bool = True


@dataclass(frozen=True)
class ConcatNode(Node):
    """Concat of `x` and those of `others` that fit it."""

    others: tuple[int, ...]
    scale: float | None
    zero_point: Level


@dataclass(frozen=True)
class ResizeNode(Node):
    """Nearest Resize by factors, or to sizes where `to_size`."""

    factors: tuple[float, float]
    coordinates: str
    rounding: str
    to_size: bool


@dataclass(frozen=True)
class PadNode(Node):
    """Pad of the spatial axes; the constant is the real value of a stored level, or absent."""

    pads: tuple[int, int, int, int]
    mode: str
    level: Level | None


@dataclass(frozen=True)
class UnaryNode(Node):
    """A float op by its place in UNARY, then QuantizeLinear unless `scale` is None."""

    op: int
    scale: float | None
    zero_point: Level


@dataclass(frozen=True)
class RequantizeNode(Node):
    """QuantizeLinear with other parameters."""

    scale: float
    zero_point: Level


@dataclass(frozen=True)
class Net:
    """A model in the making. All activations are of `dtype`.

    `wild`: any node reads any tensor, a Relu may stand before any QuantizeLinear, and a Conv needs
    none after it. ONNX Runtime leaves some of that in float.
    """

    dtype: Dtype
    opset: int
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    seed: int
    wild: bool = False


# Op, constant inputs, attributes.
UNARY: tuple[tuple[str, tuple[float, ...], dict[str, float]], ...] = (
    ("Relu", (), {}),
    ("Tanh", (), {}),
    ("Sigmoid", (), {}),
    ("LeakyRelu", (), {"alpha": 0.1}),
    ("HardSigmoid", (), {"alpha": 0.2, "beta": 0.5}),
    ("HardSwish", (), {}),
    ("Clip", (-1.5, 2.25), {}),
    ("Clip", (0.0, 6.0), {}),
    ("Abs", (), {}),
    ("Neg", (), {}),
    ("Erf", (), {}),
    ("Exp", (), {}),
    ("Sqrt", (), {}),
    ("Reciprocal", (), {}),
    ("Softsign", (), {}),
    ("Round", (), {}),
    ("Floor", (), {}),
    ("Ceil", (), {}),
    ("Sign", (), {}),
    ("Mul", (0.3,), {}),
    ("Add", (1.7,), {}),
    ("Div", (3.0,), {}),
    ("Sub", (0.11,), {}),
    ("Max", (0.25,), {}),
    ("PRelu", (0.2,), {}),
)


# ---------------------------------------------------------------------------------- strategies

DECIMAL = st.builds(lambda n, k: n / 10.0**k, st.integers(1, 999), st.integers(2, 5))
POWERS = st.integers(-10, 2).map(lambda k: 2.0**k)
SCALES = st.one_of(st.sampled_from([0.5, 0.02, 0.1, 0.0078125, 1 / 255, 1 / 127]), POWERS, DECIMAL)
EXTREME_SCALES = st.sampled_from(
    [1e-30, 1.0000001e-30, 9.99e-31, 1e30, 9.99e29, 1e-36, 1e36, 1.1754944e-38, 3e-39, 1e-44]
)
LEVELS = st.one_of(
    st.sampled_from([0, 128, 255, 1, 127, 254]), st.integers(0, 255)
).map(Level)  # fmt: skip
INNER_LEVELS = st.integers(16, 240).map(Level)
MULTIPLIERS = st.one_of(
    st.integers(-13, 1).map(lambda k: 2.0**k),
    st.integers(1, 4095).map(lambda n: n / 4096),
    st.builds(lambda n, k: n / 10.0**k, st.integers(1, 99), st.integers(2, 5)),
)
OPERANDS = st.integers(0, 5)
INPUT_OPERANDS = st.integers(-2, 0)
SMALL = st.integers(0, 2)


def pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    return st.tuples(values, values)


def pad_widths(most: int) -> st.SearchStrategy[tuple[int, int, int, int]]:
    each = st.integers(0, most)
    return st.tuples(each, each, each, each)


def inputs(scales: st.SearchStrategy[float] = SCALES) -> st.SearchStrategy[Input]:
    """Inputs of up to 9 channels of 9x9 and two samples."""
    sides = st.integers(1, 9)
    batch = st.sampled_from([1, 1, 1, 2])
    return st.builds(
        Input, sides, sides, sides, scales, LEVELS, st.booleans(), st.booleans(), batch
    )


def convs(x: st.SearchStrategy[int]) -> st.SearchStrategy[ConvNode]:
    """Convolutions of all kinds that stay integer."""
    return st.builds(
        ConvNode,
        x=x,
        bytes_out=st.booleans(),
        channels=st.integers(1, 9),
        kernel=pairs(st.integers(1, 4)),
        strides=pairs(st.integers(1, 3)),
        pads=pad_widths(3),
        dilations=pairs(st.integers(1, 3)),
        group=st.sampled_from(["one", "one", "two", "depthwise"]),
        weights=st.sampled_from(["random", "coarse", "coarse", "extreme", "small"]),
        weight_dtype=st.sampled_from(["s8", "s8", "u8"]),
        weight_scale=SCALES,
        weight_zero_point=st.sampled_from(["none", "none", "one", "per channel"]),
        per_channel=st.booleans(),
        multiplier=MULTIPLIERS,
        ulps=st.integers(-1, 1),
        zero_point=LEVELS,
        bias=st.sampled_from(["none", "int32", "large int32", "float"]),
        relu=st.booleans(),
        seed=st.integers(0, 999),
    )


def concats(x: st.SearchStrategy[int]) -> st.SearchStrategy[ConcatNode]:
    """Concatenations; with scale None the parameters are those of the first operand."""
    others = st.lists(x, min_size=1, max_size=3).map(tuple)
    return st.builds(
        ConcatNode, x, st.booleans(), others, st.one_of(st.none(), SCALES), LEVELS
    )  # fmt: skip


def resizes(x: st.SearchStrategy[int]) -> st.SearchStrategy[ResizeNode]:
    """Every nearest Resize: whole and fractional factors, all coordinate and rounding modes."""
    factors = st.sampled_from([2.0, 1.0, 3.0, 1.5, 0.5, 2.5, 0.75, 1.3, 0.3])
    return st.builds(
        ResizeNode,
        x,
        st.booleans(),
        pairs(factors),
        st.sampled_from(["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]),
        st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
        st.booleans(),
    )


def pads(x: st.SearchStrategy[int]) -> st.SearchStrategy[PadNode]:
    """Pads by nothing, 0, any stored level, reflection and edges."""
    return st.builds(
        PadNode,
        x,
        st.booleans(),
        pad_widths(3),
        st.sampled_from(["constant", "constant", "reflect", "edge"]),
        st.one_of(st.none(), LEVELS),
    )


def unaries(x: st.SearchStrategy[int]) -> st.SearchStrategy[UnaryNode]:
    """Elementwise ops, quantized or left float."""
    op = st.integers(0, len(UNARY) - 1)
    return st.builds(UnaryNode, x, st.booleans(), op, st.one_of(st.none(), SCALES), LEVELS)


def requantizations(x: st.SearchStrategy[int]) -> st.SearchStrategy[RequantizeNode]:
    """Inner zero points, because two pairs in a row without a common range are refused."""
    return st.builds(RequantizeNode, x, st.booleans(), SCALES, INNER_LEVELS)


KINDS = {
    "conv": convs,
    "concat": concats,
    "resize": resizes,
    "pad": pads,
    "unary": unaries,
    "requantize": requantizations,
}


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


def _tuples(values: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=least, max_size=most).map(tuple)


def batches(kind: str, least: int = 9, most: int = 13) -> st.SearchStrategy[Net]:
    """Models of about ten independent cases of one kind; each one can go when a failure shrinks."""
    case = KINDS[kind](INPUT_OPERANDS)
    kept = st.integers(0, 9).flatmap(lambda drawn: case if drawn else st.none())
    cases = st.lists(kept, min_size=least, max_size=most)
    nodes = cases.map(lambda made: tuple(node for node in made if node is not None))
    return _nets(_tuples(inputs(), 3, 3), nodes)


def quantizers() -> st.SearchStrategy[Net]:
    """Inputs that are quantized and go straight out again: any scale, any zero point, any f32."""
    scales = st.one_of(SCALES, DECIMAL, EXTREME_SCALES)
    given = st.builds(lambda x: replace(x, as_float=True), inputs(scales))
    return _nets(_tuples(given, 4, 8), st.just(()))


def nets(most: int = 12) -> st.SearchStrategy[Net]:
    """Nets of up to `most` nodes with skips."""
    convolution, others = convs(OPERANDS), [make(OPERANDS) for make in KINDS.values()]
    return _nets(_tuples(inputs(), 1, 2), _tuples(st.one_of(convolution, *others), 1, most))


def wild_nets(most: int = 6) -> st.SearchStrategy[Net]:
    """Nets that ONNX Runtime may leave in float, in whole or in part."""
    loose = st.builds(lambda node, q: replace(node, quantized=q), convs(OPERANDS), st.booleans())
    others = [make(OPERANDS) for kind, make in KINDS.items() if kind != "conv"]
    drawn = _nets(_tuples(inputs(), 1, 2), _tuples(st.one_of(loose, loose, *others), 1, most))
    return drawn.map(lambda net: replace(net, wild=True))
