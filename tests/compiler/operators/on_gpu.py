"""A built model at every stage and on the default adapter, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx2wgsl.compiler.artifact import write_artifact
from onnx2wgsl.compiler.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.program import Program
from onnx2wgsl.runtime_py import InferenceSession

from tests.compiler.exactness import assert_exact, differing, feeds_for


def assert_exact_on_gpu(model: onnx.ModelProto, folder: Path) -> Program:
    """Every stage, the device and its self-test; the program."""
    program = assert_exact(model, folder)
    path = folder / "model.onnx"
    write_artifact(program, folder / "compiled", source=path)
    oracle = Oracle(path, signed_integer_kernels=needs_signed_integer_kernels(model))
    with InferenceSession(folder / "compiled") as session:
        names = [tensor.name for tensor in session.get_outputs()]
        for feed in feeds_for(oracle):
            made = dict(zip(names, session.run(None, feed), strict=True))
            assert differing(made, oracle.run(feed)) == 0
        report = session.self_test()
        assert report.ok, str(report)
    return program
