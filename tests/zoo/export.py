"""From a torch module to ONNX, by both of torch's exporters."""

from __future__ import annotations

from typing import Any, Literal

import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from .quantization import workshop

Exporter = Literal["torchscript", "dynamo"]


def export(
    net: nn.Module,
    example: NDArray[Any],
    *,
    exporter: Exporter = "torchscript",
    opset: int = 17,
    dynamic_batch: bool = False,
) -> onnx.ModelProto:
    """The ONNX model of a module with one input `input` and one output `output`."""
    options: dict[str, Any] = {"dynamo": exporter == "dynamo"}
    if exporter == "dynamo":
        options |= {"external_data": False, "verbose": False}
        if dynamic_batch:
            options["dynamic_shapes"] = ({0: torch.export.Dim("batch", min=1, max=64)},)
    elif dynamic_batch:
        options["dynamic_axes"] = {"input": {0: "batch"}, "output": {0: "batch"}}
    with workshop() as folder:
        path = folder / "float.onnx"
        torch.onnx.export(
            net.eval(),
            (torch.from_numpy(example),),
            str(path),
            input_names=["input"],
            output_names=["output"],
            opset_version=opset,
            **options,
        )
        return onnx.load(path)
