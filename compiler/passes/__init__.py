"""The passes: one file each, listed in order by `pipeline.py`.

A pass is a frozen dataclass whose fields are its options. `apply` changes a Graph (or Program) in
place and returns whether it changed anything. The docstring of each file numbers its rules and its
refusals.
"""

from typing import ClassVar, Protocol

from ..ir.graph import Graph


class GraphPass(Protocol):
    """A pass from Graph to Graph."""

    name: ClassVar[str]

    def apply(self, graph: Graph) -> bool:
        """Rewrites `graph` in place; returns whether anything changed."""
        ...
