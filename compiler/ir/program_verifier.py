"""What a Program must satisfy between passes: names, words, outputs, bindings and places.

1. Kernels have names of their own, and read graph inputs that there are.
2. Views lie within their buffers. Every word that a kernel reads was stored before, and none is
   stored twice: no kernel adds to what another one made.
3. Every graph output is stored wholly and once, by one kernel or by several that share its channels.
4. A kernel binds no more storage buffers than every device has (limits.py), as far as it shows here:
   the arena, inputs and outputs. Those of the weights show in codegen, and so do workgroups.
5. Where buffers have places, all have: within the arena, and apart where they are live at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from ..errors import InternalError
from .limits import STORAGE_BUFFERS
from .program import (
    Buffer,
    BufferStore,
    Kernel,
    OutputStore,
    Program,
    View,
    WordStore,
    inputs_read,
    output_words,
    outputs_stored,
    touches,
)
from .types import Array, TensorType

StoredWords = dict[Buffer, Array]
"""Which words of each buffer are stored, bool [words]."""


def verify_program(program: Program, after: str) -> None:
    """Raises InternalError when `program` is not valid; `after` names the pass that ran last."""
    rules = (_names, _inputs, _words, _outputs, _bindings, _places)
    problems = [problem for rule in rules for problem in rule(program)]
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise InternalError(f"the program is not valid after {after}:\n{lines}")


def _names(program: Program) -> Iterator[str]:
    counts = Counter(kernel.name for kernel in program.kernels)
    yield from (f"{count} kernels are called {name!r}" for name, count in counts.items() if count > 1)


def _inputs(program: Program) -> Iterator[str]:
    for kernel in program.kernels:
        for name in inputs_read(kernel):
            if name not in program.inputs:
                yield f"kernel {kernel.name!r} reads the input {name!r}, which there is not"


# ---------------------------------------------------------------------------------- words


def _words(program: Program) -> Iterator[str]:
    stored: StoredWords = {}
    for kernel in program.kernels:
        for view in dict.fromkeys(kernel.reads()):
            yield from (f"kernel {kernel.name!r} reads {problem}" for problem in _of_read(view, stored))
        for store in kernel.stores:
            if not isinstance(store, WordStore) and store.view is not None:
                problems = _of_store(store, store.view, kernel, stored)
                yield from (f"kernel {kernel.name!r} stores {problem}" for problem in problems)


def _of_read(view: View, stored: StoredWords) -> Iterator[str]:
    if not _lies_within(view):
        yield f"{view}, which has {view.buffer.words} words"
        return
    missing = np.count_nonzero(~_flags(view, stored))
    if missing:
        yield f"{missing} words of {view} that are not stored before"


def _of_store(
    store: BufferStore | OutputStore, view: View, kernel: Kernel, stored: StoredWords
) -> Iterator[str]:
    """Problems of a store into a view, whose words are then marked as stored."""
    if not _lies_within(view):
        yield f"{view}, which has {view.buffer.words} words"
        return
    flags, plane = _flags(view, stored), kernel.shape[1] * kernel.shape[2]
    if isinstance(store, OutputStore) and kernel.shape[0] * store.total * plane != flags.size:
        yield f"{kernel.shape[0] * store.total * plane} words into {view}, which has {flags.size}"
        return
    again = _mark(flags, store, plane)
    if again:
        yield f"{again} words of {view} that are stored already"


def _lies_within(view: View) -> bool:
    end = view.first + (view.pixels - 1) * view.pitch + view.words
    apart = view.words <= view.pitch or view.pixels == 1
    return view.first >= 0 and apart and end <= view.buffer.words


def _flags(view: View, stored: StoredWords) -> Array:
    """Which words of a view are stored, bool [pixels, words], to read or assign."""
    if view.buffer not in stored:
        stored[view.buffer] = np.zeros(view.buffer.words, np.bool_)
    shape, strides = (view.pixels, view.words), (view.pitch, 1)
    return np.ndarray(shape, np.bool_, stored[view.buffer], view.first, strides)


def _mark(flags: Array, store: BufferStore | OutputStore, plane: int) -> int:
    """Marks what a store fills of its view; returns how much of that was marked before. Floats lie
    channel by channel, `plane` elements each.
    """
    if isinstance(store, BufferStore):
        again = int(np.count_nonzero(flags))
        flags[...] = True
        return again
    channels = np.isin(np.arange(flags.size) // plane % store.total, store.channels).reshape(flags.shape)
    again = int(np.count_nonzero(flags & channels))
    flags |= channels
    return again


# ---------------------------------------------------------------------------------- outputs


def _outputs(program: Program) -> Iterator[str]:
    parts: dict[str, list[tuple[Kernel, OutputStore | None]]] = {name: [] for name in program.outputs}
    for kernel in program.kernels:
        for name, store in _output_parts(kernel):
            if name in parts:
                parts[name].append((kernel, store))
            else:
                yield f"kernel {kernel.name!r} stores the output {name!r}, which there is not"
    for name, stores in parts.items():
        yield from (f"output {name!r} {problem}" for problem in _of_output(program.outputs[name], stores))


def _output_parts(kernel: Kernel) -> Iterator[tuple[str, OutputStore | None]]:
    """The outputs that a kernel stores: channels by a store, or whole words."""
    for store in kernel.stores:
        if isinstance(store, WordStore):
            yield store.output, None
        elif isinstance(store, OutputStore) and store.view is None:
            yield store.output, store


def _of_output(type_: TensorType, parts: list[tuple[Kernel, OutputStore | None]]) -> Iterator[str]:
    stores = [(kernel, store) for kernel, store in parts if store is not None]
    if not parts:
        yield "is not stored"
    elif len(parts) > 1 and any(store is None or store.fills for _, store in parts):
        yield f"is stored by {' and '.join(repr(kernel.name) for kernel, _ in parts)}"
    elif stores:
        total = stores[0][1].total
        stored = Counter(channel for _, store in stores for channel in store.channels if channel >= 0)
        missing, again = Counter(range(total)) - stored, stored - Counter(range(total))
        if missing or again:
            detail = f"not stored: {sorted(missing)}, stored again: {sorted(again)}"
            yield f"has {total} channels; {detail}"
    for kernel, store in parts:
        words = kernel.pixels * kernel.words * (1 if kernel.moves_words else 4)  # a packed word is 4 elements
        if store is None and words < output_words(type_):
            yield f"has {output_words(type_)} words, kernel {kernel.name!r} stores {words} at most"
    for kernel, store in stores:
        if kernel.pixels * store.total != type_.size:
            yield f"has {type_.size} elements, kernel {kernel.name!r} stores {kernel.pixels * store.total}"


# ---------------------------------------------------------------------------------- limits


def _bindings(program: Program) -> Iterator[str]:
    for kernel in program.kernels:
        arena = any(True for _ in touches(kernel))
        count = arena + len(inputs_read(kernel)) + len(outputs_stored(kernel))
        if count > STORAGE_BUFFERS:
            yield f"kernel {kernel.name!r} binds {count} storage buffers; devices have {STORAGE_BUFFERS}"


def _places(program: Program) -> Iterator[str]:
    ranges = program.live_ranges()
    offsets = {buffer: buffer.offset for buffer in ranges if buffer.offset is not None}
    if not offsets and program.arena_words is None:
        return
    for buffer in ranges:
        if buffer not in offsets:
            yield f"buffer {buffer.name!r} has no place"
        elif offsets[buffer] < 0 or _end(buffer) > (program.arena_words or 0):
            yield f"buffer {buffer.name!r} lies outside the arena of {program.arena_words} words"
    live: list[Buffer] = []
    for buffer in sorted(offsets, key=lambda one: ranges[one]):
        live = [other for other in live if ranges[other][1] >= ranges[buffer][0]]
        for other in live:
            overlap = min(_end(buffer), _end(other)) - max(offsets[buffer], offsets[other])
            if overlap > 0:
                yield f"buffers {other.name!r} and {buffer.name!r} are live at once and share {overlap} words"
        live.append(buffer)


def _end(buffer: Buffer) -> int:
    return (buffer.offset or 0) + buffer.words
