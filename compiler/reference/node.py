"""What a single float ONNX node computes: defined by running it in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import onnx
import onnxruntime as ort

from ..errors import told_as
from ..ir.graph import Value
from ..ir.types import Array
from .facts import domain_and_type
from .session import open_session, quiet_options

THREADS = 1
"""Results must not depend on how many cores there are."""
ELEMENTWISE_OPSET = 13
"""The least opset of expressions: since then elementwise operators have their operands as now."""


class OnnxNode(Protocol):
    """What this file knows of an op that stands for one ONNX node."""

    result: Value
    xs: tuple[Value, ...]
    op_type: str
    attributes: dict[str, Any]


def run_node(op_type: str, attributes: dict[str, Any], xs: Sequence[Array], opset: int) -> Array:
    """The first output of the node; an operand without elements is absent.

    `op_type`: an operator of ONNX, or of another domain as "com.microsoft.QLinearSigmoid".
    """
    names = ["" if x.size == 0 else f"x{number}" for number, x in enumerate(xs)]
    # Absent at the end means left out: an older opset may not know those operands at all.
    while names and not names[-1]:
        names.pop()
    domain, op_type = domain_and_type(op_type)
    node = onnx.helper.make_node(op_type, names, ["y"], domain=domain, **attributes)
    if op_type == "Clip":
        opset = max(opset, 11)  # bounds are operands, as the importer makes them of attributes
    kinds = tuple((x.dtype.str, x.shape) for x in xs)
    # shape operands (i64) are constants, as in the models they come from
    shape_operands = tuple(
        (name, x.tobytes()) for name, x in zip(names, xs, strict=False) if x.dtype == np.int64
    )
    session = _session(node.SerializeToString(), kinds, shape_operands, opset)
    # ascontiguousarray makes a vector of a scalar, hence the reshape.
    feed = {
        name: np.ascontiguousarray(x).reshape(x.shape)
        for name, x in zip(names, xs, strict=False)
        if name and x.dtype != np.int64
    }
    with told_as(f"onnxruntime can't run {op_type}"):
        (result,) = session.run(["y"], feed)
    return np.asarray(result)


# A session takes longer to make than to run, and random models repeat their nodes.
@lru_cache(maxsize=256)
def _session(
    node: bytes,
    kinds: tuple[tuple[str, tuple[int, ...]], ...],
    shape_operands: tuple[tuple[str, bytes], ...],
    opset: int,
) -> ort.InferenceSession:
    proto = onnx.NodeProto.FromString(node)
    constants = dict(shape_operands)
    inputs, initializers = [], []
    for name, (dtype, shape) in zip(proto.input, kinds, strict=False):
        if name in constants:
            array = np.frombuffer(constants[name], np.dtype(dtype)).reshape(shape)
            initializers.append(onnx.numpy_helper.from_array(array, name))
        elif name:
            kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            inputs.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    graph = onnx.helper.make_graph([proto], "node", inputs, [onnx.ValueInfoProto(name="y")], initializers)
    imports = [onnx.helper.make_opsetid("", opset)]
    if proto.domain:
        imports.append(onnx.helper.make_opsetid(proto.domain, 1))
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=8)
    return _open(model, proto.op_type)


def _open(model: onnx.ModelProto, what: str) -> ort.InferenceSession:
    options = quiet_options()
    options.intra_op_num_threads = THREADS
    with told_as(f"onnxruntime can't run {what}"):
        return open_session(model, options)


def run_expression(
    ops: Sequence[OnnxNode], outputs: Sequence[Value], inputs: Mapping[Value, Array], opset: int
) -> Array:
    """The first of `outputs` of elementwise ops run as one graph, f32 in the shape of the arrays
    `inputs`; constants that are not among them are single numbers.
    """
    names: dict[Value, str] = {value: f"x{number}" for number, value in enumerate(inputs)}
    constants, nodes, domains = [], [], {"": max(opset, ELEMENTWISE_OPSET)}
    for number, op in enumerate(ops):
        for x in op.xs:
            if x not in names:
                names[x] = f"c{len(names)}"
                # A constant of shape [1] would give scalars an axis.
                scalar = x.array.astype(np.float32).reshape(())
                constants.append(onnx.numpy_helper.from_array(scalar, names[x]))
        names[op.result] = f"t{number}"
        domain, plain = domain_and_type(op.op_type)
        domains.setdefault(domain, 1)
        nodes.append(
            onnx.helper.make_node(
                plain, [names[x] for x in op.xs], [f"t{number}"], domain=domain, **op.attributes
            )
        )
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "expression",
        [
            onnx.helper.make_tensor_value_info(names[value], kind, array.shape)
            for value, array in inputs.items()
        ],
        [onnx.ValueInfoProto(name=names[value]) for value in outputs],
        constants,
    )
    imports = [onnx.helper.make_opsetid(*entry) for entry in domains.items()]
    session = _open(onnx.helper.make_model(graph, opset_imports=imports, ir_version=8), "expression")
    feed = {names[value]: np.ascontiguousarray(array).reshape(array.shape) for value, array in inputs.items()}
    (result,) = session.run([names[outputs[0]]], feed)
    return np.asarray(result)
