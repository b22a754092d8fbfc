"""The importer: nodes of onnx-graphsurgeon become ops of a Graph, one after the other.

It folds what reads constants alone, keeps the values by name, and hands every other node to the handler
of its operator, which it is given: `driver.py` joins it with those of `handlers.py`. Everything that
can't be taken is refused at once, in one message that lists every such node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs

from ..budgets import CONSTANT_ELEMENTS, ELEMENTS, OPERATIONS, REACHED_ELEMENTS, require_within
from ..errors import CompileError, UnsupportedError
from ..ir.graph import Graph, Op, Value, retype
from ..ir.types import DTYPE_NAMES, NUMPY_DTYPES, Array, Quantization, TensorType
from ..operators.lookup import Lookup
from ..operators.quantize import Dequantize, dequantized
from ..reference.facts import KEPT
from ..reference.node import run_node
from .nodes import (
    NodeRefusal,
    one_number,
    operator_name,
    plain_attributes,
    refuse_scales,
    refuse_zero_point,
    settle_flags,
    unforeseen,
)

ABSENT = np.zeros(0, np.float32)
"""An operand that is not there."""


class PartialImportError(UnsupportedError):
    """Nodes that can't be imported; `graph` is what the others make, for more reasons to be found in it."""

    def __init__(self, heading: str, reasons: Sequence[str], graph: Graph) -> None:
        super().__init__(heading, reasons)
        self.graph = graph


class Importer:
    """One import: the values by tensor name, the ops so far, and what refused nodes would have
    made.

    `source` is a graph of onnx-graphsurgeon in order; `handler_of` gives the handler of a node, or
    raises NodeRefusal.
    """

    def __init__(self, source: Any, name: str, handler_of: Callable[[Any], Handler]) -> None:
        self.source = source
        self.name = name
        self.values: dict[str, Value] = {}
        self.poisoned: set[str] = set()
        self.ops: list[Op] = []
        self._handler_of = handler_of
        self._meanings: dict[tuple[Value, Quantization], Value] = {}
        self._producers: dict[Value, Op] = {}
        self._indexed = 0  # ops that are among the producers

    def graph(self) -> Graph:
        inputs = [self._input(tensor) for tensor in self.source.inputs]
        reasons = []
        loose: list[Value] = []  # what refused nodes read
        for node in self.source.nodes:
            # What reads the result of a refused node is not to blame itself, unless no model may have it.
            behind = any(tensor.name in self.poisoned for tensor in node.inputs)
            refusal = self._refusal(node, self._handler_of if behind else self._import)
            reasons += refusal
            if behind or refusal:
                self.poisoned.update(tensor.name for tensor in node.outputs)
                loose += [self.values[x.name] for x in node.inputs if x.name in self.values]
        reasons += self._output_reasons()
        if reasons:
            raise PartialImportError(
                f"{len(reasons)} part{'s' * (len(reasons) > 1)} of {self.name} can't be compiled:",
                reasons,
                self._graph(inputs, [x for x in dict.fromkeys(loose) if x.data is None]),
            )
        return self._graph(inputs)

    def _graph(self, inputs: list[Value], loose: Sequence[Value] = ()) -> Graph:
        """The graph of the ops so far; `loose` values are outputs beside those of the model."""
        tensors = [x for x in self.source.outputs if self._output_reason(x) is None]
        outputs = [*(self.value(tensor) for tensor in tensors), *loose]
        names = [*(tensor.name for tensor in tensors), *(value.name for value in loose)]
        return Graph(self.name, inputs, outputs, names, self.ops, self.source.opset)

    def _output_reasons(self) -> list[str]:
        """Why outputs of the model can't be had, where no refused node is to blame."""
        tensors = [tensor for tensor in self.source.outputs if tensor.name not in self.poisoned]
        reasons = {tensor.name: self._output_reason(tensor) for tensor in tensors}
        return [f"output {name!r} {reason}" for name, reason in reasons.items() if reason is not None]

    def _output_reason(self, tensor: Any) -> str | None:
        """Why a tensor can be no output of the graph, where it can't."""
        if isinstance(tensor, gs.Constant):
            return _why_no_output(np.asarray(tensor.values))
        if tensor.name in self.values:
            data = self.values[tensor.name].data
            return None if data is None else _why_no_output(data)
        node = next(iter(tensor.inputs), None)
        if node is None:
            return "is made by no node"
        return f"is not made: {describe(node)} makes only its first output"

    def _refusal(self, node: Any, step: Callable[[Any], Any]) -> list[str]:
        """Takes a step of the import of a node; why it can't be taken, if it can't."""
        try:
            step(node)
        except (NodeRefusal, CompileError) as refusal:
            reason = str(refusal)
        except (NameError, ImportError):  # no file can cause those
            raise
        # Any form of a node that no check has foreseen: the node is to blame, not the compiler.
        except Exception as error:
            reason = unforeseen(node, error)
        else:
            return []
        return [f"{describe(node)}: {reason}"]

    def _import(self, node: Any) -> None:
        settle_flags(node)
        _require_budgets(node)
        count = len(self.ops)
        if not self._fold(node):
            self.handle(node)
        for op in self.ops[count:]:
            _require_words(op)

    def _input(self, tensor: Any) -> Value:
        if tensor.shape is None or not isinstance(tensor.dtype, type | np.dtype):
            kind = " ".join(str(tensor.dtype).split())
            # A type that numpy lacks is left as its number.
            if isinstance(tensor.dtype, int):
                kind = onnx.TensorProto.DataType.Name(tensor.dtype).lower()
            raise CompileError(f"input {tensor.name!r} is {kind}, no tensor of a dtype that is taken")
        dtype = np.dtype(tensor.dtype)
        if dtype not in DTYPE_NAMES or DTYPE_NAMES[dtype] == "u32":
            raise CompileError(
                f"input {tensor.name!r} is {dtype}; "
                "float32, uint8, int8, bool, int32 and int64 inputs are taken"
            )
        if 0 in tensor.shape:
            raise CompileError(f"input {tensor.name!r} has no elements: {list(tensor.shape)}")
        value = Value(tensor.name, TensorType(DTYPE_NAMES[dtype], tuple(tensor.shape)))
        self.values[tensor.name] = value
        return value

    def handle(self, node: Any) -> None:
        """Emits the ops of a node, also of one that a handler makes up."""
        self._handler_of(node)(self, node)

    def _fold(self, node: Any) -> bool:
        """Computes a node that reads constants alone, or a shape; says whether it did."""
        if node.op in KEPT or len(node.outputs) != 1 or not node.inputs:
            return False
        xs = [self.operand(node, index) for index in range(len(node.inputs))]
        if node.op == "Shape" and xs[0] is not None:
            shape = np.array(xs[0].type.shape, np.int64)
            data = shape[node.attrs.get("start", 0) : node.attrs.get("end")]
        elif all(x is None or x.data is not None for x in xs):
            arrays = [ABSENT if x is None else x.array for x in xs]
            try:
                data = run_node(operator_name(node), plain_attributes(node), arrays, self.source.opset)
            except CompileError as error:
                raise NodeRefusal(str(error)) from error
        else:
            return False
        if data.dtype not in DTYPE_NAMES:
            raise NodeRefusal(f"its constant result is {data.dtype}")
        name = node.outputs[0].name
        self.values[name] = Value.constant(name, data)
        return True

    def value(self, tensor: Any) -> Value:
        """The value of a tensor; a constant is made at its first use."""
        if tensor.name not in self.values:
            if not isinstance(tensor, gs.Constant):
                raise NodeRefusal(f"its operand {tensor.name!r} is made by no node")
            data = np.asarray(tensor.values)
            if data.dtype == np.float64:
                data = data.astype(np.float32)
            if data.dtype not in DTYPE_NAMES:
                raise NodeRefusal(f"the constant {tensor.name!r} is {data.dtype}")
            self.values[tensor.name] = Value.constant(tensor.name, data)
        return self.values[tensor.name]

    def operand(self, node: Any, index: int) -> Value | None:
        """Operand number `index`; None where it is absent."""
        if index >= len(node.inputs):
            return None
        tensor = node.inputs[index]
        if not isinstance(tensor, gs.Constant) and tensor.is_empty():
            return None
        return self.value(tensor)

    def required(self, node: Any, index: int) -> Value:
        value = self.operand(node, index)
        if value is None:
            raise NodeRefusal(f"operand {index} is missing")
        return value

    def constant(self, node: Any, index: int) -> Array | None:
        """The data of operand `index`, also behind DequantizeLinear; refuses a computed one."""
        value = self.constant_value(node, index)
        return None if value is None else value.array

    def constant_value(self, node: Any, index: int) -> Value | None:
        """Like `constant`, as a value."""
        value = self.operand(node, index)
        if value is None or value.data is not None:
            return value
        op = self.producer(value)
        if isinstance(op, Dequantize) and op.x.data is not None:
            return Value.constant(value.name, dequantized(op))
        raise NodeRefusal(f"operand {index} ({value.name!r}) must be constant")

    def scale(self, node: Any, index: int, dtype: str) -> Value:
        """The constant scale, or scales, of stored integers of a dtype at operand `index`."""
        value = self.constant_value(node, index)
        if value is None:
            raise NodeRefusal(f"operand {index}, its scale, is missing")
        refuse_scales(value.array, dtype, f"operand {index}, the scale {value.name!r},")
        return value

    def zero_point(self, node: Any, index: int, dtype: str) -> Value | None:
        """The constant zero point of such integers at operand `index`; None where it is absent."""
        value = self.constant_value(node, index)
        if value is not None:
            what = f"operand {index}, the zero point {value.name!r},"
            refuse_zero_point(value.array, dtype, what)
        return value

    def quantization_at(self, node: Any, index: int, dtype: str) -> Quantization:
        """The one scale, and the zero point behind it (0 where it is left out), of an activation."""
        if dtype not in ("u8", "s8"):
            raise NodeRefusal(f"activations of dtype {dtype} are not supported, only uint8 and int8")
        what = f"operand {index}, the scale of an activation,"
        scale = one_number(self.scale(node, index, dtype).array, what)
        if not scale > 0:
            raise NodeRefusal(f"{what} is {scale}, not a positive number")
        zero_point = self.zero_point(node, index + 1, dtype)
        if zero_point is None:
            return Quantization(scale, 0)
        what = f"operand {index + 1}, the zero point of an activation,"
        return Quantization(scale, int(one_number(zero_point.array, what)))

    def meant(self, x: Value, quantization: Quantization) -> Value:
        """The bytes of `x` with what a node takes them for: itself, or where they mean something else
        already, the same bytes again.
        """
        if x.type.quantization in (None, quantization):
            self._set_quantization(x, quantization)
            return x
        key = (x, quantization)
        if key not in self._meanings:
            name = f"{x.name}.as{sum(other is x for other, _ in self._meanings)}"
            same = np.arange(256, dtype=np.uint8).view(NUMPY_DTYPES[x.type.dtype])
            again = Value(name, retype(x, quantization=quantization))
            self.ops.append(Lookup(again, x, Value.constant(f"{name}.table", same)))
            self._meanings[key] = again
        return self._meanings[key]

    def _set_quantization(self, x: Value, quantization: Quantization) -> None:
        """What the bytes of `x` mean, and those that were merely moved into it."""
        left = [x]
        while left:
            value = left.pop()
            if value.type.quantization is not None or value.data is not None:
                continue
            value.type = retype(value, quantization=quantization)
            # Bytes that are only moved get their meaning from whoever dequantizes them in the end.
            op = self.producer(value)
            if op is not None and op.moves_values:
                left += [operand for operand in op.takes_from if operand.type.is_byte]

    def producer(self, value: Value) -> Op | None:
        """The op so far that makes a value; None where there is none."""
        for op in self.ops[self._indexed :]:
            self._producers[op.result] = op
        self._indexed = len(self.ops)
        return self._producers.get(value)

    def replace_from(self, start: int, ops: Sequence[Op]) -> None:
        """Puts others in the place of the ops from number `start` (from the end where negative) on."""
        self.ops[start:] = ops
        self._indexed = min(self._indexed, len(self.ops) - len(ops))

    def add(self, op: Op) -> None:
        """An op whose result has the shape that its rule gives."""
        shape = op.expected_shape()
        if not shape or min(shape) < 1:
            raise NodeRefusal(f"its result would have shape {list(shape or ())}")
        require_within("its result", math.prod(shape), ELEMENTS, "elements")
        op.result.type = TensorType(op.result.type.dtype, shape)
        self.ops.append(op)
        self.values[op.result.name] = op.result

    def emit(
        self, node: Any, make: Callable[..., Op], type_: TensorType, output: int = 0, **fields: Any
    ) -> None:
        """An op for an output of `node`, whose operands and attributes are `fields`; none for an
        output that the node leaves out.
        """
        if node.outputs[output].is_empty():
            return
        constant = all(isinstance(x, gs.Constant) for x in node.inputs)
        require_within("its result", type_.size, CONSTANT_ELEMENTS if constant else ELEMENTS, "elements")
        result = Value(node.outputs[output].name, type_)
        self.ops.append(make(result=result, **fields))
        self.values[result.name] = result


Handler = Callable[[Importer, Any], None]
"""Emits the ops of a node, or raises NodeRefusal."""


def _why_no_output(constant: Array) -> str | None:
    """Why a constant can be no output of a program, where it can't."""
    if constant.dtype not in DTYPE_NAMES or DTYPE_NAMES[constant.dtype] == "u32":
        return f"is a constant of {constant.dtype}; float32, uint8, int8, bool, int32 and int64 are taken"
    return None if constant.size else f"is a constant without elements: {list(constant.shape)}"


def _require_words(op: Op) -> None:
    """Refuses int64 constants that the device, which holds them in 32 bits, would cut."""
    for x in op.operands:
        if x.data is not None and x.type.dtype == "i64":
            outside = x.array[x.array != x.array.astype(np.int32)]
            if outside.size:
                raise NodeRefusal(
                    f"its constant {x.name!r} holds {outside[0]}; an int64 is computed in 32 bits: "
                    "-2147483648 to 2147483647 are taken"
                )


def _require_budgets(node: Any) -> None:
    """Refuses results and windows that are too large, as far as sizes are known."""
    limit = CONSTANT_ELEMENTS if all(isinstance(x, gs.Constant) for x in node.inputs) else ELEMENTS
    sizes = [_known_size(tensor) for tensor in node.outputs]
    for size in sizes:
        require_within("its result", size, limit, "elements")
    pads, kernel = node.attrs.get("pads", ()), node.attrs.get("kernel_shape", ())
    shape = getattr(next(iter(node.inputs), None), "shape", None) or ()
    if "pads" in node.attrs and all(isinstance(side, int) for side in shape):
        before, after = pads[: len(pads) // 2], pads[len(pads) // 2 :]
        sides = (sum(side) for side in zip(shape[2:], before, after, strict=False))
        reached = math.prod(shape[:2]) * math.prod(sides)
        require_within("its operand, padded,", reached, REACHED_ELEMENTS, "elements")
    taps = sum(sizes) * math.prod(kernel)
    require_within(f"its windows of {math.prod(kernel):,} taps together", taps, OPERATIONS, "taps")


def _known_size(tensor: Any) -> int:
    """The elements of a tensor, as far as they were inferred."""
    sizes = [size for size in getattr(tensor, "shape", None) or () if isinstance(size, int)]
    return math.prod(sizes)


def describe(node: Any) -> str:
    """How messages name a node."""
    return f"{node.op} {node.name or node.outputs[0].name!r}"
