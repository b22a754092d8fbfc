"""Draws the inputs that a model is compared on."""

from __future__ import annotations

import numpy as np

from ..ir.graph import Graph, Value
from ..ir.types import NUMPY_DTYPES, Array
from .compare import Feed


def random_sample(graph: Graph, random: np.random.Generator) -> Feed:
    """Inputs of an imported graph that reach all levels and saturate."""
    return {value.name: _drawn(graph, value, random) for value in graph.inputs}


def _drawn(graph: Graph, value: Value, random: np.random.Generator) -> Array:
    """All bytes, as other integers too; both booleans; as floats noise of a random spread around a
    random level.
    """
    shape, dtype = value.type.shape, NUMPY_DTYPES[value.type.dtype]
    if value.type.is_byte:
        return random.integers(0, 256, shape).astype(np.uint8).view(dtype)
    if dtype != np.float32:
        return random.integers(0, 2 if dtype == np.bool_ else 256, shape).astype(dtype)
    low, high = _real_range(graph, value)
    centre, spread = random.uniform(low, high), (high - low) * random.uniform(0.1, 1.2)
    noise: Array = centre + random.uniform(-spread, spread, shape)
    return noise.astype(np.float32)


def _real_range(graph: Graph, value: Value) -> tuple[float, float]:
    """The real values that the quantization of a float input covers."""
    for op in graph.users().get(value, []):
        quantization = op.result.type.quantization
        if quantization is not None:
            low, high = op.result.type.limits
            ends = (low - quantization.zero_point, high - quantization.zero_point)
            return ends[0] * quantization.scale, ends[1] * quantization.scale
    return -1.0, 1.0
