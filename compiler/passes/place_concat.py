"""Lets producers write straight to where their values are wanted, so that copies which move no
pixel disappear.

Rules:
1. A `copy` by identity indices (an operand of a concatenation, a lookup, a float output) is
   removed: each kernel that writes its source gets one more store, to the copy's target and
   through both tables in turn.
2. A value that stands unchanged in a slice of a concatenation is read from there, and its own
   buffer goes.
3. A store into a buffer that nobody reads goes.

Refusals:
- a copy of row-major words into an output: a store fills all of it;
- a copy whose source has other pixels than the stores that fill it (a view of another shape), or
  floats in other planes, or that is not wholly filled by kernels that store packed bytes;
- a copy of floats into a row-major tensor whose channels lie otherwise apart than those of the
  kernels that fill its source (behind a transpose that is a view);
- `unpack`, which makes whole words of a byte output;
- a float output of a kernel that writes `MAX_OUTPUTS` already: each is a binding of its own, and
  WebGPU's default limit is 8 storage buffers a kernel;
- more than `MAX_STORES` of a kernel: its shader writes them out one by one.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.program import (
    Buffer,
    BufferStore,
    Kernel,
    OutputStore,
    Program,
    Store,
    View,
    WordStore,
)
from ..ir.types import Array
from ..operators.copy import CopyKernel

MAX_OUTPUTS = 4
"""Beside the arena, the weights (by words and by vec4) and a graph input."""

MAX_STORES = 256
"""A layer of DenseNet-201 has up to 48, as an operand of all concatenations behind it in its block."""


@dataclass(frozen=True)
class PlaceConcat:
    """Copies become stores of their producers.

    Two kernels, whose results (of one pixel, one word and two) are concatenated for a third:

    >>> a, b, ab = (View(Buffer(name, n), 1, n, n) for name, n in (("a", 1), ("b", 2), ("ab", 3)))
    >>> def copy(name, source, store):
    ...     return CopyKernel(name, (1, 1, 1), source.words, [store], source=source)
    >>> first = Kernel("first", (1, 1, 1), 1, [BufferStore(a)])
    >>> second = Kernel("second", (1, 1, 1), 2, [BufferStore(b)])
    >>> copies = [copy("one", a, BufferStore(ab.slice(0, 1))), copy("two", b, BufferStore(ab.slice(1, 2)))]
    >>> program = Program("", {}, {}, [first, second, *copies, copy("third", ab, WordStore("y"))])
    >>> PlaceConcat().apply(program), [kernel.name for kernel in program.kernels]
    (True, ['first', 'second', 'third'])
    >>> str(first.stores[0].view), str(second.stores[0].view)
    ("buffer 'ab', words 0:1 of 3", "buffer 'ab', words 1:3 of 3")
    """

    name: ClassVar[str] = "place_concat"

    def apply(self, program: Program) -> bool:
        places, gone = Places(program), set()
        for kernel in program.kernels:
            if isinstance(kernel, CopyKernel) and places.can_fill(kernel):
                gone.add(kernel)
                places.replace(kernel)
        program.kernels = [kernel for kernel in program.kernels if kernel not in gone]
        changed = _read_from_slices(program)
        return _drop_unread_stores(program) or changed or bool(gone)


class Places:
    """Who stores into each buffer, and into which outputs each kernel stores, by now."""

    def __init__(self, program: Program) -> None:
        self.into: dict[Buffer, dict[Store, Kernel]] = defaultdict(dict)
        self.outputs: dict[Kernel, set[str]] = {}
        for kernel in program.kernels:
            self.outputs[kernel] = set()
            for store in kernel.stores:
                self._note(kernel, store)

    def _note(self, kernel: Kernel, store: Store) -> None:
        if isinstance(store, WordStore) or store.view is None:
            self.outputs[kernel].add(store.output)
        else:
            self.into[store.view.buffer][store] = kernel

    def can_fill(self, copy: CopyKernel) -> bool:
        """Whether the kernels that fill the copy's source can write its stores too."""
        source, outputs = copy.source, self.outputs[copy]
        if not isinstance(source, View) or any(isinstance(s, WordStore) for s in copy.stores):
            return False
        filled_words, added = 0, Counter[Kernel]()
        for store, kernel in self.into[source.buffer].items():
            if not isinstance(store, BufferStore) or kernel is copy:
                return False
            view = store.view
            if (view.pixels, view.pitch) != (source.pixels, source.pitch):
                return False
            if not _lies_inside(view, source):
                continue
            if not _same_planes(kernel, copy) or len(self.outputs[kernel] | outputs) > MAX_OUTPUTS:
                return False
            filled_words += view.words
            added[kernel] += len(copy.stores)
            if len(kernel.stores) + added[kernel] > MAX_STORES:
                return False
        return filled_words == source.words

    def replace(self, copy: CopyKernel) -> None:
        """Adds to each store that fills part of the copy's source one that fills that part of each target."""
        source = copy.source
        assert isinstance(source, View)
        for target in copy.stores:
            assert not isinstance(target, WordStore)
            if target.view is not None:
                del self.into[target.view.buffer][target]
            # A list of its own: stores are added meanwhile.
            for store, kernel in list(self.into[source.buffer].items()):
                assert isinstance(store, BufferStore)
                if _lies_inside(store.view, source):
                    first = store.view.first - source.first
                    part = _composed(target, first, store.view.words, store.table)
                    kernel.stores.append(part)
                    self._note(kernel, part)


def _lies_inside(view: View, source: View) -> bool:
    """Whether the words of each pixel are among those of `source`, in the same buffer."""
    return 0 <= view.first - source.first <= source.words - view.words


def _same_planes(kernel: Kernel, copy: CopyKernel) -> bool:
    """Whether pixels lie alike in a float output, be it that `kernel` or that `copy` stores it."""
    floats = any(isinstance(store, OutputStore) for store in copy.stores)
    planes = {one.shape[1] * one.shape[2] for one in (kernel, copy)}
    return not floats or len(planes) == 1


def _composed(target: Store, first: int, words: int, table: Array | None) -> Store:
    """The part of `target` that a producer fills, behind the producer's own `table`."""
    if isinstance(target, OutputStore):
        # Views count words, channels are told lane by lane.
        lanes = target.channels[first * 4 : (first + words) * 4]
        return OutputStore(target.output, _chain(table, target.table), lanes, target.total, target.view)
    assert isinstance(target, BufferStore)
    both = table if target.table is None else _chain(table, target.table)
    return BufferStore(target.view.slice(first, words), both)


def _chain(first: Array | None, second: Array) -> Array:
    """The table of `first`, then `second`."""
    # Tables are indexed by the bits of a byte, not by its value.
    return second if first is None else second[first.view(np.uint8)]


def _read_from_slices(program: Program) -> bool:
    """Rule 2."""
    changed = False
    readers: dict[Buffer, dict[Kernel, None]] = defaultdict(dict)
    for kernel in program.kernels:
        for view in kernel.reads():
            readers[view.buffer][kernel] = None
    for kernel in program.kernels:
        plain = [s for s in kernel.stores if isinstance(s, BufferStore) and s.table is None]
        slices = [store.view for store in plain if not store.view.whole]
        own = [store.view for store in plain if store.view.whole]
        if not slices or not own:
            continue
        for reader in list(readers[own[0].buffer]):
            if own[0] in reader.reads():
                reader.replace_read(own[0], slices[0])
                readers[slices[0].buffer][reader] = None
                changed = True
    return changed


def _drop_unread_stores(program: Program) -> bool:
    sources = {view.buffer for kernel in program.kernels for view in kernel.reads()}
    changed = False
    for kernel in program.kernels:
        stores = [
            store
            for store in kernel.stores
            if isinstance(store, WordStore) or store.view is None or store.view.buffer in sources
        ]
        changed |= len(stores) != len(kernel.stores)
        kernel.stores = stores
    return changed
