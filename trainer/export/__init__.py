"""From a checkpoint to an int8 QDQ ONNX file."""
