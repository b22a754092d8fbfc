"""Makes the model of a `Net`, and its inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx2wgsl.compiler.arithmetic import dequantize_linear

from tests.zoo import QDQBuilder, QuantParams, Tensor, Weights

from .strategies import (
    LIMITS,
    UNARY,
    ConcatNode,
    ConvNode,
    Dtype,
    Level,
    Net,
    Node,
    PadNode,
    RequantizeNode,
    ResizeNode,
    UnaryNode,
)

Array = NDArray[Any]
F32 = np.float32


def build(net: Net) -> onnx.ModelProto:
    """The model of a net; every tensor that nothing reads is an output."""
    return Builder(net).model()


@dataclass
class Builder:
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
        case "coarse":
            values = random.integers(-2, 2, shape) * 64 + (low + high + 1) // 2
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
    multiplier = 2.0**-7 if node.weights == "coarse" else node.multiplier
    scale = F32(F32(sx) * F32(node.weight_scale)) / F32(multiplier)
    if node.ulps:
        scale = np.nextafter(scale, F32(np.inf * node.ulps))
    return float(scale) if 2.0**-24 < scale < 2.0**24 else sx


def _bias(node: ConvNode, sx: float, weights: Weights, random: np.random.Generator) -> Array | None:
    channels = len(weights.values)
    match node.bias:
        case "none":
            return None
        case "int32" if node.weights == "coarse":
            return (random.integers(-100, 100, channels) * 64).astype(np.int32)
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
