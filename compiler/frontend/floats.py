"""How an operator that stays as it is becomes an op of the Graph: its result's type is what ONNX Runtime
makes of samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import CompileError
from ..ir.graph import Value
from ..ir.types import DTYPE_NAMES, NUMPY_DTYPES, Array, TensorType
from ..operators.float.expressions import MAP_OPS
from ..operators.lookup import Lookup
from ..operators.onnx_op import FloatOp
from ..reference.node import run_node
from .importer import ABSENT, Importer
from .nodes import NodeRefusal, operator_name, plain_attributes


def float_op(imp: Importer, node: Any) -> None:
    """Any operator that stays as it is; an elementwise one on single bytes becomes a table."""
    if _by_bytes(imp, node):
        return
    xs = tuple(
        imp.operand(node, index) or Value.constant(f"{node.outputs[0].name}.{index}", ABSENT)
        for index in range(len(node.inputs))
    )
    # Constants as they are: the shape of a result may depend on them.
    zeros = [
        x.array if x.data is not None else np.zeros(x.type.shape, NUMPY_DTYPES[x.type.dtype]) for x in xs
    ]
    if len([output for output in node.outputs if not output.is_empty() and output.outputs]) > 1:
        raise NodeRefusal("more than one of its outputs is used; one is taken")
    result = _result_of(imp, node, zeros)
    if result.dtype not in DTYPE_NAMES:
        raise NodeRefusal(f"its result is {result.dtype}")
    type_ = TensorType(DTYPE_NAMES[result.dtype], result.shape)
    name = operator_name(node)
    imp.emit(node, FloatOp, type_, xs=xs, op_type=name, attributes=plain_attributes(node))


def _by_bytes(imp: Importer, node: Any) -> bool:
    """Emits the table of an elementwise node on one computed tensor of bytes and single numbers, where it is
    one: integers depend on nothing but their operands, and so do floats that are cast bytes.
    """
    operands = [imp.operand(node, index) for index in range(len(node.inputs))]
    xs = [x for x in operands if x is not None]
    computed = [x for x in xs if x.data is None]
    if operator_name(node) not in MAP_OPS or len(computed) != 1 or not computed[0].type.is_byte:
        return False
    (x,) = computed
    shape = np.broadcast_shapes(*(one.type.shape for one in xs))
    if shape != x.type.shape or any(one.type.size != 1 for one in xs if one is not x):
        return False
    levels = np.arange(256, dtype=np.uint8).view(NUMPY_DTYPES[x.type.dtype])
    arrays = [ABSENT if one is None else levels if one is x else one.array.reshape(()) for one in operands]
    table = _result_of(imp, node, arrays)
    if table.dtype not in DTYPE_NAMES:
        raise NodeRefusal(f"its result is {table.dtype}")
    dtype = DTYPE_NAMES[table.dtype]
    quantization = x.type.quantization if dtype == x.type.dtype else None
    constant = Value.constant(f"{node.outputs[0].name}.table", table)
    imp.emit(node, Lookup, TensorType(dtype, shape, quantization), x=x, table=constant)
    return True


def _result_of(imp: Importer, node: Any, xs: list[Array]) -> Array:
    """What a node makes of sample operands; of ones, where it refuses those (a division by 0)."""
    try:
        return run_node(operator_name(node), plain_attributes(node), xs, imp.source.opset)
    except CompileError as error:
        try:
            ones = [np.ones_like(x) if not x.any() else x for x in xs]
            return run_node(operator_name(node), plain_attributes(node), ones, imp.source.opset)
        except CompileError:
            raise NodeRefusal(str(error)) from error
