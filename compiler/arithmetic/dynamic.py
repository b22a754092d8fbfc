"""What DynamicQuantizeLinear quantizes by."""

from __future__ import annotations

import numpy as np

from .array import Array
from .quantization import F32


def dynamic_parameters(x: Array) -> tuple[np.float32, int]:
    """Scale and u8 zero point of f32 values.

    mn = min(0, min x), mx = max(0, max x); s = RN(RN(mx - mn) / 255), or 1 if mx = mn;
    z = rne(clamp(RN(0 - RN(mn / s)), 0, 255)).
    """
    # 0 is always within the range, so that it has a level of its own.
    lowest = F32(np.minimum(x.min(initial=0.0), 0.0))
    highest = F32(np.maximum(x.max(initial=0.0), 0.0))
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        scale = F32(1) if highest == lowest else F32((highest - lowest) / F32(255))
        zero_point = F32(0) - lowest / scale
    return scale, int(np.rint(np.clip(zero_point, 0, 255)))
