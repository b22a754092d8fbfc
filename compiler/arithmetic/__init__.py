"""The exact arithmetic of ONNX Runtime's CPU kernels, in numpy, one formula a function.

The reference is onnxruntime 1.31 on x86-64 with AVX2; the formulas were established by measurement
against it (RN rounds to f32, nearest-even, after every single operation; rne rounds to an integer,
ties to even). numpy's f32 operations are RN already.
"""

from .binary import (
    AddForm,
    Quantization,
    add_form,
    add_swaps_roles,
    fused_multiply_add,
    mul_thresholds,
    pair_table,
    qlinear_add,
    qlinear_mul,
    stored_bytes,
)
from .convolution import convolve
from .pad import pad_indices
from .pooling import (
    PoolAxis,
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
    quantize_bias,
    quantize_linear,
    quantize_thresholds,
    requantize,
    requantize_multiplier,
    wrap_i32,
)
from .resize import resize_indices

__all__ = [
    "F32",
    "AddForm",
    "PoolAxis",
    "Quantization",
    "add_form",
    "add_swaps_roles",
    "average_levels",
    "average_pool",
    "average_terms",
    "average_thresholds",
    "convolve",
    "dequantize_linear",
    "float_from_order",
    "float_order",
    "fused_multiply_add",
    "global_average_multiplier",
    "global_average_pool",
    "is_global",
    "max_pool",
    "mul_thresholds",
    "pad_indices",
    "pair_table",
    "pool_axis",
    "pool_counts",
    "qlinear_add",
    "qlinear_mul",
    "quantize_bias",
    "quantize_linear",
    "quantize_thresholds",
    "requantize",
    "requantize_multiplier",
    "resize_indices",
    "stored_bytes",
    "wrap_i32",
]
