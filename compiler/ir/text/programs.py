"""A Program as text, and the text as a Program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ..program import Buffer, BufferStore, Kernel, Program, Store, View
from ..types import Array, TensorType
from .names import Namer, Names
from .parser import Parser
from .printer import Printer, title
from .records import parameters, parameters_of_kernel
from .things import mentions

HEADER = ("name", "inputs", "outputs", "kernels")
"""The fields of a program that have a place of their own; the others stand there by name."""
ABOUT = [item for item in parameters(Program) if item.name not in HEADER]


def format_program(program: Program, namer: Namer | None = None) -> str:
    """The whole program as text, a kernel a line; `namer` as of `format_graph`."""
    printer = Printer(Names(mentions(program), namer))
    inputs, outputs = (
        ", ".join(f"{json.dumps(name)}: {type_}" for name, type_ in tensors.items())
        for tensors in (program.inputs, program.outputs)
    )
    about = "".join(f" {field}" for field in printer.fields(program, ABOUT, named=True))
    head = f"program {title(program.name)} ({inputs}) -> ({outputs}){about} {{  # {_summary(program)}"
    lines = [*printer.constants(), *_buffers(program, printer)]
    lines += [f"kernel {number} {_kernel(one, printer)}" for number, one in enumerate(program.kernels)]
    return "\n".join([head, *(f"  {line}" for line in lines), "}", ""])


def _summary(program: Program) -> str:
    count = f"{len(program.kernels)} dispatches"
    if program.arena_words is None or program.lower_bound_words is None:
        return count
    arena, bound = program.arena_words * 4, program.lower_bound_words * 4
    return f"{count}, arena {arena} bytes (lower bound {bound})"


def _buffers(program: Program, printer: Printer) -> Iterator[str]:
    """`%b0 "name": 64 words at 128`, offsets in words; live from one kernel to another."""
    ranges = program.live_ranges()
    for buffer in printer.names.buffers:
        place = "" if buffer.offset is None else f" at {buffer.offset}"
        live = "  # live {}..{}".format(*ranges[buffer]) if buffer in ranges else ""
        yield f"{printer.names.declared(buffer)}: {buffer.words} words{place}{live}"


def _kernel(kernel: Kernel, printer: Printer) -> str:
    """`kind "name" [N, H, W] x words (reads) -> stores {attributes}  # what it is, its MACs`."""
    reads, attributes = parameters_of_kernel(type(kernel))
    batch, height, width = kernel.shape
    parts = [kernel.kind, json.dumps(kernel.name), f"[{batch}, {height}, {width}] x {kernel.words}"]
    parts.append(f"({', '.join(printer.fields(kernel, reads))})")
    if kernel.stores:
        parts += ["->", ", ".join(_store(store, printer) for store in kernel.stores)]
    fields = ", ".join(printer.fields(kernel, attributes, named=True))
    if fields:
        parts.append(f"{{{fields}}}")
    macs = f", {kernel.macs} MACs" if kernel.macs else ""
    return f"{' '.join(parts)}  # {kernel.title()}{macs}"


def _store(store: Store, printer: Printer) -> str:
    """A view, `by` the table if there is one; other stores as the records that they are."""
    if not isinstance(store, BufferStore):
        return printer.value(store)
    by = "" if store.table is None else f" by {printer.value(store.table)}"
    return printer.value(store.view) + by


def parse_program(
    text: str, constants: Mapping[str, Array] | None = None, namer: Namer | None = None
) -> Program:
    """The program that `text` prints, of kernels whose classes are loaded; see `parse_graph`."""
    return _ProgramParser(text, constants, namer).program()


class _ProgramParser(Parser):
    inline = True

    def program(self) -> Program:
        self.expect("program")
        name = self.name()[1:]
        inputs = dict(self.bracketed("(", ")", self._tensor))
        self.expect("->")
        outputs = dict(self.bracketed("(", ")", self._tensor))
        about = self.fields("program", Program, ABOUT, "{")
        kernels = [one for one in self.until("}", self._statement) if one is not None]
        self.end()
        return Program(name, inputs, outputs, kernels, **about)

    def _tensor(self) -> tuple[str, TensorType]:
        name = self.string()
        self.expect(":")
        return name, self.tensor_type()

    def _statement(self) -> Kernel | None:
        """A kernel; or a constant or buffer, which is only declared."""
        if self.accept("kernel"):
            return self._kernel()
        if self.peek().startswith("@"):
            self.constant()
        else:
            self._buffer()
        return None

    def _buffer(self) -> None:
        identifier, (name, *_) = self.declared()
        self.expect(":")
        words = self.integer()
        self.expect("words")
        offset = self.integer() if self.accept("at") else None
        self.enter("buffer", identifier, Buffer(name, words, offset))

    def _stores(self) -> list[Store]:
        stores = [self._store()]
        while self.accept(","):
            stores.append(self._store())
        return stores

    def _store(self) -> Store:
        held = self.fitted("a store", View | Store)
        if not isinstance(held, View):
            return held  # type: ignore[no-any-return]
        return BufferStore(held, self.fitted("by", Array) if self.accept("by") else None)

    def _kernel(self) -> Kernel:
        if self.kind() == "number":
            self.integer()  # for the reader: kernels run in the order of the text
        kind = self.take("word")
        if kind not in Kernel.classes:
            raise self.refuse(f"{kind!r} is no kernel; known are {', '.join(Kernel.classes)}")
        cls = Kernel.classes[kind]
        name, shape = self.string(), tuple(self.bracketed("[", "]", self.integer))
        self.expect("x")
        words = self.integer()
        reads, attributes = parameters_of_kernel(cls)
        self.expect("(")
        held = self.fields(kind, cls, reads, ")")
        stores = self._stores() if self.accept("->") else []
        if self.accept("{"):
            held |= self.fields(kind, cls, attributes, "}")
        frame = {"name": name, "shape": shape, "words": words, "stores": stores}
        return self.made(kind, cls, [*reads, *attributes], frame | held)
