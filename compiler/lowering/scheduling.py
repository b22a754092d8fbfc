"""The Program in the making, and what an op asks while its kernels are made."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..ir.graph import Graph, Op, Value
from ..ir.layout import pixel_shape, to_lanes
from ..ir.program import Buffer, BufferStore, Kernel, Program, Source, Store, View, WordStore

EXPORTED_SUFFIXES = ("_QuantizeLinear_Output", "_quantized", ".weight")
"""What exporters and quantizers append to a tensor's name."""


@runtime_checkable
class Schedulable(Protocol):
    """What this file knows of an op."""

    def schedule(self, scheduler: Scheduler) -> None:
        """Adds the kernels of the op."""


class Pending(Protocol):
    """A value that no kernel has made yet."""

    def make(self, scheduler: Scheduler) -> None:
        """Adds the kernel that makes it."""


class Scheduler:
    """The program in the making: where each value lies, and the kernels so far.

    `pending`: results that no kernel has made yet (moves); `waiting`: ops that their reader's
    kernel computes; `origins`: for the parts that an op was expanded into, that op.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.users = defaultdict(list, graph.users())
        self._outputs: dict[Value, list[str]] = defaultdict(list)
        for name, output in zip(graph.output_names, graph.outputs, strict=True):
            self._outputs[output].append(name)
        self.origins: dict[Value, Op] = {}
        self.waiting: dict[Value, list[Any]] = {}
        self.views: dict[Value, View] = {}
        self.pending: dict[Value, Pending] = {}
        self.kernels: list[Kernel] = []
        self._names: Counter[str] = Counter()

    def schedule(self, op: Op) -> None:
        """Adds the kernels of `op`."""
        assert isinstance(op, Schedulable), f"{op.kind} is no op of a family"
        op.schedule(self)

    def program(self) -> Program:
        """The kernels so far, with the graph's inputs and outputs."""
        graph = self.graph
        outputs = zip(graph.output_names, graph.outputs, strict=True)
        return Program(
            graph.name,
            {value.name: value.type for value in graph.inputs},
            {name: value.type for name, value in outputs},
            self.kernels,
        )

    def kernel(self, kernel: Kernel) -> None:
        self.kernels.append(kernel)

    # ------------------------------------------------------------------------------ places

    def make(self, value: Value) -> View:
        """A buffer of its own for a value: its pixels, or its row-major elements in one run."""
        name = (value.origin or value).name
        if value.type.segments is None:
            size = value.type.size
            self.views[value] = View(Buffer(name, size), 1, size, size)
        else:
            pixels, words = value.type.pixels, value.type.words
            self.views[value] = View(Buffer(name, pixels * words), pixels, words, words)
        return self.views[value]

    def holds(self, value: Value) -> bool:
        """Whether a value lies in the arena, or will."""
        return value in self.views or value in self.pending

    def view(self, value: Value) -> View:
        """Where a value lies in the arena; what was left for later is made now."""
        self.make_pending(value)
        return self.views[value]

    def make_pending(self, value: Value) -> None:
        """Makes a value that was left for later."""
        pending_value = self.pending.pop(value, None)
        if pending_value is not None:
            pending_value.make(self)

    def leave_pending(self, value: Value) -> None:
        """Forgets a value that was left for later, where its one reader does not need it."""
        if len(self.users.get(value, ())) == 1 and not self.output_names(value):
            del self.pending[value]

    def source(self, value: Value) -> Source:
        """Where a kernel reads an operand: a view, a graph input, or a constant's words."""
        if self.holds(value):
            return self.view(value)
        if value.data is not None and value.type.segments is None:
            narrow = value.array.itemsize != 4
            return value.array.astype(np.int32) if narrow else value.array
        if value.data is not None:
            lanes = to_lanes(value.array, value.type)
            return np.ascontiguousarray(lanes).view(np.uint32)
        assert value in self.graph.inputs, f"%{value.name} lies nowhere"
        return value.name

    # ------------------------------------------------------------------------------ kernels

    def name(self, value: Value) -> str:
        """A kernel name that no other kernel has: the model's tensor's, without what exporters and
        quantizers append.
        """
        plain = (value.origin or value).name
        for suffix in EXPORTED_SUFFIXES:
            plain = plain.removesuffix(suffix)
        name = plain
        while name in self._names:  # how often a name was wanted is the number of the next one
            self._names[plain] += 1
            name = f"{plain}.{self._names[plain]}"
        self._names[name] = 1
        return name

    def frame(
        self, op: Op, name_of: Value | None = None
    ) -> tuple[str, tuple[int, int, int], int, list[Store]]:
        """Name, shape, words and stores of a kernel that makes the result of `op`.

        The name is that of the result, or of `name_of`.
        """
        value = op.result
        if value.type.segments is not None:
            view = self.make(value)
            return self.name(name_of or value), pixel_shape(value.type), view.words, [BufferStore(view)]
        stores: list[Store] = [WordStore(output) for output in self.output_names(value)]
        if not stores or self.users.get(value):
            stores.append(BufferStore(self.make(value)))
        return self.name(name_of or value), (1, 1, 1), value.type.size, stores

    def output_names(self, value: Value) -> list[str]:
        """The graph outputs that a value is."""
        return self._outputs.get(value, [])
