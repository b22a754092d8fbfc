"""Opens ONNX files: what can't be read is told in one message, with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from stat import S_ISDIR, S_ISREG

import onnx
from google.protobuf.message import DecodeError
from onnx.external_data_helper import load_external_data_for_model

from ..budgets import CONSTANT_BYTES
from ..errors import CompileError, words_of
from .sparse import make_dense
from .structure import check_structure, messages

OPSETS = range(10, 27)
"""From the first with QuantizeLinear to the last that onnxruntime 1.31 loads (measured)."""
FILE_BYTES = 2**31 - 1
"""What protobuf reads at most."""


def read_model(path: Path) -> onnx.ModelProto:
    """The ONNX file, with external data from its own folder, or a CompileError."""
    _require_file(path, FILE_BYTES, "protobuf reads no file of 2 GiB: save it with external data")
    try:
        model = onnx.load(str(path), load_external_data=False)
    # protobuf decodes names as UTF-8 before it notices that a file is none of its own.
    except (DecodeError, UnicodeDecodeError) as error:
        raise CompileError(
            f"{path} is not an ONNX file or is truncated ({path.stat().st_size} bytes read); "
            "export it again, or copy it again whole"
        ) from error
    _load_external_data(model, path)
    if not model.graph.node or not model.opset_import:
        raise CompileError(
            f"{path} holds no graph: it is not an ONNX model or is truncated; "
            "export it again, or copy it again whole"
        )
    return model


def structure_of(path: Path) -> onnx.ModelProto:
    """A model that can be read, without its external data."""
    return onnx.load(str(path), load_external_data=False)


def files_of(path: Path) -> list[Path]:
    """The file of a model that can be read, and those of its external data."""
    locations = dict.fromkeys(_locations(structure_of(path)))
    return [path, *(path.parent / location for location in locations)]


def is_model(path: Path) -> bool:
    """Whether it is an ONNX file with a graph."""
    try:
        _require_file(path, FILE_BYTES, "")
        return bool(onnx.load(str(path), load_external_data=False).graph.node)
    except (CompileError, DecodeError, UnicodeDecodeError):
        return False


def _require_file(path: Path, most: int, why: str) -> None:
    """Refuses what can't be opened, what is no file (a pipe would be read without end), what is too large."""
    try:
        status = path.stat()
        with path.open("rb") if S_ISREG(status.st_mode) else nullcontext():
            pass
    except FileNotFoundError as error:
        raise CompileError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise CompileError(f"{path} may not be read: {getattr(error, 'strerror', None) or error}") from error
    if S_ISDIR(status.st_mode):
        raise CompileError(f"{path} is a folder; give the path of an .onnx file")
    if not S_ISREG(status.st_mode):
        raise CompileError(f"{path} is no regular file; give the path of an .onnx file")
    if status.st_size > most:
        raise CompileError(f"{path} has {status.st_size:,} bytes; at most {most:,} are taken: {why}")


def _load_external_data(model: onnx.ModelProto, path: Path) -> None:
    """Reads the data that lie in other files of the model's folder."""
    advice = "external data must lie in the model's own folder; or save the model in one file"
    try:
        for location in dict.fromkeys(_locations(model)):
            _require_file(path.parent / location, CONSTANT_BYTES, "take a smaller model")
        load_external_data_for_model(model, str(path.parent))
    # onnx raises its own class, those of pathlib, and a plain RuntimeError of the file system.
    except (CompileError, onnx.checker.ValidationError, RuntimeError, ValueError, OSError) as error:
        raise CompileError(f"{path}: external data can't be read: {words_of(error)}\n  {advice}") from error


def _locations(model: onnx.ModelProto) -> Iterator[str]:
    """The files beside the model that hold data of it."""
    for tensor in messages(model, onnx.TensorProto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield next((entry.value for entry in tensor.external_data if entry.key == "location"), "")


def load_model(path: Path) -> onnx.ModelProto:
    """`read_model`, for opsets that are compiled: checked, its constants dense, and without functions."""
    model = read_model(path)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = versions.get("", versions.get("ai.onnx", "none of ONNX's own"))
    if opset not in OPSETS:
        raise CompileError(
            f"{path} uses opset {opset}; opsets {OPSETS[0]} to {OPSETS[-1]} are taken: "
            "convert it with onnx.version_converter or export it anew"
        )
    try:
        check_structure(model)
        make_dense(model)
    except CompileError as error:
        raise CompileError(f"{path}: {error}") from error
    return model
