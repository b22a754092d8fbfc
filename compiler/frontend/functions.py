"""Puts bodies in the place of functions: those that the model holds itself, and ONNX's own definitions of
operators that have no handler, such as Attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import onnx
from onnx import inliner

from ..errors import CompileError
from ..reference.facts import GENERATORS, KEPT, RANDOM, SHAPES
from .structure import messages

DOMAIN = "onnx2wgsl.expanded"
WHOLE = GENERATORS | SHAPES | RANDOM
"""Computed when a model is read, or refused."""
DEPTH = 6
"""Functions inside functions."""


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the bodies of its own functions in place of their calls; itself where it has none.

    Raises CompileError where a call can't be replaced.
    """
    if not model.functions:
        return model
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    calls = [
        (node, function)
        for node in messages(model, onnx.NodeProto)
        if (function := functions.get((node.domain, node.op_type, node.overload))) is not None
    ]
    for node, function in calls:
        _fill_defaults(node, function.attribute_proto)
    _refuse_lost_defaults(calls)
    # A function of another opset is converted, for which types must be known.
    inlined = inliner.inline_local_functions(onnx.shape_inference.infer_shapes(model), convert_version=True)
    if inlined.functions:
        function = inlined.functions[0]
        raise CompileError(
            f"the function {function.domain}.{function.name} can't be inlined: inline the functions when the "
            "model is exported"
        )
    return inlined


def _fill_defaults(node: onnx.NodeProto, defaults: Iterable[onnx.AttributeProto]) -> None:
    """Writes what a call leaves out; the inliner would leave it out of the body."""
    names = {attribute.name for attribute in node.attribute}
    node.attribute.extend(default for default in defaults if default.name not in names)


def _refuse_lost_defaults(calls: Sequence[tuple[onnx.NodeProto, onnx.FunctionProto]]) -> None:
    """Refuses a function that hands on an attribute that a call of it leaves out, to one with a default."""
    for caller, outer in calls:
        names = {attribute.name for attribute in caller.attribute}
        for node, inner in calls:
            defaults = {attribute.name for attribute in inner.attribute_proto}
            lost = [a for a in node.attribute if a.name in defaults and a.ref_attr_name not in {"", *names}]
            if lost and any(node is each for each in messages(outer, onnx.NodeProto)):
                raise CompileError(
                    f"{caller.op_type} {caller.name!r} leaves out the attribute {lost[0].ref_attr_name!r}, "
                    "which its function hands on: give it, or inline the functions when the model is exported"
                )


def expand_functions(model: onnx.ModelProto, is_known: Callable[[onnx.NodeProto], bool]) -> onnx.ModelProto:
    """The model with the bodies of those operators; the same model where there are none, or where
    a body needs an operator that has no handler either.
    """
    source = model
    for _ in range(DEPTH):
        opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
        folded = _of_constants(model.graph)
        strange = [n for n in model.graph.node if n.op_type not in WHOLE and not is_known(n)]
        strange = [n for n in strange if not folded.issuperset(n.output)]
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
    return source


def _of_constants(graph: onnx.GraphProto) -> set[str]:
    """Names of what is computed from constants alone, which onnxruntime's own kernels fold: HannWindow's sums
    in f64, which its definition does not.
    """
    constants = {"", *(tensor.name for tensor in graph.initializer)}
    for node in graph.node:
        has_body = any(attribute.HasField("g") for attribute in node.attribute)
        if constants.issuperset(node.input) and not has_body and node.op_type not in KEPT:
            constants.update(node.output)
    return constants


def _inlined(model: onnx.ModelProto, bodies: dict[int, onnx.FunctionProto], opset: int) -> onnx.ModelProto:
    """The model with some nodes replaced by bodies, each a function of its own."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for number, body in bodies.items():
        node = changed.graph.node[number]
        schema = onnx.defs.get_schema(node.op_type, opset, "")
        defaults = (attribute.default_value for attribute in schema.attributes.values())
        _fill_defaults(node, (default for default in defaults if default.type))
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
    domains = {entry.domain for entry in body.opset_import}
    return body if domains <= {""} else None


def _differs(node: onnx.NodeProto) -> bool:
    """Whether onnxruntime's kernel gives other values than ONNX's definition: Attention's masked
    products, where they are asked for, are the lowest float there and -inf here.
    """
    products = len(node.output) > 3 and bool(node.output[3])
    causal = any(a.name == "is_causal" and a.i for a in node.attribute)
    return node.op_type == "Attention" and products and causal
