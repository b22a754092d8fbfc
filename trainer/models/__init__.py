"""The networks: the pix2pix teacher and its discriminator, the mobile students, their files."""

from .files import (
    Generator,
    generator_file,
    load_generator,
    load_metrics,
    load_recipe,
    make,
    save_generator,
)
from .mobile import MobileUNet, PhaseStudents, fold_batch_norm
from .unet import PatchGAN, UNet, unet

__all__ = [
    "Generator",
    "MobileUNet",
    "PatchGAN",
    "PhaseStudents",
    "UNet",
    "fold_batch_norm",
    "generator_file",
    "load_generator",
    "load_metrics",
    "load_recipe",
    "make",
    "save_generator",
    "unet",
]
