"""The float regions of a program: kernels that hand floats to each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..ir.program import Buffer, Kernel, Program, outputs_stored, writes


@dataclass(frozen=True, eq=False)
class Region:
    """Kernels that hand floats to each other; `nodes`: the ONNX nodes they compute, 'Op result'.

    `ends`: those whose words other kernels read, or that are graph outputs.
    """

    number: int
    nodes: tuple[str, ...]
    kernels: tuple[Kernel, ...]
    ends: frozenset[Kernel]

    def __str__(self) -> str:
        kinds = Counter(node.partition(" ")[0] for node in self.nodes)
        summary = ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items())
        count = f"{len(self.nodes)} node{'s' * (len(self.nodes) > 1)}"
        first = self.nodes[0].partition(" ")[2]
        return f"float region {self.number}: {summary} ({count}, from {first!r})"


def float_regions(program: Program) -> list[Region]:
    """The regions of a program, in order."""
    parts: list[list[Kernel]] = []
    part_of: dict[Buffer, list[Kernel]] = {}
    for kernel in program.kernels:
        sources = [part_of[view.buffer] for view in kernel.reads() if view.buffer in part_of]
        if not kernel.is_float and not (sources and kernel.moves_words):
            continue
        region = [kernel]
        for part in parts:
            if any(part is one for one in sources):
                region = part + region
        parts = [part for part in parts if not any(part is one for one in sources)] + [region]
        for member in region:
            part_of.update({view.buffer: region for view in writes(member)})
    order = {kernel: number for number, kernel in enumerate(program.kernels)}
    parts.sort(key=lambda part: order[part[0]])
    return [_region(number, part, program) for number, part in enumerate(parts, 1)]


def is_all_float(program: Program) -> bool:
    """Whether no kernel computes in integers."""
    return all(k.is_float or k.moves_words or k.is_border for k in program.kernels)


def _region(number: int, kernels: list[Kernel], program: Program) -> Region:
    inside = set(kernels)
    nodes = [node for kernel in kernels for node in getattr(kernel, "nodes", ())]
    sources = {view.buffer for kernel in program.kernels if kernel not in inside for view in kernel.reads()}
    ends = {
        kernel
        for kernel in kernels
        if outputs_stored(kernel) or any(view.buffer in sources for view in writes(kernel))
    }
    return Region(number, tuple(dict.fromkeys(nodes)), tuple(kernels), frozenset(ends))


def outputs_after_floats(program: Program) -> tuple[set[str], set[str]]:
    """Graph outputs that depend on a float region: all of them, and those that do without a
    QuantizeLinear in between.
    """
    tainted: set[Buffer] = set()
    direct: set[Buffer] = set()
    all_outputs: set[str] = set()
    direct_outputs: set[str] = set()
    for kernel in program.kernels:
        sources = {view.buffer for view in kernel.reads()}
        if kernel.is_float or sources & tainted:
            tainted |= {view.buffer for view in writes(kernel)}
            all_outputs |= outputs_stored(kernel)
        if not kernel.quantizes and (kernel.is_float or sources & direct):
            direct |= {view.buffer for view in writes(kernel)}
            direct_outputs |= outputs_stored(kernel)
    return all_outputs, direct_outputs


def word_dtypes(program: Program) -> dict[Kernel, str]:
    """What the words of a region's kernels are; moves hand on what they read."""
    dtypes: dict[Buffer, str] = {}
    kinds: dict[Kernel, str] = {}
    for kernel in program.kernels:
        if kernel.word_dtype is not None:
            kinds[kernel] = kernel.word_dtype
        elif kernel.moves_words:
            operand_dtypes = [dtypes[view.buffer] for view in kernel.reads() if view.buffer in dtypes]
            kinds[kernel] = operand_dtypes[0] if operand_dtypes else "f32"
        else:
            continue
        dtypes.update({view.buffer: kinds[kernel] for view in writes(kernel)})
    return kinds
