"""Reads an ONNX file into a Graph of stage 1.

What is accepted: the opsets that ONNX Runtime takes from 10 on, initializers and Constant nodes,
external data inside the model's own folder, dynamic dimensions given by `shapes` (a symbolic batch
dimension is 1 unless given). Shape arithmetic on constants, as torch.onnx.export leaves around
Resize, is folded by onnx-graphsurgeon, and what that leaves (shapes behind operators that ONNX's
inference does not know) while importing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from ..errors import CompileError
from ..ir.graph import Graph
from .functions import expand_functions
from .handlers import handler_of, has_handler
from .importer import Importer
from .layout import settle_by_layout
from .model_file import Shapes, fix_shapes, load_model
from .shapes import fold_shape_arithmetic


def import_model(path: Path, shapes: Shapes | None = None) -> Graph:
    """The model in `path` as a Graph.

    Raises CompileError where it can't be read, PartialImportError where nodes of it are not taken.
    """
    model = load_model(path)
    fix_shapes(model, shapes or {}, path)
    _forget_shapes(model)
    graph = Importer(_folded(model, path.stem), path.stem, handler_of).graph()
    # In the end, since the optimizer's choice depends on the whole model.
    settle_by_layout(graph.ops, model)
    return graph


def _forget_shapes(model: onnx.ModelProto) -> None:
    """Takes out the shapes of computed tensors, which may be symbolic; they are inferred anew."""
    for value in (*model.graph.value_info, *model.graph.output):
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")


def _folded(model: onnx.ModelProto, name: str) -> Any:
    """The graphsurgeon graph of nodes that have a handler, without shape arithmetic."""
    try:
        return fold_shape_arithmetic(expand_functions(model, has_handler))
    except Exception as error:
        raise CompileError(f"{name}: the graph is not valid ONNX: {error}") from error
