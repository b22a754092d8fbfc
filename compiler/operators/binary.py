"""Element by element on two quantized tensors, with broadcasting: Add and Mul.

Rule: `quantize(add(dequantize(a), dequantize(b)))` becomes `qadd` (ONNX Runtime's QLinearAdd), and
so does mul, where a, b and the result have one dtype and one scale each; a or b may be constant.

Refusals: the result has another reader or is a graph output; anything but quantize follows; an
operand is float, or has another dtype.

On the device all three forms compute in integers: `add` as clamp((a * M + T[b]) >> S), `mul` as
the number of thresholds that (a - za) * (b - zb) reaches, and where those do not exist (or for any
other function of two bytes), a table of all 65,536 pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..arithmetic import (
    AddForm,
    add_form,
    add_swaps_roles,
    blockwise,
    mul_thresholds,
    pair_table,
    qlinear_add,
    qlinear_mul,
    stored_bytes,
)
from ..ir.graph import Op, Tensors, Value
from ..ir.program import Source
from ..ir.types import NUMPY_DTYPES, Array
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from ..reference.facts import QLINEAR_BINARY
from ..reference.layout import CHANNELS_LAST, OptimizedGraph
from .base import FamilyKernel, FamilyOp, Settlement
from .broadcast import Broadcast, lower_broadcast
from .fusion import Group, NoIntegerForm, Surroundings
from .lookup import Lookup
from .onnx_op import Elementwise


@dataclass(eq=False)
class PairOp(FamilyOp):
    """A function of two bytes, element by element, a and b broadcast against each other."""

    a: Value
    b: Value

    def apply(self, a: Array, b: Array) -> Array:
        """Levels of the result, i32, for the model's own stored integers."""
        raise NotImplementedError(self.kind)

    def evaluate(self, tensors: Tensors) -> Array:
        a, b = self.stored(tensors[self.a]), self.stored(tensors[self.b])
        levels = np.broadcast_to(self.apply(a, b), self.result.type.shape)
        return self.packed(levels)

    def expected_shape(self) -> tuple[int, ...] | None:
        return np.broadcast_shapes(self.a.type.shape, self.b.type.shape)

    def parameters(self, value: Value) -> tuple[float, int]:
        scale, zero_point, _ = self.model_type(value)
        return scale, zero_point

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest stored integer of the model's dtype."""
        return self.model_type(self.result)[2]

    def form(self) -> PairForm:
        """How the device computes it: by default from all pairs, as a sum where there is one."""
        return form_of_pairs(pair_table(self.apply, self.limits), self.limits, self.flip)

    def lower(self, lowering: Lowering) -> None:
        result, operands = lower_broadcast(self, (self.a, self.b), lowering)
        lowering.add(replace(self, result=result, flip=lowering.flip_of(self), a=operands[0], b=operands[1]))

    def schedule(self, scheduler: Scheduler) -> None:
        form = self.form()
        order = (self.b, self.a) if form.exchanged else (self.a, self.b)
        sources = tuple(scheduler.source(x) for x in order)
        scheduler.kernel(
            PairKernel(
                *scheduler.frame(self),
                sources=sources,
                operands=tuple(Broadcast.of(x, self.result) for x in order),
                form=form,
            )
        )


@dataclass(eq=False)
class QAdd(PairOp):
    """QLinearAdd; `swapped` gives a and b each other's roles (`arithmetic.add_swaps_roles`)."""

    kind = "qadd"
    swapped: bool = False

    def apply(self, a: Array, b: Array) -> Array:
        q = [self.parameters(value) for value in (self.a, self.b, self.result)]
        return qlinear_add(a, b, q[0], q[1], q[2], self.limits, swapped=self.swapped)


@dataclass(eq=False)
class QMul(PairOp):
    """QLinearMul."""

    kind = "qmul"

    def apply(self, a: Array, b: Array) -> Array:
        q = [self.parameters(value) for value in (self.a, self.b, self.result)]
        return qlinear_mul(a, b, q[0], q[1], q[2], self.limits)

    def form(self) -> PairForm:
        a, b, c = (self.parameters(value) for value in (self.a, self.b, self.result))
        thresholds = mul_thresholds(a, b, c, self.limits)
        with np.errstate(all="ignore"):
            ratio = np.float32(a[0]) * np.float32(b[0]) / np.float32(c[0])
        if thresholds is None or not 1e-30 < ratio < 1e30:
            return super().form()
        return PairForm(
            "mul",
            self.limits,
            self.flip,
            thresholds=thresholds,
            zero_points=(a[1], b[1]),
            ratio=float(ratio),
            offset=c[1] - self.limits[0],
        )


@dataclass(eq=False)
class Lookup2(PairOp):
    """Any function of two bytes: result = table[byte of a * 256 + byte of b], table of 65,536."""

    kind = "lookup2"
    table: Value = field(kw_only=True)

    def apply(self, a: Array, b: Array) -> Array:
        index = (a.astype(np.int64) & 0xFF) * 256 + (b.astype(np.int64) & 0xFF)
        return self.table.array[index].astype(np.int32)

    @property
    def limits(self) -> tuple[int, int]:
        return (0, 255) if self.table.type.dtype == "u8" else (-128, 127)

    def form(self) -> PairForm:
        return form_of_pairs(self.table.array.view(np.uint8), self.limits, self.flip)


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of an Add or Mul of two quantized tensors."""
    if not isinstance(op, Elementwise) or op.op_type not in QLINEAR_BINARY or len(op.xs) != 2:
        return None
    a, b = (around.quantized(x, "its operand") for x in op.xs)
    if a.data is not None and b.data is not None:
        raise NoIntegerForm("both its operands are constants")
    quantize = around.quantize_after(op)
    result = quantize.result
    if len({a.type.dtype, b.type.dtype, result.type.dtype}) > 1:
        raise NoIntegerForm(
            f"it takes {a.type.dtype} and {b.type.dtype} and gives {result.type.dtype}; all three must agree"
        )
    pair: PairOp
    if op.op_type == "Add":
        swapped = add_swaps_roles(a.type.shape, b.type.shape)
        pair = QAdd(result, a, b, swapped if op.swapped is None else op.swapped)
    else:
        pair = QMul(result, a, b)
    return Group(quantize, of_one_byte(pair) or pair)


def of_one_byte(op: PairOp) -> Lookup | None:
    """The table in the place of an op on one tensor: with itself, or with one constant number."""
    variable, constant = (op.a, op.b) if op.b.data is not None else (op.b, op.a)
    values = stored_bytes(op.a.type.limits)
    if op.a is op.b:
        levels = op.apply(values, values)
    elif constant.data is None or constant.type.size != 1 or op.result.type.shape != variable.type.shape:
        return None
    else:
        number = constant.array.reshape(-1).astype(np.int32)
        a, b = (values, number) if variable is op.a else (number, values)
        levels = op.apply(a, b)
    table = levels.astype(NUMPY_DTYPES[op.result.type.dtype])
    source = op.a if op.a is op.b else variable
    return Lookup(op.result, source, Value.constant(f"{op.result.name}.table", table))


def by_layout(op: Op) -> Settlement | None:
    """Settles `swapped` of an Add whose roles its shapes don't tell: with an operand that is broadcast, the
    two sums of `qlinear_add` are rounded in another order, and differ in up to one per cent of values.
    """
    if isinstance(op, Elementwise) and op.op_type == "Add" and len(op.xs) == 2:
        a, b = op.xs
    elif isinstance(op, QAdd):
        a, b = op.a, op.b
    else:
        return None
    if not roles_depend_on_layout(a.type.shape, b.type.shape):
        return None

    def settle(optimized: OptimizedGraph) -> None:
        swapped = swapped_in(optimized, op.result.name)
        if swapped is not None:
            op.swapped = swapped

    return settle


def swapped_in(optimized: OptimizedGraph, name: str) -> bool | None:
    """Whether the QLinearAdd of that name has A and B in each other's roles; None where there is none."""
    node = optimized.node(name)
    if node is None or node.op_type != "QLinearAdd":
        return None
    return add_swaps_roles(optimized.shape(node.input[0]), optimized.shape(node.input[3]))


def roles_depend_on_layout(a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> bool:
    """Whether the roles of an Add of these 4-D (channels-first) shapes change in channels-last."""
    if not len(a_shape) == len(b_shape) == 4:
        return False
    last = [tuple(shape[axis] for axis in CHANNELS_LAST) for shape in (a_shape, b_shape)]
    return add_swaps_roles(*last) != add_swaps_roles(a_shape, b_shape)


# ---------------------------------------------------------------------------------- kernel


@dataclass(frozen=True, eq=False)
class PairForm:
    """How a shader computes a function of two bytes; the fields that its `kind` uses are set.

    `pairs`: u8 [65536] by the model's bytes a * 256 + b. `exchanged`: a and b are the op's b and a.
    """

    kind: str
    limits: tuple[int, int]
    flip: int
    pairs: Array | None = None
    add: AddForm | None = None
    thresholds: Array | None = None
    zero_points: tuple[int, int] = (0, 0)
    ratio: float = 1.0
    offset: int = 0
    exchanged: bool = False

    def apply(self, a: Array, b: Array) -> Array:
        """Result bytes as packed, u8, of packed bytes u8."""
        return blockwise(self._apply, np.uint8, a, b)

    def _apply(self, a: Array, b: Array) -> Array:
        a, b = a ^ np.uint8(self.flip), b ^ np.uint8(self.flip)
        values = stored_bytes(self.limits)
        if self.kind == "table":
            assert self.pairs is not None
            levels = self.pairs[a.astype(np.int64) * 256 + b]
        elif self.kind == "add":
            assert self.add is not None
            total = values[a].astype(np.int64) * self.add.multiplier + self.add.table[b]
            levels = np.clip(total >> self.add.shift, *self.limits)
        else:
            assert self.thresholds is not None
            za, zb = self.zero_points
            product = (values[a] - za) * (values[b] - zb)
            levels = np.searchsorted(self.thresholds, product, side="right") + self.limits[0]
        return levels.astype(np.int64).astype(np.uint8) ^ np.uint8(self.flip)


def form_of_pairs(pairs: Array, limits: tuple[int, int], flip: int) -> PairForm:
    """The sum, of either operand and a table of the other, that equals all pairs; else a table."""
    for exchanged in (False, True):
        table = pairs.reshape(256, 256).T.reshape(-1) if exchanged else pairs
        form = add_form(table, limits)
        if form is not None:
            return PairForm("add", limits, flip, add=form, exchanged=exchanged)
    return PairForm("table", limits, flip, pairs=pairs)


@dataclass(eq=False)
class PairKernel(FamilyKernel):
    """A function of two bytes on packed words."""

    kind = "pair"
    sources: tuple[Source, ...] = field(kw_only=True)
    operands: tuple[Broadcast, ...] = field(kw_only=True)
    form: PairForm = field(kw_only=True)

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del inputs
        a, b = (
            operand.words_of(source, memory, self.pixels, self.words)
            for operand, source in zip(self.operands, self.sources, strict=True)
        )
        return self.form.apply(a, b)

    def title(self) -> str:
        how = {"add": "by multiplication and shift", "mul": "by thresholds", "table": "by table"}
        return f"pair: a function of two bytes, {how[self.form.kind]}"

    def emit(self, shader: Shader) -> Json:
        form = self.form
        structure: dict[str, Any] = {
            "form": form.kind,
            "flip": bool(form.flip),
            "operands": [
                operand.emit(shader, name, source)
                for name, operand, source in zip("ab", self.operands, self.sources, strict=True)
            ],
        }
        low, high = form.limits
        if form.kind == "table":
            assert form.pairs is not None
            levels = np.arange(256) ^ form.flip
            table = form.pairs.reshape(256, 256)[levels][:, levels] ^ np.uint8(form.flip)
            shader.define(pairs=shader.table(table))
        elif form.kind == "add":
            assert form.add is not None
            shader.define("i32", multiplier=form.add.multiplier, low=low, high=high)
            shader.define(shift=form.add.shift, addends=shader.table(form.add.table))
        else:
            assert form.thresholds is not None
            shader.define("i32", zero_a=form.zero_points[0], zero_b=form.zero_points[1], low=low)
            shader.define(thresholds=shader.table(form.thresholds))
            shader.define("f32", ratio=form.ratio, level_offset=form.offset + 0.5)
        return structure
