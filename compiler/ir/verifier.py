"""What a Graph must satisfy between passes: order, names, shapes, and each op's own rules; and what no pass
may change, the interface.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InternalError
from .graph import Graph, Value
from .program import Program


@dataclass(frozen=True)
class Interface:
    """Name, dtype and shape of every input and output, in order, as text."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, stage: Graph | Program) -> Interface:
        """The interface of a graph or program."""
        if isinstance(stage, Program):
            inputs, outputs = list(stage.inputs.items()), list(stage.outputs.items())
        else:
            inputs = [(value.name, value.type) for value in stage.inputs]
            types = (value.type for value in stage.outputs)
            outputs = list(zip(stage.output_names, types, strict=True))
        texts = [[f"{name!r}: {x.dtype}{list(x.shape)}" for name, x in side] for side in (inputs, outputs)]
        return cls(*map(tuple, texts))

    def require(self, stage: Graph | Program, after: str) -> None:
        """Raises InternalError where `stage` has another interface; `after` names the pass that ran last."""
        other = Interface.of(stage)
        for before, now in ((self.inputs, other.inputs), (self.outputs, other.outputs)):
            if before != now:
                raise InternalError(f"{after} left {', '.join(now)} where there was {', '.join(before)}")


def verify(graph: Graph, after: str) -> None:
    """Raises InternalError when `graph` is not well formed; `after` names the pass that ran last."""
    problems: list[str] = []
    scope: set[Value] = set(graph.inputs)
    names = {value.name for value in graph.inputs}
    for op in graph.ops:
        where = f"%{op.result.name} = {op.kind}"
        for value in op.operands:
            if value.data is None and value not in scope:
                problems.append(f"{where} reads %{value.name} before it is made")
        if op.result.name in names:
            problems.append(f"{where}: the name is taken already")
        shape = op.expected_shape()
        if shape is not None and shape != op.result.type.shape:
            problems.append(f"{where} has shape {op.result.type.shape}, its rule gives {shape}")
        problems += [f"{where}: {problem}" for problem in op.problems()]
        scope.add(op.result)
        names.add(op.result.name)
    for value in graph.outputs:
        if value not in scope and value.data is None:
            problems.append(f"output %{value.name} is never made")
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise InternalError(f"the graph is not valid after {after}:\n{lines}")
