"""Makers of real test models: seeded torch networks quantized as users do it, and QDQ by hand."""

from .builder import QDQBuilder, QuantParams, Tensor, Weights
from .networks import MobileUNet, mobile_unet, parameter_count
from .quantization import STYLES, Style, cached, export, mobile_unet_path, quantize, random_feeds

__all__ = [
    "STYLES",
    "MobileUNet",
    "QDQBuilder",
    "QuantParams",
    "Style",
    "Tensor",
    "Weights",
    "cached",
    "export",
    "mobile_unet",
    "mobile_unet_path",
    "parameter_count",
    "quantize",
    "random_feeds",
]
