"""Makers of real test models: seeded torch networks quantized as users do it, and QDQ by hand."""

from onnx2wgsl.compiler.fuzzing.builder import QDQBuilder, QuantParams, Tensor, Weights

from .networks import NETWORKS, MobileUNet, Network, mobile_unet, parameter_count
from .quantization import (
    MORE_STYLES,
    STYLES,
    Style,
    cached,
    export,
    mobile_unet_path,
    network_path,
    quantize,
    random_feeds,
)

__all__ = [
    "MORE_STYLES",
    "NETWORKS",
    "STYLES",
    "MobileUNet",
    "Network",
    "QDQBuilder",
    "QuantParams",
    "Style",
    "Tensor",
    "Weights",
    "cached",
    "export",
    "mobile_unet",
    "mobile_unet_path",
    "network_path",
    "parameter_count",
    "quantize",
    "random_feeds",
]
