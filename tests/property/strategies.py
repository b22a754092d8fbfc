"""Random QDQ graphs as plain data that shrinks well, and what makes models of them.

A `Net` is a list of inputs and a list of nodes. A node names its operands by small integers that
always mean something (`_Builder.pick`), whatever stands before it, so that Hypothesis can delete,
shrink and reorder nodes freely and every such net is again valid. Weights and inputs come from
seeds and shapes of distributions, not from drawn numbers.

`batches` has nodes that read graph inputs alone: many small independent cases in one model. `nets`
has nodes that read each other, with skips.

Everything drawn here is what ONNX Runtime runs wholly in integers; `wild_nets` is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import onnx
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.compiler.arithmetic import dequantize_linear

from tests.zoo import QDQBuilder, QuantParams, Tensor, Weights

Array = NDArray[Any]
F32 = np.float32
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
    """Operand `x` (see `_Builder.pick`) and what is to be a graph output: float values or bytes."""

    x: int
    bytes_out: bool


@dataclass(frozen=True)
class ConvNode(Node):
    """Conv and QuantizeLinear, with requantization multipliers near `multiplier`."""

    channels: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    group: Literal["one", "two", "depthwise"]
    weights: Literal["random", "extreme", "small"]
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
        weights=st.sampled_from(["random", "extreme", "small"]),
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


def batches(kind: str, least: int = 8, most: int = 12) -> st.SearchStrategy[Net]:
    """Models of many independent cases of one kind."""
    return _nets(_tuples(inputs(), 3, 3), _tuples(KINDS[kind](INPUT_OPERANDS), least, most))


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


# ---------------------------------------------------------------------------------- building


def build(net: Net) -> onnx.ModelProto:
    """The model of a net; every tensor that nothing reads is an output."""
    return _Builder(net).model()


@dataclass
class _Builder:
    net: Net
    inputs: list[Tensor] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    wanted: dict[int, bool] = field(default_factory=dict)
    read: set[int] = field(default_factory=set)
    merged: set[str] = field(default_factory=set)

    def model(self) -> onnx.ModelProto:
        self.b = QDQBuilder(self.net.opset)
        for given in self.net.inputs:
            params = self.params(given.scale, given.zero_point)
            shape = (given.batch, given.channels, given.height, given.width)
            self.inputs.append(self.b.input(shape, params, as_float=given.as_float))
            self.wanted[len(self.wanted)] = given.bytes_out
        self.tensors = list(self.inputs)
        for node in self.net.nodes:
            made = self.make(node)
            if made is not None:
                self.wanted[len(self.tensors)] = node.bytes_out
                self.tensors.append(made)
        for index, tensor in enumerate(self.tensors):
            if index in self.read:
                continue
            self.b.output(tensor, as_float=self.repeats_input(tensor) or not self.wanted[index])
        return self.b.build()

    def repeats_input(self, x: Tensor) -> bool:
        """Whether x may be an input of bytes itself, which is refused as an output."""
        return any(
            not given.as_float and (x.shape, x.params) == (tensor.shape, tensor.params)
            for given, tensor in zip(self.net.inputs, self.inputs, strict=True)
        )

    def params(self, scale: float, zero_point: Level) -> QuantParams:
        return QuantParams(scale, zero_point.of(self.net.dtype), self.net.dtype)

    def pick(self, number: int, quantized: bool = True) -> Tensor:
        """0, -1, -2: an input; 1, 2, ...: the latest tensors. Float ones only where allowed."""
        if number <= 0:
            index = -number % len(self.inputs)
        else:
            index = len(self.tensors) - 1 - (number - 1) % len(self.tensors)
        while quantized and not self.net.wild and self.tensors[index].params is None:
            index -= 1
        self.read.add(index)
        return self.tensors[index]

    def make(self, node: Node) -> Tensor | None:
        """The node's result; None where the operand is too small or too large for it."""
        match node:
            case ConvNode():
                return self.conv(node, self.pick(node.x))
            case ConcatNode():
                return self.concat(node)
            case ResizeNode():
                return self.resize(node, self.pick(node.x))
            case PadNode():
                return self.pad(node, self.pick(node.x))
            case UnaryNode():
                op, constants, attributes = UNARY[node.op]
                if op == "HardSwish" and self.net.opset < 14:
                    op = "HardSigmoid"
                x = self.pick(node.x, quantized=False)
                params = None if node.scale is None else self.params(node.scale, node.zero_point)
                return self.b.unary(x, op, params, *constants, **attributes)
            case RequantizeNode():
                params = self.params(node.scale, node.zero_point)
                result = self.b.quantize(self.pick(node.x), params)
                self.merged.add(result.stored or "")
                return result
        raise TypeError(node)

    def conv(self, node: ConvNode, x: Tensor) -> Tensor:
        sx = 1.0 if x.params is None else x.params.scale
        random = np.random.default_rng(node.seed)
        groups = {"one": 1, "two": 2, "depthwise": x.shape[1]}[node.group]
        groups = groups if x.shape[1] % groups == 0 else 1
        channels = -(-node.channels // groups) * groups
        pads = node.pads
        room = (x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3])
        kernel = [min(k, side) for k, side in zip(node.kernel, room, strict=True)]
        dilations = [
            d if (k - 1) * d < side else 1
            for d, k, side in zip(node.dilations, kernel, room, strict=True)
        ]
        values = _weights(node, self.net.dtype, (channels, x.shape[1] // groups, *kernel), random)
        weights = _parameters(node, values, random)
        params: QuantParams | None = self.params(_result_scale(node, sx), node.zero_point)
        bias = _bias(node, sx, weights, random)
        if (x.stored is None or x.stored in self.merged) and bias is not None:
            # ONNX Runtime gives x another scale, and an int32 bias no longer fits it: a float one,
            # small enough for any scale that it may get.
            bias = (bias % 20 * sx * float(np.max(weights.scale))).astype(F32)
        if not node.quantized:
            params = None
        elif node.relu and not self.net.wild:
            # Another zero point makes ONNX Runtime compute Conv and Relu in float.
            params = self.params(_result_scale(node, sx), Level(0))
        return self.b.conv(
            x, weights, params, bias=bias, strides=node.strides, pads=pads,
            dilations=dilations, group=groups, relu=node.relu,
        )  # fmt: skip

    def concat(self, node: ConcatNode) -> Tensor:
        xs = [self.pick(node.x)]
        for number in node.others:
            found = self.peek(number, xs[0])
            xs += [] if found is None else [found]
        params = xs[0].params
        if node.scale is not None:
            params = self.params(node.scale, node.zero_point)
        return self.b.concat(xs, params)

    def peek(self, number: int, like: Tensor) -> Tensor | None:
        """The picked tensor where its batch and size are those of `like`."""
        before = set(self.read)
        found = self.pick(number)
        if (found.shape[0], *found.shape[2:]) == (like.shape[0], *like.shape[2:]):
            return found
        self.read = before
        return None

    def resize(self, node: ResizeNode, x: Tensor) -> Tensor:
        factors, sizes = [], []
        for factor, side in zip(node.factors, x.shape[2:], strict=True):
            size = int(np.floor(F32(factor) * F32(side)))
            # onnx's own shape inference may disagree where the product is rounded: whole ones only.
            fits = 1 <= size <= 32 and size == np.floor(float(F32(factor)) * side)
            factors.append(factor if fits else 1.0)
            sizes.append(size if fits else side)
        modes = {
            "coordinate_transformation_mode": node.coordinates,
            "nearest_mode": node.rounding,
        }
        if node.to_size:
            return self.b.resize(x, sizes=sizes, **modes)
        return self.b.resize(x, factors, **modes)

    def pad(self, node: PadNode, x: Tensor) -> Tensor:
        widths = node.pads
        if node.mode == "reflect":
            top, left, bottom, right = widths
            height, width = (side - 1 for side in x.shape[2:])
            widths = (min(top, height), min(left, width), min(bottom, height), min(right, width))
        value = None
        constant = node.level is not None and node.mode == "constant"
        if constant and x.params is not None and x.stored not in self.merged:
            assert node.level is not None
            stored = np.array(node.level.of(self.net.dtype))
            value = float(dequantize_linear(stored, x.params.scale, x.params.zero_point))
        return self.b.pad(x, widths, mode=node.mode, value=value)


def _weights(
    node: ConvNode, dtype: Dtype, shape: tuple[int, ...], random: np.random.Generator
) -> Array:
    """Stored weights; u8 ones only for u8 activations, the others stay float in ONNX Runtime."""
    kind = "u8" if (dtype, node.weight_dtype) == ("u8", "u8") else "s8"
    low, high = LIMITS[kind]
    match node.weights:
        case "random":
            values = random.integers(low, high + 1, shape)
        case "extreme":
            values = random.choice([low, high, low, high, (low + high + 1) // 2], shape)
        case _:
            values = random.integers(-2, 3, shape) + (low + high + 1) // 2
    return values.astype({"u8": np.uint8, "s8": np.int8}[kind])


def _parameters(node: ConvNode, values: Array, random: np.random.Generator) -> Weights:
    scale: Any = F32(node.weight_scale)
    channels = len(values)
    low, high = np.iinfo(values.dtype).min, np.iinfo(values.dtype).max
    if node.per_channel:
        scale = scale * random.choice(np.array([1, 1, 0.5, 0.3, 1.7, 4], F32), channels)
    match node.weight_zero_point:
        case "none":
            zero_point: Any = 0
        case "one":
            zero_point = int(random.choice([low, high, 3]))
        case _:
            zero_point = random.integers(low, high + 1, channels if node.per_channel else ())
    return Weights(values, scale, zero_point)


def _result_scale(node: ConvNode, sx: float) -> float:
    """The result's scale for the wanted multiplier, or an ulp beside; sx where that is extreme."""
    scale = F32(F32(sx) * F32(node.weight_scale)) / F32(node.multiplier)
    if node.ulps:
        scale = np.nextafter(scale, F32(np.inf * node.ulps))
    return float(scale) if 2.0**-24 < scale < 2.0**24 else sx


def _bias(node: ConvNode, sx: float, weights: Weights, random: np.random.Generator) -> Array | None:
    channels = len(weights.values)
    match node.bias:
        case "none":
            return None
        case "int32":
            return random.integers(-20000, 20000, channels).astype(np.int32)
        case "large int32":
            extremes = [2**31 - 1, -(2**31), 2**24 + 1, -(2**24) - 3, 2**30, 0]
            return random.choice(np.array(extremes, np.int32), channels)
    unit = sx * float(np.max(weights.scale))
    return (random.uniform(-20000, 20000, channels) * unit).astype(F32)


# ---------------------------------------------------------------------------------- feeds


def feed(net: Net) -> dict[str, Array]:
    """Seeded inputs of a net: bytes of all values, floats that include what is hard to quantize."""
    random = np.random.default_rng(net.seed)
    made = {}
    for index, given in enumerate(net.inputs):
        shape = (given.batch, given.channels, given.height, given.width)
        low, high = LIMITS[net.dtype]
        if given.as_float:
            array = hard_floats(shape, given.scale, given.zero_point.of(net.dtype), low, random)
        else:
            kind = {"u8": np.uint8, "s8": np.int8}[net.dtype]
            array = random.integers(low, high + 1, shape, kind)
        made[f"x{index}"] = array
    return made


def hard_floats(
    shape: tuple[int, ...], scale: float, zero_point: int, low: int, random: np.random.Generator
) -> Array:
    """f32: mostly in the quantized range, on rounding ties and beside them; and any bits at all."""
    level = random.integers(low - 2, low + 258, shape) - zero_point
    s = F32(scale)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        inside = (level + random.uniform(-0.5, 0.5, shape)).astype(F32) * s
        ties = (level + 0.5).astype(F32) * s
        beside = np.nextafter(
            ties, np.where(random.random(shape) < 0.5, -np.inf, np.inf), dtype=F32
        )
    bits = random.integers(0, 2**32, shape, np.uint32).view(F32)
    special = random.choice(
        np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 1e-39, 3.4e38], F32),
        shape,
    )
    choice = random.choice(5, shape, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    return np.choose(choice, [inside, ties, beside, bits, special]).astype(F32)
