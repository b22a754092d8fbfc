"""A target of a hunt whose mutants do what must be found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from onnx2wgsl.compiler.errors import CompileError, InternalError
from onnx2wgsl.compiler.fuzzing.malformed import RIGHT, Outcome, judged


class Wrong:
    """By the number: an internal error, an exception, a refusal, other values; from 4 on right."""

    name, replay = "wrong", "compile"

    def write(self, number: int, folder: Path) -> Path:
        path = folder / f"{self.name}-{number}"
        path.write_text(str(number))
        return path

    def open(self) -> Callable[[int, Path], Outcome]:
        def judge(path: Path) -> Outcome:
            match int(path.read_text()):
                case 0:
                    raise InternalError("a pass left nonsense")
                case 1:
                    raise KeyError("axis")
                case 2:
                    raise CompileError("no model")
                case 3:
                    return Outcome("wrong", "1 of 2 values")
            return Outcome(RIGHT)

        return lambda _, path: judged(lambda: judge(path), (CompileError,))
