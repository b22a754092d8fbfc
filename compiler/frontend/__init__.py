"""ONNX file -> Graph: opening, shapes, a handler for each operator."""
