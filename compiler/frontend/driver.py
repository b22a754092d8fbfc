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
import onnx_graphsurgeon as gs

from ..errors import CompileError, words_of
from ..ir.graph import Graph
from .acceptance import refusal_at_run, refusal_of_reference, told_by_reference
from .functions import expand_functions, inline_functions
from .handlers import handler_of, has_handler
from .importer import Importer
from .input_shapes import Shapes, fix_shapes, model_inputs
from .layout import settle_by_layout
from .model_file import load_model
from .shapes import fold_shape_arithmetic


def import_model(path: Path, shapes: Shapes | None = None) -> Graph:
    """The model in `path` as a Graph.

    Raises CompileError where it can't be read or onnxruntime refuses it, PartialImportError where nodes of it
    are not taken.
    """
    model = _opened(path, shapes)
    refusal = refusal_of_reference(model, str(path))
    if refusal is not None and not refusal.of_operators:
        raise refusal
    model, source = _folded(model, path)
    graph = Importer(source, path.stem, handler_of).graph()
    if any(node.op_type == "If" for node in model.graph.node):
        model = gs.export_onnx(source)  # with the nodes of branches
    if refusal is not None:  # of an operator, which the import would rather have named with all others
        raise refusal
    # In the end, since the optimizer's choice depends on the whole model.
    with told_by_reference(str(path)):
        settle_by_layout(graph.ops, model)
    return graph


def require_runs(path: Path, shapes: Shapes | None = None) -> None:
    """Raises CompileError where onnxruntime can't run the model, on zeros."""
    refusal = refusal_at_run(_opened(path, shapes), str(path))
    if refusal is not None:
        raise refusal


def _opened(path: Path, shapes: Shapes | None) -> onnx.ModelProto:
    """The model with static inputs, whatever shapes are written for what it computes."""
    model = load_model(path)
    fix_shapes(model, shapes or {}, path)
    _forget_shapes(model)
    return model


def _forget_shapes(model: onnx.ModelProto) -> None:
    """Takes out the shapes of computed tensors, which may be symbolic; they are inferred anew."""
    inputs = {value.name for value in model_inputs(model)}  # some exporters repeat them
    computed = [value for value in (*model.graph.value_info, *model.graph.output) if value.name not in inputs]
    for value in computed:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")


def _folded(model: onnx.ModelProto, path: Path) -> tuple[onnx.ModelProto, Any]:
    """The model without functions, and the graphsurgeon graph of its nodes without shape arithmetic."""
    try:
        model = inline_functions(model)
        return model, fold_shape_arithmetic(expand_functions(model, has_handler))
    except CompileError as error:
        raise CompileError(f"{path}: {error}") from error
    except Exception as error:  # those of onnx and onnx-graphsurgeon share no base class
        raise CompileError(
            f"{path}: the graph is not valid ONNX: {words_of(error)}\n  export the model again"
        ) from error
