"""Evaluates chains of unary float ops.

The one place where the meaning of the IR is not a formula: what ONNX Runtime's Tanh or Sigmoid
gives for an f32 is defined by running it. A chain runs over all its input values in one array,
once.
"""

import numpy as np
import onnx

from .ir import Array, Elementwise
from .oracle import run_unary_chain


def run_chain(chain: list[Elementwise], x: Array, opset: int) -> Array:
    """f32 results of `chain`, first op first, on an f32 array of at most 256 different values, in
    its shape.
    """
    if not chain:
        return x
    constants: dict[str, Array] = {}
    nodes = []
    for number, op in enumerate(chain):
        names = []
        for value in op.xs:
            if value.data is None:
                names.append(f"t{number}")
            else:
                names.append(f"c{len(constants)}")
                constants[names[-1]] = value.array.reshape(()).astype(np.float32)
        nodes.append(onnx.helper.make_node(op.op, names, [f"t{number + 1}"], **op.attributes))
    bits, index = np.unique(np.ascontiguousarray(x, np.float32).view(np.int32), return_inverse=True)
    values = np.resize(bits, 256).view(np.float32)
    assert len(bits) <= 256, "a chain works on the values of one byte"
    result = run_unary_chain(nodes, constants, values, opset, "t0", f"t{len(chain)}")
    return np.asarray(result, np.float32)[index].reshape(x.shape)
