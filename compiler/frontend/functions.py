"""Puts ONNX's own definition in the place of operators that have no handler: those that are
functions of other operators, such as Attention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
from onnx import inliner

from ..reference.facts import GENERATORS, SHAPES

DOMAIN = "onnx2wgsl.expanded"
FOLDED = GENERATORS | SHAPES
"""Computed when a model is read."""
DEPTH = 6
"""Functions inside functions."""


def expand_functions(model: onnx.ModelProto, is_known: Callable[[onnx.NodeProto], bool]) -> onnx.ModelProto:
    """The model with the bodies of those operators; the same model where there are none, or where
    a body needs an operator that has no handler either.
    """
    given = model
    for _ in range(DEPTH):
        opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
        strange = [n for n in model.graph.node if n.op_type not in FOLDED and not is_known(n)]
        types = _types(model) if strange else {}
        bodies = {
            number: body
            for number, node in enumerate(model.graph.node)
            if any(node is other for other in strange) and (body := _body(node, opset, types)) is not None
        }
        if not strange:
            return model
        if not bodies:
            break
        try:
            model = _inlined(model, bodies, opset)
            onnx.checker.check_model(onnx.shape_inference.infer_shapes(model))
        except Exception:  # a body of another opset than the model's; its errors share no class
            break
    return given


def _inlined(model: onnx.ModelProto, bodies: dict[int, onnx.FunctionProto], opset: int) -> onnx.ModelProto:
    """The model with some nodes replaced by bodies, each a function of its own."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for number, body in bodies.items():
        node = changed.graph.node[number]
        body.name, body.domain = f"{node.op_type}_{number}", DOMAIN
        # Inlined nodes are read in the model's opset; a body that means another fails the check.
        for entry in body.opset_import:
            entry.version = opset
        node.op_type, node.domain = body.name, DOMAIN
        changed.functions.append(body)
    changed.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
    return inliner.inline_local_functions(changed)


def _types(model: onnx.ModelProto) -> dict[str, onnx.TypeProto]:
    """Types of tensors by name, as far as they can be inferred."""
    inferred = onnx.shape_inference.infer_shapes(model)
    graph = inferred.graph
    types = {v.name: v.type for v in (*graph.input, *graph.value_info, *graph.output)}
    for tensor in graph.initializer:
        types[tensor.name] = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    return types


def _body(node: onnx.NodeProto, opset: int, types: dict[str, onnx.TypeProto]) -> onnx.FunctionProto | None:
    """The definition of an operator in terms of others, for operands of these types."""
    if node.domain not in ("", "ai.onnx") or _differs(node):
        return None
    try:
        schema: Any = onnx.defs.get_schema(node.op_type, opset, "")  # its stubs lack functions
    except onnx.defs.SchemaError:
        return None
    body = onnx.FunctionProto()
    if schema.has_function:
        body.CopyFrom(schema.function_body)
    elif schema.has_context_dependent_function:
        versions = [v for v in schema.context_dependent_function_opset_versions if v <= opset]
        operands = [types.get(name, onnx.TypeProto()) for name in node.input]
        if not versions:
            return None
        # The newest definition that the model's opset may use.
        text = schema.get_context_dependent_function_with_opset_version(
            max(versions), node.SerializeToString(), [t.SerializeToString() for t in operands]
        )
        body.ParseFromString(text)
    else:
        return None
    used = {entry.domain for entry in body.opset_import}
    return body if used <= {""} else None


def _differs(node: onnx.NodeProto) -> bool:
    """Whether onnxruntime's kernel gives other values than ONNX's definition: Attention's masked
    products, where they are asked for, are the lowest float there and -inf here.
    """
    products = len(node.output) > 3 and bool(node.output[3])
    causal = any(a.name == "is_causal" and a.i for a in node.attribute)
    return node.op_type == "Attention" and products and causal
