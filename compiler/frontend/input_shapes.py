"""The shapes of a model's inputs, made static."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import onnx

from ..errors import CompileError

Shapes = Mapping[str, tuple[int, ...]]
Size = int | str
"""A dimension; a symbolic one by its name."""


def fix_shapes(model: onnx.ModelProto, shapes: Shapes, path: Path) -> None:
    """Sets every dimension of the graph inputs, from `shapes` or, for a symbolic batch, to 1.

    A negative size is symbolic, too: some exporters write -1. So is what an input without a shape has.
    """
    inputs = {value.name: value for value in model_inputs(model)}
    unknown = sorted(set(shapes) - set(inputs))
    if unknown:
        raise CompileError(
            f"{path} has no input {unknown[0]!r}; its inputs are {', '.join(map(repr, inputs))}"
        )
    for name, value in inputs.items():
        if value.type.HasField("tensor_type"):
            _fix_shape(name, value.type.tensor_type, shapes.get(name), path)


def model_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Those that are given when it runs; before IR version 4 constants are listed among them."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def open_batches(model: onnx.ModelProto, shapes: Collection[str]) -> list[str]:
    """The inputs whose batch is symbolic in the model, and not in `shapes`: `fix_shapes` makes it 1."""
    others = [value for value in model_inputs(model) if value.name not in shapes]
    return [value.name for value in others if isinstance(next(iter(_sizes(value.type.tensor_type)), 1), str)]


def _fix_shape(name: str, tensor: onnx.TypeProto.Tensor, shape: tuple[int, ...] | None, path: Path) -> None:
    if shape is None and not tensor.HasField("shape"):
        raise CompileError(
            f"input {name!r} of {path} has no shape: give it, for example --shape {name}=1,3,256,256"
        )
    if shape is None:
        # Exporters leave the batch open; of any other axis there is no size to guess.
        sizes = [1 if isinstance(size, str) and not at else size for at, size in enumerate(_sizes(tensor))]
        _require_static(name, sizes, path)
    else:
        sizes = list(shape)
        _require_fitting(name, _sizes(tensor) if tensor.HasField("shape") else None, shape)
    del tensor.shape.dim[:]
    for size in sizes:
        tensor.shape.dim.add().dim_value = int(size)
    tensor.shape.SetInParent()


def _sizes(tensor: onnx.TypeProto.Tensor) -> list[Size]:
    return [
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else dim.dim_param or "?"
        for dim in tensor.shape.dim
    ]


def _require_static(name: str, sizes: list[Size], path: Path) -> None:
    if all(isinstance(size, int) for size in sizes):
        return
    example = ",".join(str(size if isinstance(size, int) else 256) for size in sizes)
    raise CompileError(
        f"input {name!r} of {path} has dynamic dimensions {sizes}: "
        f"give them, for example --shape {name}={example}"
    )


def _require_fitting(name: str, sizes: list[Size] | None, shape: tuple[int, ...]) -> None:
    if sizes is not None and len(shape) != len(sizes):
        raise CompileError(
            f"input {name!r} has {len(sizes)} dimensions, the given shape {shape} has {len(shape)}"
        )
    for index, size in enumerate(shape):
        if size < 1:
            raise CompileError(
                f"dimension {index} of input {name!r} is given as {size}; it must be at least 1"
            )
        if sizes is not None and isinstance(sizes[index], int) and sizes[index] != size:
            raise CompileError(
                f"dimension {index} of input {name!r} is {sizes[index]} in the model, {size} was given"
            )
