"""The exact arithmetic of ONNX Runtime's CPU kernels, in numpy, one formula a function.

The reference is onnxruntime 1.31 on x86-64 with AVX2; the formulas were established by measurement
against it (RN rounds to f32, nearest-even, after every single operation; rne rounds to an integer,
ties to even). numpy's f32 operations are RN already.
"""

from .binary import (
    AddForm,
    add_form,
    add_swaps_roles,
    fused_multiply_add,
    mul_thresholds,
    pair_table,
    qlinear_add,
    qlinear_mul,
)
from .block import blocks, blockwise
from .convolution import convolve
from .dynamic import dynamic_parameters
from .pad import pad_indices
from .pooling import (
    average_levels,
    average_pool,
    average_terms,
    average_thresholds,
    global_average_multiplier,
    global_average_pool,
    is_global,
    max_pool,
    pool_axis,
    pool_counts,
)
from .quantization import (
    F32,
    dequantize_linear,
    float_from_order,
    float_order,
    is_implied,
    low_bytes,
    quantize_bias,
    quantize_linear,
    quantize_thresholds,
    requantize,
    requantize_multiplier,
    stored_bytes,
    wrap_i32,
)
from .resize import (
    LinearTaps,
    linear_taps,
    linear_weights,
    resize_bytes,
    resize_coordinates,
    resize_indices,
    resize_linear,
    scaled_taps,
)
from .softmax import OPSET_OF_ONE_AXIS, qlinear_softmax, softmax_levels, softmax_numerators, softmax_table
from .windows import WindowAxis, extremes_of_windows, sums_of_windows, taps_inside

__all__ = [
    "F32",
    "OPSET_OF_ONE_AXIS",
    "AddForm",
    "LinearTaps",
    "WindowAxis",
    "add_form",
    "add_swaps_roles",
    "average_levels",
    "average_pool",
    "average_terms",
    "average_thresholds",
    "blocks",
    "blockwise",
    "convolve",
    "dequantize_linear",
    "dynamic_parameters",
    "extremes_of_windows",
    "float_from_order",
    "float_order",
    "fused_multiply_add",
    "global_average_multiplier",
    "global_average_pool",
    "is_global",
    "is_implied",
    "linear_taps",
    "linear_weights",
    "low_bytes",
    "max_pool",
    "mul_thresholds",
    "pad_indices",
    "pair_table",
    "pool_axis",
    "pool_counts",
    "qlinear_add",
    "qlinear_mul",
    "qlinear_softmax",
    "quantize_bias",
    "quantize_linear",
    "quantize_thresholds",
    "requantize",
    "requantize_multiplier",
    "resize_bytes",
    "resize_coordinates",
    "resize_indices",
    "resize_linear",
    "scaled_taps",
    "softmax_levels",
    "softmax_numerators",
    "softmax_table",
    "stored_bytes",
    "sums_of_windows",
    "taps_inside",
    "wrap_i32",
]
