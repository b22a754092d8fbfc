"""Named models that between them meet every kernel."""

from __future__ import annotations

from collections.abc import Callable

import onnx

from . import graphs
from .convolutions import CONVOLUTIONS
from .qdq import QDQBuilder
from .unet import unet

__all__ = ["CONVOLUTIONS", "GRAPHS", "INEXACT", "model"]

_GRAPHS: list[Callable[[QDQBuilder], None]] = [
    graphs.add_of_a_skip,
    graphs.multiply_by_a_gate,
    graphs.product_with_weights,
    graphs.product_with_weights_to_floats,
    graphs.product_of_two_activations,
    graphs.pools,
    graphs.softmax_of_rows,
    graphs.greatest_and_where,
    graphs.dynamic_quantization,
    graphs.depthwise_and_groups,
    graphs.channel_shuffle,
    graphs.linear_resize,
    graphs.concat_of_differing_scales,
    graphs.concat_of_a_repeated_operand,
    graphs.concat_of_concat,
    graphs.concat_of_concat_with_other_scales,
    graphs.concat_as_output,
    graphs.concat_of_byte_inputs,
    graphs.concat_of_floats,
    graphs.signed_concat_with_skip,
    graphs.resize_into_conv,
    graphs.resize_into_dilated_strided_conv,
    graphs.resize_then_pad_into_conv,
    graphs.pad_then_resize_into_conv,
    graphs.resize_by_a_fraction,
    graphs.resize_to_the_same_shape,
    graphs.resize_to_the_same_height,
    graphs.moves_that_move_nothing,
    graphs.resize_to_other_parameters,
    graphs.resize_of_a_concat,
    graphs.resize_as_output,
    graphs.pad_reflect,
    graphs.pad_edge_signed,
    graphs.pad_by_a_value,
    graphs.pad_of_a_batch,
    graphs.chain_to_a_float_output,
    graphs.table_between_convolutions,
    graphs.relu_of_a_symmetric_tensor,
    graphs.several_inputs_and_outputs,
    graphs.one_value_at_two_outputs,
    graphs.requantization,
    graphs.input_without_convolution,
    graphs.one_input_quantized_twice,
    graphs.casts_to_bytes,
]
GRAPHS = {build.__name__: build for build in _GRAPHS}
INEXACT = {build.__name__: build for build in (graphs.transposed_convolution, graphs.float_head)}
"""Graphs of which ONNX Runtime computes a part in float."""


def model(name: str) -> onnx.ModelProto:
    """The model of that name, one of CONVOLUTIONS, GRAPHS or INEXACT, or the `unet` of 8 channels."""
    if name == "unet":
        return unet(channels=8)
    if name in CONVOLUTIONS:
        return CONVOLUTIONS[name]()
    b = QDQBuilder()
    (GRAPHS | INEXACT)[name](b)
    return b.build()
