"""Makers of real test models: seeded torch networks, quantized as users do it.

quantization needs no torch; networks, export and files do.
"""
