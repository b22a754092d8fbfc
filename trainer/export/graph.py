"""A generator as a float ONNX file, opset 21."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from onnx.version_converter import convert_version
from torch import nn

OPSET = 21
_TRACED_OPSET = 20
"""The highest that the tracing exporter writes."""


def write_onnx(model: nn.Module, size: int, path: Path) -> None:
    """Writes a generator for one picture of `size` pixels a side: `input` to `output`.

    The exporter that traces is used: it takes a tenth of a second and needs no further package;
    that it is to be replaced some day is all that its warning says. The result is converted to
    OPSET, in which int8 is a type that every operator moves.
    """
    example = torch.zeros(1, 3, size, size)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (example,),
            path,
            input_names=["input"],
            output_names=["output"],
            opset_version=_TRACED_OPSET,
            dynamo=False,
        )
    path.write_bytes(convert_version(onnx.load(path), OPSET).SerializeToString(deterministic=True))
