"""ONNX Runtime as the reference, and what it made of a model."""
