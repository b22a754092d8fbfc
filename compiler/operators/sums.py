"""What becomes of the int32 sums of a convolution or a matrix product."""

from __future__ import annotations

import numpy as np

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


LEAST_OF_FLOATS, LIMIT = 2.0**-126, 2.0**96
"""Between these a product with any int32 but 0 is a normal f32: no device may flush it, none overflows."""


def refusal_of_multiplier(multiplier: Array, type_: TensorType) -> str | None:
    """Why sums can't be made a result of that type by a multiplier f32; None where they can.

    For bytes it may be 0 or tiny, since what devices flush is 0 anyway.
    """
    if type_.dtype == "i32":
        return None
    least = LEAST_OF_FLOATS if type_.dtype == "f32" else 0.0
    size = np.abs(multiplier) if type_.dtype == "f32" else np.where(np.signbit(multiplier), -1, multiplier)
    wrong = multiplier[~((size >= least) & (size < LIMIT))]
    if not wrong.size:
        return None
    return (
        f"its scales multiply sums by {wrong.flat[0]}; {least:.3g} to {LIMIT:.3g} is taken: "
        "check the scales of its operands and result"
    )
