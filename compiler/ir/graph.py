"""The Graph: what a model computes, as SSA values and small ops.

A `Graph` is a list of ops in execution order. Every op makes one `Value`, and every value has a
`TensorType`. Three kinds of values stand in operands: graph inputs, results of ops, and constants
(a value that carries `data`).

Three stages share these classes (`Graph.stage`), and a pass moves a graph from one to the next:

1. Imported: `quantize` and `dequantize` around float ops (`conv`, `elementwise`), as in the
   ONNX file.
2. Integer: `qconv` and `lookup`, and `concat`, `resize` and `pad` straight on stored bytes.
3. Packed (`operators/packed_ops.py`): all activations are s8 in the layout `packed`, one axis last and four
   to a word; `packed_conv` has its zero points folded into the bias. Only
   `quantize_by_thresholds`, `pack`, `unpack` and a float `lookup` touch the outside layout.

Activations carry their quantization (one scale, one zero point) in their type, because every later
op needs it: real value = (stored - zero_point) * scale. Shapes are always the logical NCHW ones,
also for packed values.

What an op means is `verify/interpreter.py`; what it must satisfy is `verifier.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, ClassVar

from .types import DTYPE_NAMES, Array, TensorType


class Stage(StrEnum):
    """What a graph is made of. As imported, a group that ONNX Runtime runs in integers still stands as
    dequantize .. float op .. quantize; later, what is float is computed in float.
    """

    IMPORTED = "imported"
    INTEGER = "integer"
    PACKED = "packed"


@dataclass(eq=False)
class Value:
    """A named tensor; a constant when it carries data."""

    name: str
    type: TensorType
    data: Array | None = None

    @classmethod
    def constant(cls, name: str, data: Array) -> Value:
        """A constant from an array of a dtype in NUMPY_DTYPES."""
        return cls(name, TensorType(DTYPE_NAMES[data.dtype], data.shape), data)

    @property
    def array(self) -> Array:
        """The data of a constant."""
        assert self.data is not None, f"%{self.name} is not a constant"
        return self.data


@dataclass(eq=False)
class Op:
    """One operation: operands and attributes are the fields, `result` is the value it makes."""

    result: Value
    kind: ClassVar[str] = ""
    classes: ClassVar[dict[str, type[Op]]] = {}
    """Every class of ops by its kind, for the text form; a class enters when it is defined."""

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:
            Op.classes[cls.kind] = cls

    def operand_fields(self) -> Iterator[tuple[str, Value | tuple[Value, ...]]]:
        """Names and values of the fields that hold operands (absent optional ones are left out)."""
        for item in fields(self):
            held = getattr(self, item.name)
            is_operand = isinstance(held, Value) or (
                isinstance(held, tuple) and bool(held) and isinstance(held[0], Value)
            )
            if item.name != "result" and is_operand:
                yield item.name, held

    @property
    def operands(self) -> list[Value]:
        flat: list[Value] = []
        for _, held in self.operand_fields():
            flat += held if isinstance(held, tuple) else [held]
        return flat

    def replace_operand(self, old: Value, new: Value) -> None:
        """Puts `new` in the place of every use of `old`."""
        for name, held in list(self.operand_fields()):
            if isinstance(held, tuple):
                setattr(self, name, tuple(new if value is old else value for value in held))
            elif held is old:
                setattr(self, name, new)


# ---------------------------------------------------------------------------------- stage 1


@dataclass(eq=False)
class Quantize(Op):
    """ONNX QuantizeLinear, per tensor, or for a constant per slice of `axis`.

    An absent zero point is 0, and the result's dtype tells u8 from s8.
    """

    kind = "quantize"
    x: Value
    scale: Value
    zero_point: Value | None = None
    axis: int = 0


@dataclass(eq=False)
class Dequantize(Op):
    """ONNX DequantizeLinear, per tensor or per slice of `axis`."""

    kind = "dequantize"
    x: Value
    scale: Value
    zero_point: Value | None = None
    axis: int = 0


@dataclass(eq=False)
class ConvolutionOp(Op):
    """What all convolutions share: x [N,C,H,W], pads (top, left, bottom, right)."""

    x: Value
    weight: Value
    bias: Value | None = None
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)


@dataclass(eq=False)
class Conv(ConvolutionOp):
    """Float convolution; weight [O,C/group,KH,KW], bias [O]."""

    kind = "conv"
    group: int = 1


@dataclass(eq=False)
class OnnxOp(Op):
    """An ONNX operator on floats that means what ONNX Runtime computes, by name and attributes.

    An absent operand is a constant without elements.
    """

    xs: tuple[Value, ...]
    op: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> list[Value]:
        """The operands that are not constants, each once."""
        return list(dict.fromkeys(value for value in self.xs if value.data is None))


@dataclass(eq=False)
class Elementwise(OnnxOp):
    """Element by element, with broadcasting; the result's value depends on nothing but the values
    of its operands (`oracle.PURE_UNARY`, `oracle.PURE_WITH_CONSTANT`).

    `swapped`: whether ONNX Runtime's QLinearAdd gives the operands each other's roles, where their
    shapes alone don't tell (`frontend/layout.py`).
    """

    kind = "elementwise"
    swapped: bool | None = None

    @property
    def variable(self) -> Value:
        """The one operand that is not a constant."""
        (variable,) = self.variables
        return variable


@dataclass(eq=False)
class FloatOp(OnnxOp):
    """Any other operator on floats: sums, normalizations, interpolations, impure functions."""

    kind = "float"


# -------------------------------------------------------------------------------- any stage: moves


@dataclass(eq=False)
class Identity(Op):
    """The operand itself; `canonicalize` removes it."""

    kind = "identity"
    x: Value


@dataclass(eq=False)
class Concat(Op):
    """ONNX Concat; on bytes all operands have the result's quantization."""

    kind = "concat"
    xs: tuple[Value, ...]
    axis: int = 1


@dataclass(eq=False)
class Resize(Op):
    """ONNX Resize, mode nearest; `scales` (y, x) as the f32 values that ONNX Runtime divides by."""

    kind = "resize"
    x: Value
    scales: tuple[float, float] = (1.0, 1.0)
    coordinates: str = "half_pixel"
    rounding: str = "round_prefer_floor"


@dataclass(eq=False)
class Pad(Op):
    """ONNX Pad of the last axes: pads before each, then after each; `value` in x's dtype."""

    kind = "pad"
    x: Value
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    mode: str = "constant"
    value: float = 0


# ---------------------------------------------------------------------------------- stage 2


@dataclass(eq=False)
class QConv(ConvolutionOp):
    """Integer convolution with requantization; the input is upsampled by whole factors (y, x)
    first.

    acc = bias + sum (x - zx)(w - zw) in int32 that wraps; multiplier[c] = RN(RN(sx * sw[c]) / sy);
    result = rne(clamp(RN(RN(acc) * multiplier[c]))) + zy; a result i32 is acc (ConvInteger).
    `x_zero_point`: a byte, constant or computed, in the place of that of x's type.
    `float_reference`: ONNX Runtime computes this in float (a transposed convolution).
    """

    kind = "qconv"
    weight_scale: Value = field(kw_only=True)
    weight_zero_point: Value | None = None
    group: int = 1
    upsample: tuple[int, int] = (1, 1)
    x_zero_point: Value | None = None
    float_reference: bool = False


@dataclass(eq=False)
class Lookup(Op):
    """result = table[byte of x], table of 256 entries, s8 bytes taken as 0..255 by their bits."""

    kind = "lookup"
    x: Value
    table: Value


OPS = (
    Quantize, Dequantize, Conv, Elementwise, FloatOp, Identity, Concat, Resize, Pad, QConv, Lookup,
)  # fmt: skip
"""The ops of the first two stages that belong to no family (`operators/`)."""


@dataclass(eq=False)
class Graph:
    """Ops in execution order, with the values that come in and go out.

    An output keeps the model's name for it in `output_names`, whatever value holds it after the
    passes.
    """

    name: str
    inputs: list[Value]
    outputs: list[Value]
    output_names: list[str]
    ops: list[Op]
    opset: int = 21
    stage: Stage = Stage.IMPORTED

    def users(self) -> Mapping[Value, list[Op]]:
        """The ops that read each value, as of now."""
        users: dict[Value, list[Op]] = defaultdict(list)
        for op in self.ops:
            for value in dict.fromkeys(op.operands):
                users[value].append(op)
        return users

    def producers(self) -> dict[Value, Op]:
        """The op that makes each value, as of now."""
        return {op.result: op for op in self.ops}

    def constants(self) -> list[Value]:
        """Constants in order of first use."""
        used = (value for op in self.ops for value in op.operands if value.data is not None)
        return list(dict.fromkeys(used))

    def replace_value(self, old: Value, new: Value) -> None:
        """Every reader of `old`, and every output that is `old`, takes `new`."""
        for op in self.ops:
            op.replace_operand(old, new)
        self.outputs = [new if value is old else value for value in self.outputs]

    def remove_dead_ops(self) -> bool:
        """Drops ops whose result nobody reads."""
        live = set(self.outputs)
        kept: list[Op] = []
        for op in reversed(self.ops):
            if op.result in live:
                kept.append(op)
                live.update(op.operands)
        changed = len(kept) != len(self.ops)
        self.ops = kept[::-1]
        return changed


def retype(value: Value, **changes: Any) -> TensorType:
    """The type of `value` with some fields changed."""
    return replace(value.type, **changes)
