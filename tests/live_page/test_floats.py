"""The float32 model of an int8 one: the same net, but for what quantization rounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.web.floats import float_model
from PIL import Image

from tests.builders.models import model

AVATAR = Path(__file__).resolve().parents[2] / "models" / "avatar_256_u8.onnx"


def _run(float32: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:  # type: ignore[type-arg]
    session = ort.InferenceSession(float32.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def test_the_avatars_is_off_by_rounding_alone() -> None:
    quantized = onnx.load(AVATAR)
    model_in_floats = float_model(quantized)
    assert {node.op_type for node in model_in_floats.graph.node} & {
        "QuantizeLinear",
        "DequantizeLinear",
    } == set()
    assert quantized.SerializeToString() == onnx.load(AVATAR).SerializeToString()
    drawing = Image.open(AVATAR.parent / "pictures" / "landmarks_real.png").convert("RGB").resize((256, 256))
    values = np.asarray(drawing, np.float32) / np.float32(127.5) - 1
    feeds = {model_in_floats.graph.input[0].name: values.transpose(2, 0, 1)[None]}
    (own,) = _run(model_in_floats, feeds)
    (exact,) = Oracle(AVATAR, signed_integer_kernels=None).run(feeds).values()
    # A step of the output is 1/128; what differs more has gone another way through a Relu.
    assert np.abs(own - exact).mean() < 2 / 128


def test_a_zero_point_at_the_end_stands_for_a_relu() -> None:
    model_in_floats = float_model(onnx.load(AVATAR))
    assert sum(node.op_type == "Relu" for node in model_in_floats.graph.node) > 5


@pytest.mark.parametrize("name", ["u8_s8", "u8_u8", "s8_s8"])
def test_every_kind_of_weights_gives_a_float_model(name: str) -> None:
    model_in_floats = float_model(model(name))
    onnx.checker.check_model(model_in_floats, full_check=True)
    assert all(one.data_type == onnx.TensorProto.FLOAT for one in model_in_floats.graph.initializer)
