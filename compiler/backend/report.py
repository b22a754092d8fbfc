"""The HTML report of a program: kernels and the chart of live ranges in the arena."""

from __future__ import annotations

from typing import Any

from ..ir.program import OutputStore, Program, Store, View, WordStore
from ..verify.regions import float_regions
from .templating import render_template


def render_report(program: Program) -> str:
    """A page that needs nothing else: for every buffer a box over the kernels it lives in and the
    bytes it takes.
    """
    ranges = program.live_ranges()
    boxes: list[dict[str, Any]] = [
        {
            "name": buffer.name,
            "first": ranges[buffer][0],
            "last": ranges[buffer][1],
            "offset": (buffer.offset or 0) * 4,
            "bytes": buffer.words * 4,
            "hue": (index * 137) % 360,
        }
        for index, buffer in enumerate(program.buffers())
    ]
    live = [
        sum(box["bytes"] for box in boxes if box["first"] <= index <= box["last"])
        for index in range(len(program.kernels))
    ]
    kernels = [
        {
            "name": kernel.name,
            "kind": kernel.kind,
            "shape": "x".join(map(str, (*kernel.shape[1:], kernel.words * 4))),
            "macs": kernel.macs,
            "live": live[index],
            "stores": [_target(store) for store in kernel.stores],
        }
        for index, kernel in enumerate(program.kernels)
    ]
    numbers = {kernel: number for number, kernel in enumerate(program.kernels)}
    return render_template(
        "report.html",
        {
            "name": program.name,
            "kernels": kernels,
            "regions": [
                {
                    "title": str(region),
                    "nodes": region.nodes,
                    "first": numbers[region.kernels[0]],
                    "last": numbers[region.kernels[-1]],
                }
                for region in float_regions(program)
            ],
            "boxes": boxes,
            "arena": (program.arena_words or 0) * 4,
            "bound": (program.lower_bound_words or 0) * 4,
            "excess": program.arena_excess,
            "macs": sum(kernel.macs for kernel in program.kernels),
        },
    )


def _target(store: Store) -> str:
    """Where a store goes, and by what."""
    if isinstance(store, WordStore):
        return f"output {store.output!r}"
    if isinstance(store, OutputStore):
        return f"{f'output {store.output!r}' if store.view is None else _place(store.view)} by f32 table"
    return f"{_place(store.view)}{' by table' * (store.table is not None)}"


def _place(view: View) -> str:
    """A buffer with its offset in the arena, and which words of it, where a view says more than how many."""
    offset = "" if view.buffer.offset is None else f"+0x{view.buffer.offset * 4:x}"
    part = "" if view.is_prefix else f" words {view.first}:{view.first + view.words} of {view.pitch}"
    return f"{view.buffer.name}{offset}{part}"
