"""The command line: `python -m onnx2wgsl COMMAND`."""

from onnx2wgsl.compiler.cli import main

if __name__ == "__main__":
    main()
