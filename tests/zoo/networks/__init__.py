"""Torch networks of the kinds that people quantize, seeded, with lively activations."""

from . import attention, audio, classifiers, detection, mobile, pictures
from .common import Network
from .mobile_unet import MobileUNet, mobile_unet, parameter_count

NETWORKS = {
    network.name: network
    for module in (classifiers, mobile, pictures, detection, attention, audio)
    for network in module.NETWORKS
}
"""Every network by name, in the order of the report."""

__all__ = ["NETWORKS", "MobileUNet", "Network", "mobile_unet", "parameter_count"]
