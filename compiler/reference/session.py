"""Sessions of ONNX Runtime, as the reference opens them."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
import onnxruntime as ort

QUIET = 4
"""Log severity: what goes wrong comes as an exception, and is told once."""


def quiet_options() -> ort.SessionOptions:
    """Options of every session of the reference: it logs nothing, and its idle threads sleep.

    By default they spin for the next run, which here comes after much else.
    """
    options = ort.SessionOptions()
    options.log_severity_level = QUIET
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def open_session(model: onnx.ModelProto, options: ort.SessionOptions) -> ort.InferenceSession:
    """A session on the CPU; what it refuses raises, and is not tried and printed once more."""
    providers = ["CPUExecutionProvider"]
    return ort.InferenceSession(model.SerializeToString(), options, providers=providers, enable_fallback=0)


def open_as_is(model: onnx.ModelProto) -> ort.InferenceSession:
    """A session that runs `model` as it is, without any optimization."""
    options = quiet_options()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return open_session(model, options)


def with_outputs(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """A copy of the model whose outputs are these tensors of it; a session finds their types itself."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return copy
