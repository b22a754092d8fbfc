"""Integer convolution."""

from __future__ import annotations

import numpy as np

from .array import Array
from .quantization import wrap_i32


def convolve(
    x: Array,
    weight: Array,
    strides: tuple[int, int],
    dilations: tuple[int, int],
    group: int = 1,
) -> Array:
    """Sum of products in int32 that wraps: x i32 [N,C,H,W] (padded already), weight i32
    [O,C/group,KH,KW].
    """
    batch, _, height, width = x.shape
    out_channels, group_channels, kernel_h, kernel_w = weight.shape
    out_h = (height - (kernel_h - 1) * dilations[0] - 1) // strides[0] + 1
    out_w = (width - (kernel_w - 1) * dilations[1] - 1) // strides[1] + 1
    grouped = x.reshape(batch, group, group_channels, height, width)
    kernels = weight.reshape(group, out_channels // group, group_channels, kernel_h, kernel_w)
    total = np.zeros((batch, group, out_channels // group, out_h, out_w), np.float64)
    for ky in range(kernel_h):
        for kx in range(kernel_w):
            top, left = ky * dilations[0], kx * dilations[1]
            window = grouped[
                ...,
                top : top + (out_h - 1) * strides[0] + 1 : strides[0],
                left : left + (out_w - 1) * strides[1] + 1 : strides[1],
            ]
            # f64 holds sums of int8 products exactly up to 2^53, and BLAS is far faster than
            # integers.
            total += np.einsum(
                "goc,ngchw->ngohw",
                kernels[..., ky, kx].astype(np.float64),
                window.astype(np.float64),
                optimize=True,
            )
    return wrap_i32(total.reshape(batch, out_channels, out_h, out_w).astype(np.int64))
