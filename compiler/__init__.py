"""Compiles int8 QDQ ONNX models to WebGPU artifacts."""
