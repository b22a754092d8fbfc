"""The Graph: what a model computes, as SSA values and small ops.

A `Graph` is a list of ops in execution order. Every op makes one `Value`, and every value has a
`TensorType`. Three kinds of values stand in operands: graph inputs, results of ops, and constants
(a value that carries `data`).

Three stages share these classes (`Graph.stage`), and a pass moves a graph from one to the next:

1. Imported: `quantize` and `dequantize` around float ops (`conv`, `elementwise`), as in the
   ONNX file.
2. Integer: `qconv` and `lookup`, and `concat`, `resize` and `pad` straight on stored bytes.
3. Packed: all activations are s8 in the layout `packed`, one axis last and four to a word;
   `packed_conv` has its zero points folded into the bias. Only `quantize_by_thresholds`, `pack`,
   `unpack` and a float `lookup` touch the outside layout.

Activations carry their quantization (one scale, one zero point) in their type, because every later
op needs it: real value = (stored - zero_point) * scale. Shapes are always the logical NCHW ones,
also for packed values.

An op says itself what it means (`evaluate`) and what it must satisfy (`expected_shape`, `problems`);
the ops are those of the families in operators/.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, ClassVar, Self

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
    """A named tensor; a constant when it carries data.

    `origin`: the value whose elements this one holds packed, or as they lie in memory; None for what
    stands in the model itself, and for what no tensor of the model is (the phases of a transposed
    convolution).
    """

    name: str
    type: TensorType
    data: Array | None = None
    origin: Value | None = None

    @classmethod
    def constant(cls, name: str, data: Array, origin: Value | None = None) -> Value:
        """A constant from an array of a dtype in NUMPY_DTYPES."""
        return cls(name, TensorType(DTYPE_NAMES[data.dtype], data.shape), data, origin)

    @property
    def array(self) -> Array:
        """The data of a constant."""
        assert self.data is not None, f"%{self.name} is not a constant"
        return self.data

    @property
    def model_name(self) -> str:
        """The name of the model's tensor that this is a form of."""
        return self.name if self.origin is None else self.origin.model_name


class Tensors:
    """The tensors that an evaluation reads, by value: a constant's own data, or a computed one.

    `opset`: of the model, for ops that mean what ONNX Runtime makes of one node.
    """

    def __init__(self, computed: Mapping[Value, Array] | None = None, opset: int = 21) -> None:
        self.computed = {} if computed is None else computed
        self.opset = opset

    def __getitem__(self, value: Value) -> Array:
        return self.computed[value] if value.data is None else value.data


@dataclass(eq=False)
class Op:
    """One operation: operands and attributes are the fields, `result` is the value it makes.

    Passes ask an op what it does by the class variables and methods here, so that they need not know it.
    """

    result: Value
    kind: ClassVar[str] = ""
    classes: ClassVar[dict[str, type[Op]]] = {}
    """Every class of ops by its kind, for the text form; a class enters when it is defined."""
    onnx: ClassVar[str] = ""
    moves_values: ClassVar[bool] = False
    """Whether each element of the result is one of those of `takes_from`, or a constant, whichever the values
    are: the op may go before or behind what is done element by element.
    """
    picks_extremes: ClassVar[bool] = False
    """Whether each element of the result is the greatest or least of some of those of `takes_from`: the op
    may go before or behind what keeps their order, as quantize and dequantize do.
    """
    reads_order: ClassVar[bool] = False
    """Whether the result tells nothing of `takes_from` but which elements are greater than which."""

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:
            Op.classes[cls.kind] = cls

    @property
    def onnx_name(self) -> str:
        """The ONNX operator that it is, by which `reference.facts` know it; "" where it is none."""
        return self.onnx

    @property
    def takes_from(self) -> tuple[Value, ...]:
        """The operands whose elements it takes: the field `xs`, or the one `x`."""
        attributes = vars(self)
        return tuple(attributes["xs"]) if "xs" in attributes else (attributes["x"],)

    def on(self, others: Sequence[Value], result: Value) -> Self:
        """The same op on others in the place of `takes_from`."""
        operands = {"xs": tuple(others)} if "xs" in vars(self) else {"x": others[0]}
        return replace(self, result=result, **operands)

    def repeats(self) -> Value | None:
        """The operand that the result merely repeats; None where it does more."""
        return None

    def operand_fields(self) -> Iterator[tuple[str, Value | tuple[Value, ...]]]:
        """Names and values of the fields that hold operands (absent optional ones are left out)."""
        for name in _field_names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Value) or (
                isinstance(value, tuple) and bool(value) and isinstance(value[0], Value)
            ):
                yield name, value

    @property
    def operands(self) -> list[Value]:
        flat: list[Value] = []
        for _, value in self.operand_fields():
            flat += value if isinstance(value, tuple) else [value]
        return flat

    def replace_operand(self, old: Value, new: Value) -> None:
        """Puts `new` in the place of every use of `old`."""
        for name, operand in list(self.operand_fields()):
            if isinstance(operand, tuple):
                setattr(self, name, tuple(new if value is old else value for value in operand))
            elif operand is old:
                setattr(self, name, new)

    def evaluate(self, tensors: Tensors) -> Array:
        """The result's tensor, exactly, in the dtype and shape of `result.type`.

        Packed values are logical s8 in their logical shape.
        """
        raise NotImplementedError(self.kind)

    def expected_shape(self) -> tuple[int, ...] | None:
        """The result's shape by the op's own rule; None where the op leaves it free."""
        return None

    def problems(self) -> Iterator[str]:
        """What is wrong with the op's types; the verifier lists it."""
        return iter(())


_FIELD_NAMES: dict[type[Op], tuple[str, ...]] = {}


def _field_names(op: type[Op]) -> tuple[str, ...]:
    """The fields of a class of ops but the result, looked up once: every step of every pass asks for them."""
    if op not in _FIELD_NAMES:
        _FIELD_NAMES[op] = tuple(item.name for item in fields(op) if item.name != "result")
    return _FIELD_NAMES[op]


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
        """The ops that read each value, as of now; all are looked at (`ir.editor` keeps up with edits)."""
        users: dict[Value, list[Op]] = defaultdict(list)
        for op in self.ops:
            for value in dict.fromkeys(op.operands):
                users[value].append(op)
        return users

    def producers(self) -> dict[Value, Op]:
        """The op that makes each value, as of now; all are looked at."""
        return {op.result: op for op in self.ops}

    def constants(self) -> list[Value]:
        """Constants in order of first use."""
        operands = (value for op in self.ops for value in op.operands if value.data is not None)
        return list(dict.fromkeys(operands))

    def remove_dead_ops(self) -> bool:
        """Drops ops whose result nobody reads."""
        live = set(self.outputs)
        ops: list[Op] = []
        for op in reversed(self.ops):
            if op.result in live:
                ops.append(op)
                live.update(op.operands)
        changed = len(ops) != len(self.ops)
        self.ops = ops[::-1]
        return changed


def retype(value: Value, **changes: Any) -> TensorType:
    """The type of `value` with some fields changed."""
    return replace(value.type, **changes)
