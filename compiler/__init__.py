"""Compiles int8 QDQ ONNX models to WebGPU artifacts.

    from onnx2wgsl.compiler import compile_file

    compilation = compile_file("model.onnx", "build/model")

`compile_file` and what it returns are imported when they are first asked for, so that importing this
package, as the command line does for `--help`, loads neither numpy nor onnxruntime.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .errors import CompileError, UnsupportedError

if TYPE_CHECKING:
    from .backend.pictures import Preprocessing
    from .driver import Compilation, compile_file

__all__ = ["Compilation", "CompileError", "Preprocessing", "UnsupportedError", "compile_file"]

if not TYPE_CHECKING:  # else every name would be taken for one of this module

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(".driver", __name__), name)
