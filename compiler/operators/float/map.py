"""Elementwise kernels of float regions: a few ONNX nodes in one expression, operands broadcast.

A node whose result only one other elementwise node reads, in the same shape, is computed inside the
reader's kernel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...ir.graph import Value
from ...ir.program import Source
from ...ir.types import NUMPY_DTYPES, Array
from ...lowering.memory import Memory
from ...lowering.scheduling import Scheduler
from ...lowering.shader import Json, Shader
from ...reference.node import run_node
from ..base import FamilyKernel
from ..broadcast import Axis, broadcast_strides, merged_axes
from ..onnx_op import KERNELS, WGSL_TYPES, FloatKernel, OnnxOp
from .expressions import ANY_DTYPE, MAP_OPS, Node, expression

FUNCTIONS = (
    "arc_sine", "arc_tangent", "error_function", "hyperbolic_sine", "hyperbolic_tangent", "power",
    "sine",
)  # fmt: skip
FULL_OPSET = 13
"""From which on every elementwise operator takes all dtypes; none means anything else before."""
MAX_OPERANDS = 12
MAX_STEPS = 128
MAX_INPUTS = 3
"""Graph inputs are bindings of their own, of which a kernel may have 8."""


def schedule_map(op: OnnxOp, scheduler: Scheduler) -> None:
    """A kernel of the op and of those waiting for it; or it waits for its own reader."""
    steps: list[OnnxOp] = [s for x in dict.fromkeys(op.xs) for s in scheduler.waiting.get(x, [])]
    steps.append(op)
    if _is_too_much(steps, scheduler):
        for x in dict.fromkeys(op.xs):  # too much for one kernel: those before it get their own
            if x in scheduler.waiting:
                _add_kernel(scheduler.waiting.pop(x), scheduler)
        steps = [op]
    for x in op.xs:
        scheduler.waiting.pop(x, None)
    if _can_wait(op, scheduler):
        scheduler.waiting[op.result] = steps
    else:
        _add_kernel(steps, scheduler)


def _is_too_much(steps: list[OnnxOp], scheduler: Scheduler) -> bool:
    """Whether one kernel should not compute so many steps, or can't bind what they read."""
    return (
        len(steps) > MAX_STEPS
        or len(leaves_of(steps)) > MAX_OPERANDS
        or len(_inputs(steps, scheduler)) > MAX_INPUTS
    )


def _can_wait(op: OnnxOp, scheduler: Scheduler) -> bool:
    """Whether the only reader of the result is an elementwise node of its shape."""
    readers = scheduler.users.get(op.result, [])
    if scheduler.output_names(op.result) or len(readers) != 1:
        return False
    reader = readers[0]
    return (
        isinstance(reader, OnnxOp)
        and reader.op_type in MAP_OPS
        and reader.result.type.shape == op.result.type.shape
    )


def leaves_of(steps: list[OnnxOp]) -> list[Value]:
    """The values that the steps read and do not make; absent operands are none."""
    results = {step.result for step in steps}
    operands = (x for step in steps for x in step.xs if x.type.size)
    return [x for x in dict.fromkeys(operands) if x not in results]


def _inputs(steps: list[OnnxOp], scheduler: Scheduler) -> list[Value]:
    return [x for x in leaves_of(steps) if x in scheduler.graph.inputs]


def _add_kernel(steps: list[OnnxOp], scheduler: Scheduler) -> None:
    last = steps[-1]
    leaves = leaves_of(steps)
    shape = last.result.type.shape
    scheduler.kernel(
        MapKernel(
            *scheduler.frame(last),
            sources=tuple(source_of(x, scheduler) for x in leaves),
            leaves=tuple(leaves),
            axes=merged_axes(shape, [broadcast_strides(x.type.shape, shape) for x in leaves]),
            steps=tuple(steps),
            opset=max(scheduler.graph.opset, FULL_OPSET),
            nodes=tuple(dict.fromkeys(node_name(step, scheduler) for step in steps)),
        )
    )


def node_name(op: OnnxOp, scheduler: Scheduler) -> str:
    """The ONNX node that an op is, or is a part of, for reports."""
    origin = scheduler.origins.get(op.result, op)
    assert isinstance(origin, OnnxOp)
    return f"{origin.op_type} {origin.result.name}"


def source_of(value: Value, scheduler: Scheduler) -> Source:
    """Where a kernel reads a row-major operand; constants as words."""
    return scheduler.source(value) if value.data is None else words_of(value.array)


def words_of(array: Array) -> Array:
    """A tensor as the device holds it, one word an element, u32 [size]; -2^31 for an int64 beyond 32 bits."""
    if array.dtype == np.float32:
        return np.ascontiguousarray(array).reshape(-1).view(np.uint32)
    if array.dtype == np.bool_:
        return array.reshape(-1).astype(np.uint32)
    whole = array.reshape(-1).astype(np.int64)
    within = whole == whole.astype(np.int32)
    return np.where(within, whole, np.iinfo(np.int32).min).astype(np.uint32)


def tensor_of(words: Array, value: Value) -> Array:
    """The tensor that words u32 [size] are, in the dtype and shape of `value`."""
    dtype, shape = value.type.dtype, value.type.shape
    if dtype == "f32":
        return words.view(np.float32).reshape(shape)
    if dtype == "bool":
        truths: Array = words != 0
        return truths.reshape(shape)
    integers: Array = words.view(np.int32).astype(NUMPY_DTYPES[dtype])
    return integers.reshape(shape)


@dataclass(eq=False)
class MapKernel(FamilyKernel):
    """Elementwise nodes on row-major words; the last step's result is the kernel's."""

    kind = "float_map"
    is_float = True
    sources: tuple[Source, ...] = field(kw_only=True)
    leaves: tuple[Value, ...] = field(kw_only=True)
    axes: tuple[Axis, ...] = field(kw_only=True)
    steps: tuple[OnnxOp, ...] = field(kw_only=True)
    opset: int = 21
    nodes: tuple[str, ...] = ()

    @property
    def word_dtype(self) -> str:
        return self.steps[-1].result.type.dtype

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        tensors = {
            leaf: tensor_of(memory.row_major(source, inputs), leaf)
            for leaf, source in zip(self.leaves, self.sources, strict=True)
        }
        for step in self.steps:
            xs = [x.array if x.data is not None else tensors[x] for x in step.xs]
            tensors[step.result] = run_node(step.op_type, step.attributes, xs, self.opset)
        return words_of(tensors[self.steps[-1].result])

    def title(self) -> str:
        return f"float_map: {', '.join(step.op_type for step in self.steps)}"

    def emit(self, shader: Shader) -> Json:
        names = {leaf: f"x{number}" for number, leaf in enumerate(self.leaves)}
        operands = []
        for number, (leaf, source) in enumerate(zip(self.leaves, self.sources, strict=True)):
            array, start = shader.operand(source)
            shader.define("u32", "", **{f"x{number}_at": start})
            terms = []
            for axis, (_, strides) in enumerate(self.axes):
                if strides[number]:
                    shader.define("u32", "", **{f"x{number}_stride{axis}": strides[number]})
                    terms.append(axis)
            kind = WGSL_TYPES[leaf.type.dtype]
            operands.append({"number": number, "array": array, "axes": terms, "type": kind})
        steps = []
        for number, step in enumerate(self.steps):
            arguments = [names.get(x, "") for x in step.xs]
            steps.append(expression(step.op_type, Node(step.attributes, step.xs, step.result, arguments)))
            names[step.result] = f"t{number}"
        for number, (size, _) in enumerate(self.axes):
            shader.define("u32", "", **{f"size{number}": size})
        return {
            "operands": operands,
            "axes": range(len(self.axes)),
            "steps": steps,
            "type": WGSL_TYPES[self.steps[-1].result.type.dtype],
            "functions": functions_in(steps),
        }


def functions_in(texts: list[str]) -> set[str]:
    """The functions of `_float_math.wgsl.j2` that some expressions call."""
    words = set(re.findall(r"[a-z_]+(?=\()", " ".join(texts)))
    return words & set(FUNCTIONS)


KERNELS.update({name: FloatKernel(schedule_map, any_dtype=name in ANY_DTYPE) for name in MAP_OPS})
