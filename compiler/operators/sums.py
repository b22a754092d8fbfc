"""What becomes of the int32 sums of a convolution or a matrix product."""

from __future__ import annotations

from ..arithmetic import F32, requantize
from ..ir.types import NUMPY_DTYPES, Array, TensorType

ELEMENTS = {"u8": "bytes", "s8": "bytes", "f32": "floats", "i32": "integers"}
"""What a kernel's elements are by the result's dtype: "bytes" by requantization, "floats" (sum times
multiplier) or "integers" (the sums), the last two row-major."""


def result_of_sums(sums: Array, multiplier: Array, type_: TensorType) -> Array:
    """The result of sums i32 as its type says; `multiplier` f32 broadcasts against them."""
    if type_.dtype == "i32":
        return sums
    if type_.dtype == "f32":
        return sums.astype(F32) * multiplier
    assert type_.quantization is not None
    levels = requantize(sums, multiplier, type_.quantization.zero_point, type_.limits)
    return levels.astype(NUMPY_DTYPES[type_.dtype])
