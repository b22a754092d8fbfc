"""The generator: a compiled model that makes a picture of a drawing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.artifact import ImageInput, ImageOutput
from onnx2wgsl.runtime_py.pictures import to_bytes

from .errors import LiveError

DEFAULT = Path(__file__).resolve().parent.parent / "models" / "avatar_256_u8.onnx"
"""Of the checkout; an installed package has none."""

Picture = NDArray[np.uint8]


@contextmanager
def opened(model: Path | None, adapter: str | None = None) -> Iterator[Avatar]:
    """The avatar of an int8 model's .onnx file, which is compiled for the time, or of an artifact.

    Raises:
        LiveError: there is no model, or it is no generator.
        CompileError, SessionError: it can't be compiled, read or run.
    """
    path = model or DEFAULT
    if not path.exists():
        raise LiveError(
            f"{path}: there is no such model; name one with --model, an .onnx file or an artifact"
        )
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-live-") as work:
        if path.suffix == ".onnx":
            path = compile_file(path, Path(work, "artifact")).folder
        with InferenceSession(path, adapter=adapter) as session:
            yield Avatar(session, path)


class Avatar:
    """A session whose model makes one square picture of one of the same size: `size` pixels a side."""

    def __init__(self, session: InferenceSession, path: Path) -> None:
        self.session = session
        inputs, outputs = session.artifact.inputs, session.artifact.outputs
        images = [(one, one.image) for one in outputs if isinstance(one.image, ImageOutput)]
        if len(inputs) != 1 or not isinstance(inputs[0].image, ImageInput) or not images:
            raise LiveError(f"{path} is no generator: it must make one picture of one picture")
        self._input, (self._output, self._image) = inputs[0], images[0]
        width, height = inputs[0].image.size
        if self._output.shape[1:] != (3, height, width) or width != height:
            raise LiveError(f"{path} is no generator: its pictures must be square, and of one size")
        self.size = width

    def picture(self, drawing: Picture) -> Picture:
        """The avatar u8[N,N,3] of a drawing u8[N,N,3]: the bytes that the page makes of that."""
        (values,) = self.session.run([self._output.name], {self._input.name: drawing})
        return to_bytes(values[0], self._image.scale, self._image.offset)
