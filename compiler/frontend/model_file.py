"""Opens ONNX files: what can't be read is told in one message, with the next step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ..errors import CompileError

OPSETS = range(10, 27)
"""From the first with QuantizeLinear to the last that onnxruntime 1.31 loads (measured)."""
Shapes = Mapping[str, tuple[int, ...]]


def read_model(path: Path) -> onnx.ModelProto:
    """The ONNX file, with external data from its own folder, or a CompileError."""
    try:
        model = onnx.load(str(path))
    except FileNotFoundError as error:
        raise CompileError(f"{error.filename or path}: no such file") from error
    except IsADirectoryError as error:
        raise CompileError(f"{path} is a folder; give the path of an .onnx file") from error
    except PermissionError as error:
        raise CompileError(f"{error.filename or path} may not be read: {error.strerror}") from error
    # protobuf decodes names as UTF-8 before it notices that a file is none of its own.
    except (DecodeError, UnicodeDecodeError) as error:
        raise CompileError(
            f"{path} is not an ONNX file or is truncated ({path.stat().st_size} bytes read); "
            "export it again, or copy it again whole"
        ) from error
    except (onnx.checker.ValidationError, ValueError, OSError) as error:
        raise CompileError(
            f"{path}: external data can't be read: {' '.join(str(error).split())}\n"
            "  external data must lie in the model's own folder; or save the model in one file"
        ) from error
    if not model.graph.node or not model.opset_import:
        raise CompileError(
            f"{path} holds no graph: it is not an ONNX model or is truncated; "
            "export it again, or copy it again whole"
        )
    return model


def load_model(path: Path) -> onnx.ModelProto:
    """`read_model`, for opsets that are compiled."""
    model = read_model(path)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = versions.get("", versions.get("ai.onnx", 0))
    if opset not in OPSETS:
        raise CompileError(
            f"{path} uses opset {opset}; opsets {OPSETS[0]} to {OPSETS[-1]} are taken: "
            "convert it with onnx.version_converter or export it anew"
        )
    return model


def fix_shapes(model: onnx.ModelProto, shapes: Shapes, path: Path) -> None:
    """Sets every dimension of the graph inputs, from `shapes` or, for a symbolic batch, to 1."""
    # Before IR version 4 they are listed among the inputs.
    initializers = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name: value for value in model.graph.input if value.name not in initializers}
    unknown = sorted(set(shapes) - set(inputs))
    if unknown:
        raise CompileError(
            f"{path} has no input {unknown[0]!r}; its inputs are {', '.join(map(repr, inputs))}"
        )
    missing = []
    for name, value in inputs.items():
        dims = value.type.tensor_type.shape.dim
        given = shapes.get(name)
        if given is not None and len(given) != len(dims):
            raise CompileError(
                f"input {name!r} has {len(dims)} dimensions, the given shape {given} has {len(given)}"
            )
        for index, dim in enumerate(dims):
            known = dim.dim_value if dim.HasField("dim_value") else None
            if given is not None:
                if known not in (None, given[index]):
                    raise CompileError(
                        f"dimension {index} of input {name!r} is {known} in the model, "
                        f"{given[index]} was given"
                    )
                if given[index] < 1:
                    raise CompileError(
                        f"dimension {index} of input {name!r} is given as {given[index]}; "
                        "it must be at least 1"
                    )
                dim.dim_value = given[index]
            # Exporters leave the batch open; of any other axis there is no size to guess.
            elif known is None and index == 0:
                dim.dim_value = 1
            elif known is None:
                missing.append((name, [d.dim_value or d.dim_param or "?" for d in dims]))
    if missing:
        name, dims = missing[0]
        example = ",".join(str(d if isinstance(d, int) else 256) for d in dims)
        raise CompileError(
            f"input {name!r} of {path} has dynamic dimensions {dims}: "
            f"give them, for example --shape {name}={example}"
        )
