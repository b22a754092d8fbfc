"""python -m onnx2wgsl.trainer"""

from .cli import main

if __name__ == "__main__":
    main()
