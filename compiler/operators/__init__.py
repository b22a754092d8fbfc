"""The operators, one room a family: meaning, fusion rule, lowering, kernels."""

from . import catalogue

__all__ = ["catalogue"]
