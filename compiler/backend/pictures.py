"""Inputs and outputs that may be pictures: how RGBA bytes become values, and values bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic import dequantize_linear
from ..ir.program import OutputStore, Program
from ..ir.types import Array, TensorType
from ..lowering.shader import Json
from ..operators.quantize import QuantizeKernel


@dataclass(frozen=True)
class Picture:
    """A graph input given as RGBA bytes: value = byte * scale + offset, in f64, rounded to f32.

    `fit`: how a picture of other proportions meets the input (cover, contain, stretch); `pad`: the red,
    green and blue that lie beside it.
    """

    scale: float
    offset: float
    fit: str = "cover"
    pad: tuple[int, int, int] = (0, 0, 0)

    def values(self) -> Array:
        """The f32 of each byte."""
        return (np.arange(256, dtype=np.float64) * self.scale + self.offset).astype(np.float32)


RANGES = {(-1.0, 1.0): Picture(1 / 127.5, -1.0), (0.0, 1.0): Picture(1 / 255, 0.0)}
"""Normalisations of pictures by the range of real values they are stored for."""
RAW_BYTES = Picture(1.0, 0.0)


def picture_inputs(program: Program) -> dict[str, Picture]:
    """The normalisation of every float input [1, 1|3|4, H, W], by the range that its quantization
    covers.
    """
    pictures = {}
    for name, type_ in program.inputs.items():
        readers = [k for k in program.kernels if isinstance(k, QuantizeKernel) and k.input == name]
        if len(readers) == 1 and type_.dtype == "f32" and _is_picture(type_):
            low, high = stored_range(readers[0].scale, readers[0].zero_point)
            pictures[name] = _nearest_range(low, high)
    return pictures


def picture_output(program: Program, name: str) -> Json:
    """How a float output becomes bytes: the inverse of the normalisation that its table's values
    suggest.
    """
    if program.outputs[name].dtype != "f32" or not _is_picture(program.outputs[name]):
        return {}
    tables = [
        store.table
        for kernel in program.kernels
        for store in kernel.stores
        if isinstance(store, OutputStore) and store.output == name
    ]
    if not tables:  # computed in float: nothing says what its values mean
        return {}
    values = np.concatenate(tables)
    picture = _nearest_range(float(values.min()), float(values.max()))
    return {"image": {"scale": round(1 / picture.scale, 6), "offset": -picture.offset / picture.scale}}


def stored_range(scale: float, zero_point: int) -> tuple[float, float]:
    """The real values that the least and the greatest packed byte stand for."""
    ends = dequantize_linear(np.array([-128, 127]), scale, zero_point)
    return float(ends[0]), float(ends[1])


def _is_picture(type_: TensorType) -> bool:
    return len(type_.shape) == 4 and type_.shape[0] == 1 and type_.shape[1] in (1, 3, 4)


def _nearest_range(low: float, high: float) -> Picture:
    """The convention whose range is meant: 0..255, 0..1 or -1..1."""
    if high > 8:
        return RAW_BYTES
    return RANGES[(-1.0, 1.0) if low < -0.25 * high else (0.0, 1.0)]
