"""What stands between a graph input and its packed bytes, which a picture's kernel does in one.

Often nothing: the kernel that packs the input is its only reader. A model that begins with a normalization
of its own (Sub, Mul, Div, Add, ... of floats) has a kernel of floats before that. For a picture the whole is
a table of 256 bytes a channel, made by running the expression in ONNX Runtime over what each byte stands for:
exact by construction, as the tables of `passes/tabulate.py` are. So a picture leaves that kernel out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.graph import Value
from ..ir.program import BufferStore, Kernel, Program, inputs_read
from ..ir.types import Array
from ..operators.base import FamilyKernel
from ..operators.float.map import MapKernel
from ..operators.onnx_op import Elementwise
from ..operators.quantize import QuantizeKernel
from ..reference.node import run_expression


@dataclass(frozen=True)
class Front:
    """The way of an input to its bytes: kernel number `packer` makes them, the kernels `skips` make what it
    reads, and nothing else. `arithmetic`: of the latter, where there is one.
    """

    packer: int
    skips: tuple[int, ...] = ()
    arithmetic: MapKernel | None = None

    def kernel(self, program: Program) -> FamilyKernel:
        """The one that makes the bytes."""
        kernel = program.kernels[self.packer]
        assert isinstance(kernel, FamilyKernel)
        return kernel

    def reals(self, values: Array) -> Array:
        """What the packer reads where the input is `values`, both f32 [C, 256] by channel and byte."""
        if self.arithmetic is None:
            return values
        steps = [step for step in self.arithmetic.steps if isinstance(step, Elementwise)]
        inputs = {
            leaf: values if leaf.data is None else _by_byte(leaf, values.shape)
            for leaf in self.arithmetic.leaves
            if leaf.data is None or leaf.type.size > 1
        }
        return run_expression(steps, [steps[-1].result], inputs, self.arithmetic.opset)


def front_of(program: Program, name: str, axis: int) -> Front | None:
    """That of an input of four axes whose channels are along `axis`; None where it is read otherwise."""
    readers = [number for number, kernel in enumerate(program.kernels) if name in inputs_read(kernel)]
    if len(readers) != 1:
        return None
    (first,) = readers
    kernel = program.kernels[first]
    if isinstance(kernel, FamilyKernel) and kernel.picture_input == name:
        return Front(first)
    if not isinstance(kernel, MapKernel) or not _is_by_channel(kernel, axis):
        return None
    packer = _packer_of(program, kernel)
    return None if packer is None else Front(packer, (first,), kernel)


def _packer_of(program: Program, kernel: MapKernel) -> int | None:
    """The number of the one kernel that reads what another makes, and quantizes all of it."""
    if len(kernel.stores) != 1 or not isinstance(kernel.stores[0], BufferStore):
        return None
    view = kernel.stores[0].view
    readers: list[tuple[int, Kernel]] = [
        (number, other)
        for number, other in enumerate(program.kernels)
        if any(read.buffer == view.buffer for read in other.reads())
    ]
    if len(readers) != 1 or not isinstance(readers[0][1], QuantizeKernel):
        return None
    return readers[0][0] if readers[0][1].source == view else None


def _is_by_channel(kernel: MapKernel, axis: int) -> bool:
    """Whether it maps each float of one operand by its channel alone, wherever it lies."""
    leaves = [leaf for leaf in kernel.leaves if leaf.data is None]
    pure = all(isinstance(step, Elementwise) and step.result.type.dtype == "f32" for step in kernel.steps)
    if len(leaves) != 1 or not pure or leaves[0].type.shape != kernel.steps[-1].result.type.shape:
        return False
    constants = [leaf for leaf in kernel.leaves if leaf.data is not None and leaf.type.size > 1]
    return all(_shape_of(leaf, axis) is not None for leaf in constants)


def _shape_of(constant: Value, axis: int) -> int | None:
    """The channels that a constant has numbers for; None where they are along another axis, too."""
    shape = constant.type.shape
    full = (1,) * (4 - len(shape)) + shape
    return full[axis] if len(full) == 4 and constant.type.size == full[axis] else None


def _by_byte(constant: Value, shape: tuple[int, ...]) -> Array:
    """A constant's number of each channel, for every byte."""
    column = constant.array.astype(np.float32).reshape(-1, 1)
    return np.broadcast_to(column, shape)
