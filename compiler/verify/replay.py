"""Compares a device with the simulator kernel by kernel, each fed with the device's own words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..ir.graph import Graph, Value
from ..ir.program import Kernel, Program, fills, outputs_filled
from ..ir.types import Array
from .compare import TOLERANCE, Feed, relative_error
from .compiled import Compiled
from .expectation import Expected
from .interpreter import run_graph
from .origins import as_values
from .regions import Region, word_dtypes
from .simulator import run_program

Trace = Mapping[str, Sequence[Array]]
"""What each kernel wrote, by its name: u32 words, an array for each store."""


class Device(Protocol):
    """A device on which a program is ready to run."""

    @property
    def name(self) -> str:
        """The adapter's."""

    def run(self, sample: Feed) -> Feed:
        """Outputs by name."""

    def trace(self, sample: Feed) -> Trace:
        """What the kernels write, run one by one."""


@dataclass
class Replay:
    """What traces of a device showed: words that differ by integer kernel, of `words` in all, and
    the largest error of each region by its number.
    """

    wrong: dict[str, int] = field(default_factory=dict)
    words: int = 0
    errors: dict[int, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.wrong and self.error <= TOLERANCE

    @property
    def error(self) -> float:
        """The largest of all regions."""
        return max(self.errors.values(), default=0.0)

    def add(self, other: Replay) -> None:
        self.words += other.words
        for name, count in other.wrong.items():
            self.wrong[name] = self.wrong.get(name, 0) + count
        for number, error in other.errors.items():
            self.errors[number] = max(self.errors.get(number, 0.0), error)

    def count(self, kernel: Kernel, want: Sequence[Array], have: Sequence[Array]) -> None:
        """Words of an integer kernel."""
        self.words += sum(words.size for words in want)
        differing = sum(int((a != b).sum()) for a, b in zip(want, have, strict=True))
        if differing:
            self.wrong[kernel.name] = self.wrong.get(kernel.name, 0) + differing

    def measure(self, region: Region, want: Array, have: Array) -> None:
        """A tensor at the end of a region."""
        self.errors[region.number] = max(self.errors[region.number], relative_error(want, have))


def replay(program: Program, regions: Sequence[Region], sample: Feed, trace: Trace) -> Replay:
    """Compares every kernel with what it wrote on the device, fed with the device's own words."""
    total = Replay(errors={region.number: 0.0 for region in regions})
    region_of = {kernel: region for region in regions for kernel in region.kernels}
    dtypes = word_dtypes(program)

    def compare_kernel(kernel: Kernel, simulated: list[Array]) -> list[Array] | None:
        device = _shaped_as(simulated, trace[kernel.name])
        region = region_of.get(kernel)
        if region is None:
            total.count(kernel, simulated, device)
        elif kernel in region.ends:
            dtype = dtypes.get(kernel, "f32")
            for want, have in zip(simulated, device, strict=True):
                total.measure(region, _typed(want, dtype), _typed(have, dtype))
        else:
            return None
        return device

    run_program(program, sample, replace=compare_kernel)
    return total


def first_wrong_kernel(program: Program, device: Device, sample: Feed) -> str:
    """Names the first kernel whose words on the device are not those of the simulator."""
    simulated: dict[str, list[Array]] = {}
    run_program(program, sample, lambda kernel, words: simulated.update({kernel.name: words}))
    trace = device.trace(sample)
    for name, stores in simulated.items():
        for want, have in zip(stores, _shaped_as(stores, trace[name]), strict=True):
            differing = int((want != have).sum())
            if differing:
                return f"; first in kernel {name!r}: {differing} of {want.size} words"
    return "; every kernel's words are right one by one, so a barrier or the read-back is not"


def decomposition_errors(
    compiled: Compiled, regions: Sequence[Region], expected: Expected, transposed: Collection[str] = ()
) -> dict[int, float]:
    """How far the kernels of each region, as the simulator runs them, are from ONNX Runtime's own
    nodes, by the region's number. The results of ConvTranspose are this compiler's.
    """
    total = Replay(errors={region.number: 0.0 for region in regions})
    if not regions:
        return total.errors
    region_of = {kernel: region for region in regions for kernel in region.ends}
    dtypes = word_dtypes(compiled.program)
    tensors_of = _tensors_of_kernels(compiled.packed, expected, transposed)

    def compare_kernel(kernel: Kernel, written: list[Array]) -> None:
        if kernel not in region_of:
            return
        for want, words in zip(tensors_of(kernel), written, strict=True):
            if want is not None and want.size == words.size and want.dtype.itemsize == 4:
                have = _typed(words, dtypes[kernel]).reshape(want.shape)
                total.measure(region_of[kernel], want, have)

    run_program(compiled.program, expected.sample, compare_kernel, given=expected.inside)
    return total.errors


def _tensors_of_kernels(
    packed: Graph, expected: Expected, transposed: Collection[str]
) -> Callable[[Kernel], list[Array | None]]:
    """What the graph has for each store of a kernel, in their order; None for bytes and for words
    that are no value of the graph.
    """
    tensors: dict[str, Array] = {}

    def keep(value: Value, tensor: Array) -> None:
        if not value.type.is_byte:
            tensors[value.name] = tensor

    inside = as_values(packed, expected.inside, without=transposed)
    outputs = run_graph(packed, expected.sample, keep, inside)

    def tensors_of(kernel: Kernel) -> list[Array | None]:
        buffers = [tensors.get(view.buffer.name) for view in fills(kernel)]
        return [*buffers, *(outputs[name] for name in outputs_filled(kernel))]

    return tensors_of


def _shaped_as(like: Sequence[Array], words: Sequence[Array]) -> list[Array]:
    return [store.reshape(own.shape) for own, store in zip(like, words, strict=True)]


def _typed(words: Array, dtype: str) -> Array:
    return np.ascontiguousarray(words).view(np.float32 if dtype == "f32" else np.int32)
