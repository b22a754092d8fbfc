"""The command line: `onnx2wgsl COMMAND` or `python -m onnx2wgsl.compiler COMMAND`."""

from .cli import main

if __name__ == "__main__":
    main()
