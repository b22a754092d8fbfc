"""The float32 model of an int8 one: the same net, but for what quantization rounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.web.floats import float_model

from tests.builders.models import model

AVATAR = Path(__file__).resolve().parents[2] / "models" / "avatar_256_u8.onnx"


def _run(float32: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:  # type: ignore[type-arg]
    session = ort.InferenceSession(float32.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def test_the_avatars_is_off_by_rounding_alone() -> None:
    quantized = onnx.load(AVATAR)
    made = float_model(quantized)
    assert {node.op_type for node in made.graph.node} & {"QuantizeLinear", "DequantizeLinear"} == set()
    assert quantized.SerializeToString() == onnx.load(AVATAR).SerializeToString()
    random = np.random.default_rng(0)
    feeds = {made.graph.input[0].name: random.uniform(-1, 1, (1, 3, 256, 256)).astype(np.float32)}
    (own,) = _run(made, feeds)
    (exact,) = Oracle(AVATAR, signed_integer_kernels=None).run(feeds).values()
    # A step of the output is 1/128; what differs more has gone another way through a Relu.
    assert np.abs(own - exact).mean() < 2 / 128


@pytest.mark.parametrize("name", ["u8_s8", "u8_u8", "s8_s8"])
def test_bounds_stand_for_what_a_tensor_holds(name: str) -> None:
    made = float_model(model(name))
    onnx.checker.check_model(made, full_check=True)
    assert any(node.op_type == "Clip" for node in made.graph.node)
