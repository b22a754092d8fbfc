"""What a comparison needs of a compilation: the program, and the packed graph it was made of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx

from ..frontend.input_shapes import Shapes
from ..ir.graph import Graph
from ..ir.program import Program
from ..pipeline import Observer, compile_graph, compile_model


@dataclass(frozen=True)
class Compiled:
    """A program, and what `compile_graph` left of its graph: packed, whose tensors can be seen."""

    program: Program
    packed: Graph

    @classmethod
    def of(cls, imported: Graph) -> Compiled:
        """An imported graph, which is rewritten in place."""
        return cls(compile_graph(imported), imported)


def compile_in_memory(
    model: onnx.ModelProto, observe: Observer | None = None, shapes: Shapes | None = None
) -> Program:
    """The program of a model that is not in a file."""
    with saved(model) as path:
        return compile_model(path, shapes, observe)


@contextmanager
def saved(model: onnx.ModelProto) -> Iterator[Path]:
    """A file with the model, while it is needed."""
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
        path = Path(folder) / "net.onnx"
        onnx.save(model, path)
        yield path
