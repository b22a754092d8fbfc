"""Texts name ops and kernels by classes that are loaded; the pipeline loads all of them."""

import onnx2wgsl.compiler.pipeline  # noqa: F401
