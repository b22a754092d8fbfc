"""Text of either IR, for what takes a stage of a compilation as it comes."""

from __future__ import annotations

from collections.abc import Mapping

from ..graph import Graph
from ..program import Program
from ..types import Array
from .graphs import format_graph, parse_graph
from .names import Namer
from .programs import format_program, parse_program


def format_ir(stage: Graph | Program, namer: Namer | None = None) -> str:
    """The text of a graph or program."""
    return format_graph(stage, namer) if isinstance(stage, Graph) else format_program(stage, namer)


def parse_ir(
    text: str, constants: Mapping[str, Array] | None = None, namer: Namer | None = None
) -> Graph | Program:
    """What the text begins to be, a graph or a program."""
    is_program = text.lstrip().startswith("program")
    return (parse_program if is_program else parse_graph)(text, constants, namer)
