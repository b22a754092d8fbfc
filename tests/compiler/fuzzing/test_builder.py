"""QDQBuilder makes what it says: valid models, right shapes, integer groups in onnxruntime."""

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of

from tests.builders.qdq import QDQBuilder, QuantParams, Weights


@pytest.mark.parametrize("opset", range(13, 22))
@pytest.mark.parametrize("dtype", ["u8", "s8"])
def test_a_graph_of_every_op_runs_in_integers_with_the_shapes_it_announces(opset: int, dtype: str) -> None:
    b = QDQBuilder(opset)
    x = b.input((2, 4, 9, 8), QuantParams(0.02, 3, dtype))
    y = b.conv(x, _weights(6, 2), QuantParams(0.1, 0, dtype), group=2, strides=(2, 1), bias=_BIAS)
    y = b.pad(b.resize(y, (2, 2)), (1, 0, 2, 1), mode="reflect")
    z = b.resize(y, sizes=y.shape[2:])
    w = b.concat([z, b.unary(y, "Tanh", QuantParams(0.01, 5, dtype))], QuantParams(0.1, 1, dtype))
    b.output(w)
    b.output(w, as_float=False)
    b.output(b.unary(w, "Clip", None, -1.0, 1.0))
    model = b.build()
    oracle = reference_of(model)
    groups = oracle.integer_groups()
    outputs = oracle.run({"x0": np.ones((2, 4, 9, 8), np.float32)})
    assert groups.exact, str(groups)
    assert [output.shape for output in outputs.values()] == [w.shape] * 3
    assert [output.dtype.name for output in outputs.values()] == [
        "float32",
        {"u8": "uint8", "s8": "int8"}[dtype],
        "float32",
    ]


@pytest.mark.parametrize("unsigned", [True, False])
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("bias", ["int32", "float", "none"])
def test_every_kind_of_weights_and_bias_runs_in_integers(
    unsigned: bool, per_channel: bool, bias: str
) -> None:
    b = QDQBuilder()
    weights = _weights(6, 4, unsigned=unsigned, per_channel=per_channel)
    biases = {"int32": _BIAS, "float": _BIAS.astype(np.float32) / 100, "none": None}
    x = b.input((1, 4, 7, 7), QuantParams(0.02, 130), as_float=False)
    y = b.conv(x, weights, QuantParams(0.2), bias=biases[bias], dilations=(2, 1), relu=True)
    b.output(y, as_float=False)
    oracle = Oracle(b.build())
    (output,) = oracle.run({"x0": np.full((1, 4, 7, 7), 200, np.uint8)}).values()
    assert oracle.integer_groups().counts == {"QLinearConv": 1}
    assert output.shape == y.shape == (1, 6, 3, 5)


def test_a_tensor_may_be_an_output_twice_and_an_input_may_be_an_output() -> None:
    b = QDQBuilder()
    x = b.input((1, 1, 2, 2), QuantParams(1.0), as_float=False)
    names = [b.output(x, as_float=False), b.output(x), b.output(x)]
    outputs = Oracle(b.build()).run({"x0": np.full((1, 1, 2, 2), 9, np.uint8)})
    assert list(outputs) == names
    assert all((output == 9).all() for output in outputs.values())


def test_one_dequantize_serves_all_readers_of_a_tensor() -> None:
    b = QDQBuilder()
    x = b.input((1, 1, 2, 2), QuantParams(1.0))
    b.output(b.concat([x, x], None))
    kinds = [node.op_type for node in b.build().graph.node]
    assert kinds == ["QuantizeLinear", "DequantizeLinear", "Concat"]


def test_an_invalid_graph_is_refused_at_once() -> None:
    b = QDQBuilder()
    x = b.input((1, 2, 4, 4), QuantParams(1.0))
    b.output(b.unary(x, "NoSuchOp"))
    with pytest.raises(onnx.checker.ValidationError, match="NoSuchOp"):
        b.build()


_BIAS = np.arange(6, dtype=np.int32) * 50 - 100


def _weights(outputs: int, inputs: int, *, unsigned: bool = False, per_channel: bool = True) -> Weights:
    rng = np.random.default_rng(1)
    low, high, dtype = (0, 256, np.uint8) if unsigned else (-128, 128, np.int8)
    values = rng.integers(low, high, (outputs, inputs, 3, 3), dtype)
    if not per_channel:
        return Weights(values, 0.01, 100)
    return Weights(values, rng.uniform(0.005, 0.02, outputs), rng.integers(0, 100, outputs))
