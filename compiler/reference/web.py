"""onnxruntime-web: onnxruntime compiled to WebAssembly, run in Node.js, as a judge beside onnxruntime itself.

It has one code for every CPU, with whole u8 * s8 sums. What it computes otherwise (`facts`, "WebAssembly"):
functions of floats, by some units in the last place; NaN quantized to int8, which it makes 0; and QLinearAdd
and its like at near ties. So where an output is a function of dequantized values, onnxruntime computes that
function of what onnxruntime-web made of the rest (`WebOracle.run`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ..arithmetic.array import Array
from ..errors import CompileError
from .facts import WEB_FUNCTIONS, WEB_STEPS, name_of_operator
from .session import open_as_is, with_outputs

WEB_VERSION = "1.31.0-dev.20260914-8d85527a0"
"""Of the package onnxruntime-web: the first one of the reference's minor version."""
NO_PACKAGE = 3
"""The script's exit status where Node.js does not find the package."""

REASON = 500
"""Most characters that are told of an error."""

Feeds = Mapping[str, Array]


class WebOracle:
    """A model in onnxruntime-web.

    `otherwise`: how many of its nodes are operators that onnxruntime-web rounds otherwise, by operator;
    `own`: those of them that end in an output, which onnxruntime computes. `version`: of the package; ""
    before a run.
    """

    def __init__(self, model: onnx.ModelProto, optimized: onnx.ModelProto, signed: bool) -> None:
        self._model = model
        self._signed = signed
        self._tails = {
            output.name: tail for output in model.graph.output if (tail := _tail(model.graph, output.name))
        }
        operators = (name_of_operator(node.domain, node.op_type) for node in optimized.graph.node)
        self.otherwise = Counter(name for name in operators if name in WEB_FUNCTIONS | WEB_STEPS)
        self.own = Counter(
            node.op_type for tail in self._tails.values() for node in tail if node.op_type in WEB_FUNCTIONS
        )
        self.version = ""

    def run(self, samples: Sequence[Feeds]) -> list[dict[str, Array]]:
        """Outputs by name of each sample.

        Raises CompileError where Node.js, the package or the model can't be run.
        """
        names = [output.name for output in self._model.graph.output]
        asked = [self._tails[name][0].input[0] if name in self._tails else name for name in names]
        results = self._run(with_outputs(self._model, dict.fromkeys(asked)), samples)
        return [
            {name: self._finished(name, outputs[source]) for name, source in zip(names, asked, strict=True)}
            for outputs in results
        ]

    def _finished(self, name: str, values: Array) -> Array:
        """An output, of what its tail begins with."""
        return _run_tail(self._model, self._tails[name], values) if name in self._tails else values

    def _run(self, model: onnx.ModelProto, samples: Sequence[Feeds]) -> list[dict[str, Array]]:
        with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as scratch:
            folder = Path(scratch)
            onnx.save(model, folder / "model.onnx")
            options = {"session": {"qdqisint8allowed": "1"}} if self._signed else {}
            _write_request(folder, options, samples)
            _run_node(folder)
            self.version, outputs = _read_response(folder)
        return outputs


def _tail(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
    """The nodes that make an output of dequantized values, one of the other, where some are functions that
    onnxruntime-web rounds otherwise; else none.
    """
    producers = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    tail: list[onnx.NodeProto] = []
    node = producers.get(output)
    while node is not None and node.op_type != "DequantizeLinear":
        if len(node.output) != 1 or not set(node.input[1:]) <= constants | {""}:
            return []
        tail.insert(0, node)
        node = producers.get(node.input[0])
    return tail if node is not None and any(step.op_type in WEB_FUNCTIONS for step in tail) else []


def _run_tail(model: onnx.ModelProto, tail: Sequence[onnx.NodeProto], values: Array) -> Array:
    """What onnxruntime makes of `values` by the nodes of a tail."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(values.dtype)
    operands = {name for node in tail for name in node.input}
    constants = [
        node for node in model.graph.node if node.op_type == "Constant" and node.output[0] in operands
    ]
    graph = onnx.helper.make_graph(
        [*constants, *tail],
        "tail",
        [onnx.helper.make_tensor_value_info(tail[0].input[0], kind, values.shape)],
        [onnx.ValueInfoProto(name=tail[-1].output[0])],
        [tensor for tensor in model.graph.initializer if tensor.name in operands],
    )
    part = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    (result,) = open_as_is(part).run(None, {tail[0].input[0]: values})
    return np.asarray(result)


def _write_request(folder: Path, extra: Mapping[str, Any], samples: Sequence[Feeds]) -> None:
    data = bytearray()
    described = []
    for sample in samples:
        entry = {}
        for name, array in sample.items():
            data += bytes(-len(data) % 8)  # views of a buffer begin at multiples of their size
            entry[name] = {
                "type": array.dtype.name, "dims": array.shape, "offset": len(data), "bytes": array.nbytes,
            }  # fmt: skip
            data += np.ascontiguousarray(array).tobytes()
        described.append(entry)
    (folder / "request.bin").write_bytes(bytes(data))
    (folder / "request.json").write_text(json.dumps({"extra": extra, "samples": described}), "utf-8")


def _read_response(folder: Path) -> tuple[str, list[dict[str, Array]]]:
    response = json.loads((folder / "response.json").read_text("utf-8"))
    data = (folder / "response.bin").read_bytes()

    def array(entry: Mapping[str, Any]) -> Array:
        kind = np.dtype(entry["type"])
        count = entry["bytes"] // kind.itemsize
        return np.frombuffer(data, kind, count, entry["offset"]).reshape(entry["dims"])

    outputs = [{name: array(entry) for name, entry in sample.items()} for sample in response["samples"]]
    return response["version"], outputs


def _run_node(folder: Path) -> None:
    node = shutil.which("node")
    if node is None:
        raise CompileError("onnxruntime-web runs in Node.js, which is not found: install Node.js 20 or newer")
    script = resources.files(__package__).joinpath("onnxruntime_web.mjs")
    with resources.as_file(script) as path:
        command = [node, str(path), str(folder)]
        process = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if process.returncode == NO_PACKAGE:
        raise CompileError(
            "onnxruntime-web is not found from this folder: "
            f"`npm install onnxruntime-web@{WEB_VERSION}` in it, then try again"
        )
    if process.returncode:
        reason = " ".join(process.stderr.split())[-REASON:]
        raise CompileError(f"onnxruntime-web failed: {reason or 'it gave no reason'}")
