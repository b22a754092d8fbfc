"""Draws the inputs that a model is compared on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import CompileError
from ..ir.graph import Graph, Value
from ..ir.types import NUMPY_DTYPES, Array
from .compare import Feed

Ranges = Mapping[str, tuple[float, float]]
"""By the name of an input: the least and the greatest value that is drawn."""


def random_sample(graph: Graph, random: np.random.Generator, ranges: Ranges | None = None) -> Feed:
    """Inputs of an imported graph that reach all levels and saturate, or lie evenly within `ranges`."""
    ranges = ranges or {}
    return {
        value.name: _between(value, *ranges[value.name], random)
        if value.name in ranges
        else _drawn(graph, value, random)
        for value in graph.inputs
    }


def check_ranges(graph: Graph, ranges: Ranges) -> None:
    """Raises CompileError where a range is of no input, or its dtype has no value within it."""
    types = {value.name: value.type for value in graph.inputs}
    for name, (low, high) in ranges.items():
        if name not in types:
            raise CompileError(f"--range {name}: the inputs are {', '.join(types)}")
        dtype = np.dtype(NUMPY_DTYPES[types[name].dtype])
        least, most = _limits(dtype)
        whole = dtype.kind == "f" or np.ceil(low) <= np.floor(high)
        if not (least <= low <= high <= most and whole):
            raise CompileError(
                f"--range {name}: input {name} is {dtype}; {low:g} to {high:g} is no range of its values, "
                f"which are {least:g} to {most:g}"
            )


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The least and the greatest value of a dtype that a program holds."""
    if dtype == np.bool_:
        return 0, 1
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    info = np.iinfo(np.int32 if dtype == np.int64 else dtype)
    return info.min, info.max


def _between(value: Value, low: float, high: float, random: np.random.Generator) -> Array:
    """Values of a range, its ends among them."""
    shape, dtype = value.type.shape, np.dtype(NUMPY_DTYPES[value.type.dtype])
    if dtype.kind == "f":
        return np.asarray(random.uniform(low, high, shape), dtype)
    return np.asarray(random.integers(int(np.ceil(low)), int(np.floor(high)) + 1, shape), dtype)


def _drawn(graph: Graph, value: Value, random: np.random.Generator) -> Array:
    """All bytes, as other integers too; both booleans; as floats noise of a random spread around a
    random level. An integer that is called a mask is 0 or 1.
    """
    shape, dtype = value.type.shape, NUMPY_DTYPES[value.type.dtype]
    if value.type.is_byte:
        return np.asarray(random.integers(0, 256, shape), np.uint8).view(dtype)
    if dtype != np.float32:
        is_flag = dtype == np.bool_ or "mask" in value.name.lower()
        return np.asarray(random.integers(0, 2 if is_flag else 256, shape), dtype)
    low, high = _real_range(graph, value)
    centre, spread = random.uniform(low, high), (high - low) * random.uniform(0.1, 1.2)
    return np.asarray(centre + random.uniform(-spread, spread, shape), np.float32)


def _real_range(graph: Graph, value: Value) -> tuple[float, float]:
    """The real values that the quantization of a float input covers."""
    for op in graph.users().get(value, []):
        quantization = op.result.type.quantization
        if quantization is not None:
            low, high = op.result.type.limits
            ends = (low - quantization.zero_point, high - quantization.zero_point)
            return ends[0] * quantization.scale, ends[1] * quantization.scale
    return -1.0, 1.0
