"""Makes a model's sparse constants dense, as onnxruntime does when it loads them."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import numpy_helper

from ..arithmetic.array import Array
from ..budgets import ELEMENTS, require_within
from ..errors import CompileError
from .structure import messages


def make_dense(model: onnx.ModelProto) -> None:
    """Puts a dense tensor in the place of every sparse one.

    Raises CompileError where its indices reach outside its shape.
    """
    for graph in messages(model, onnx.GraphProto):
        graph.initializer.extend(_dense(sparse, sparse.values.name) for sparse in graph.sparse_initializer)
        del graph.sparse_initializer[:]
    for node in messages(model, onnx.NodeProto):
        for attribute in node.attribute:
            if attribute.HasField("sparse_tensor") and node.output:
                tensor = _dense(attribute.sparse_tensor, node.output[0])
                attribute.CopyFrom(onnx.helper.make_attribute("value", tensor))


def _dense(sparse: onnx.SparseTensorProto, name: str) -> onnx.TensorProto:
    what = f"the sparse constant {name!r}"
    if not (sparse.HasField("values") and sparse.HasField("indices")):
        raise CompileError(f"{what} has no values or no indices: export it again, with dense constants")
    if min(sparse.dims, default=1) < 1:
        raise CompileError(f"{what} has shape {list(sparse.dims)}; sizes must be at least 1: export it again")
    size = math.prod(sparse.dims)
    require_within(what, size, ELEMENTS, "elements")
    values, indices = (numpy_helper.to_array(tensor) for tensor in (sparse.values, sparse.indices))
    if indices.ndim == 2 and indices.shape[1] == len(sparse.dims):
        indices = _flat(indices, np.array(sparse.dims))
    if indices.shape != values.shape or (indices.size and not 0 <= indices.min() <= indices.max() < size):
        raise CompileError(
            f"{what} has {values.size} values, and indices that do not fit them or its shape "
            f"{list(sparse.dims)}: export it again, with dense constants"
        )
    dense = np.zeros(size, values.dtype)
    dense[indices] = values
    return numpy_helper.from_array(dense.reshape(sparse.dims), name)


def _flat(indices: Array, dims: Array) -> Array:
    """One index for each element, row-major; -1 for those outside."""
    inside = ((indices >= 0) & (indices < dims)).all(1)
    strides = np.append(np.cumprod(dims[:0:-1])[::-1], 1)
    return np.where(inside, indices @ strides, -1)
