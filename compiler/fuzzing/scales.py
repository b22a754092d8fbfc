"""Scales that no quantizer makes: not numbers, of either sign, 0, near the ends of f32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import numpy_helper

from ..reference.facts import PAIR

ODD_NUMBERS = (
    np.nan, np.inf, -np.inf, -0.05, -0.0, 0.0, 1e-45, 3e-39, 1.1754944e-38, 1e-36, 1e-30, 1e-20, 1e20, 1e30,
    3e38,
)  # fmt: skip


@dataclass(frozen=True)
class OddScale:
    """A number in the place of a scale of a model, of `element` alone where there are several."""

    scale: int
    element: int | None
    number: float

    def put_into(self, model: onnx.ModelProto) -> None:
        """Changes the model; any numbers mean some scale of it."""
        tensors = scales_of(model)
        if not tensors:
            return
        tensor = tensors[self.scale % len(tensors)]
        data = numpy_helper.to_array(tensor).copy()
        flat = data.reshape(-1)
        flat[slice(None) if self.element is None else self.element % flat.size] = self.number
        tensor.CopyFrom(numpy_helper.from_array(data, tensor.name))


def scales_of(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The initializers that quantize, dequantize and QLinear nodes read as scales."""
    names: dict[str, None] = {}
    for node in model.graph.node:
        if node.op_type in PAIR:
            names[node.input[1]] = None
        elif node.op_type.startswith("Q"):  # what they read as f32 are scales
            names |= dict.fromkeys(node.input)
    is_float = onnx.TensorProto.FLOAT
    return [t for t in model.graph.initializer if t.name in names and t.data_type == is_float]


ODD_SCALES = st.builds(
    OddScale,
    st.integers(0, 9),
    st.one_of(st.none(), st.integers(0, 9)),
    st.sampled_from(ODD_NUMBERS).map(float),
)
