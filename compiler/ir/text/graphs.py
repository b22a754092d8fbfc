"""A Graph as text, and the text as a Graph."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..graph import Graph, Op, Stage, Value
from ..types import Array
from .names import Namer, Names
from .parser import Parser
from .printer import Printer, title
from .things import mentions


def format_graph(graph: Graph, namer: Namer | None = None) -> str:
    """The whole graph as text; `namer` where it is one of several texts of a compilation."""
    names = Names(mentions(graph), namer)
    printer = Printer(names, (value for value, _ in mentions(graph) if isinstance(value, Value)))
    inputs = ", ".join(printer.declaration(value) for value in graph.inputs)
    pairs = zip(graph.output_names, graph.outputs, strict=True)
    outputs = ", ".join(f"{json.dumps(name)}: {names[value]}" for name, value in pairs)
    about = f"opset {graph.opset} stage {graph.stage}"
    head = f"graph {title(graph.name)} ({inputs}) -> ({outputs}) {about} {{"
    lines = [*printer.constants(), *map(printer.op, graph.ops)]
    return "\n".join([head, *(f"  {line}" for line in lines), "}", ""])


def parse_graph(text: str, constants: Mapping[str, Array] | None = None, namer: Namer | None = None) -> Graph:
    """The graph that `text` prints, of ops whose classes are loaded.

    `constants`: the data of `external` ones by digest (`external_data`). `namer` learns what the text
    calls everything, and so prints it in the same words.
    """
    return _GraphParser(text, constants, namer).graph()


class _GraphParser(Parser):
    def graph(self) -> Graph:
        self.expect("graph")
        name = self.name()[1:]
        inputs = self.bracketed("(", ")", self.declaration)
        self.expect("->")
        outputs = self.bracketed("(", ")", self._output)
        self.expect("opset")
        opset = self.integer()
        stage = self._stage() if self.accept("stage") else Stage.IMPORTED
        ops = [op for op in self.bracketed("{", "}", self._statement) if op is not None]
        self.end()
        missing = [identifier for _, identifier in outputs if identifier not in self.known]
        if missing:
            raise self.refuse(f"output {missing[0]} is never made")
        results = [self.known[identifier] for _, identifier in outputs]
        return Graph(name, inputs, results, [name for name, _ in outputs], ops, opset, stage)

    def _output(self) -> tuple[str, str]:
        name = self.string()
        self.expect(":")
        return name, self.name()

    def _stage(self) -> Stage:
        word = self.take("word")
        if word not in list(Stage):
            raise self.refuse(f"{word!r} is no stage; they are {', '.join(Stage)}")
        return Stage(word)

    def _statement(self) -> Op | None:
        """An op, or a constant, which is only declared."""
        if self.peek().startswith("@"):
            self.constant()
            return None
        result = self.declaration()
        self.expect("=")
        return self.operation(result)
