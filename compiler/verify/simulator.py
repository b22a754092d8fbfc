"""Evaluates a Program exactly in numpy, on the words of its arena: the meaning of what codegen
emits.

It sees what the device sees: packed words, slices, padding lanes, buffers that share memory once
they are allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..arithmetic import blocks
from ..ir.program import BufferStore, Kernel, OutputStore, Program, Store, fills, outputs_filled
from ..ir.types import NUMPY_DTYPES, Array
from ..lowering.memory import Memory, words_in_memory
from ..operators.base import FamilyKernel

Observer = Callable[[Kernel, list[Array]], None]
Replace = Callable[[Kernel, list[Array]], list[Array] | None]
"""Gets what a kernel wrote, and may give what its readers are to read instead."""


def run_program(
    program: Program,
    inputs: Mapping[str, Array],
    observe: Observer | None = None,
    *,
    substitutes: Mapping[str, Array] | None = None,
    replace: Replace | None = None,
) -> dict[str, Array]:
    """Outputs by name; `observe` gets the words each kernel wrote: u32 [pixels, words] a store into
    a buffer, then u32 [1, words] a graph output that the kernel fills alone.

    `substitutes`: tensors by the names of the values that `quantize` kernels make, taken instead of what
    they make. `replace` is asked after every kernel.
    """
    memory = Memory(program)
    outputs = {
        name: np.zeros(type_.shape, NUMPY_DTYPES[type_.dtype]) for name, type_ in program.outputs.items()
    }
    for kernel in program.kernels:
        assert isinstance(kernel, FamilyKernel), f"{kernel.kind} is no kernel of a family"
        lanes = kernel.substitute(substitutes) if substitutes else None
        if lanes is None:
            lanes = kernel.simulate(memory, inputs)
        for store in kernel.stores:
            _store(store, lanes, kernel, memory, outputs)
        if observe is None and replace is None:
            continue
        stores = [memory.words(view).copy() for view in fills(kernel)]
        stores += [words_in_memory(outputs[name]).reshape(1, -1).copy() for name in outputs_filled(kernel)]
        if observe is not None:
            observe(kernel, stores)
        if replace is not None:
            instead = replace(kernel, stores) or []
            for view, words in zip(fills(kernel), instead, strict=False):
                memory.words(view)[:] = words
    return outputs


def _store(store: Store, lanes: Array, kernel: Kernel, memory: Memory, outputs: dict[str, Array]) -> None:
    """Stores what a kernel made: u8 lanes [pixels, words * 4], or u32 words of any shape."""
    if isinstance(store, BufferStore):
        view = memory.words(store.view)
        if store.table is not None:
            lanes = store.table.view(np.uint8)[_bytes(lanes)]
        view[:] = np.ascontiguousarray(lanes).view(np.uint32).reshape(view.shape)
    elif isinstance(store, OutputStore):
        if store.view is None:
            _scatter(_bytes(lanes), store, kernel.shape, outputs[store.output].view(np.uint32))
        else:
            tensor = memory.words(store.view).copy()
            _scatter(_bytes(lanes), store, kernel.shape, tensor)
            memory.words(store.view)[:] = tensor
    else:
        output = outputs[store.output]
        values = np.ascontiguousarray(lanes).view(output.dtype).reshape(-1)[: output.size]
        output[...] = values.reshape(output.shape)


def _bytes(lanes: Array) -> Array:
    return lanes if lanes.dtype == np.uint8 else np.ascontiguousarray(lanes).view(np.uint8)


def _scatter(lanes: Array, store: OutputStore, shape: tuple[int, int, int], tensor: Array) -> None:
    """Bytes [pixels, lanes] by the store's table into a row-major tensor of `store.total` channels."""
    outer, inner = shape[0], shape[1] * shape[2]
    image = np.moveaxis(lanes.reshape(outer, inner, -1), -1, 1)
    target, table = tensor.reshape(outer, store.total, inner), store.table.view(np.uint32)
    channels = np.array(store.channels)
    real = np.flatnonzero(channels >= 0)
    for some in blocks(len(real), outer * inner):
        target[:, channels[real[some]]] = table[image[:, real[some]]]
