"""Interpreter and simulator give onnxruntime's bits after every pass, on small graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.copy import CopyKernel
from onnx2wgsl.compiler.verify.interpreter import needed_ops, run_graph

from tests.builders.models import CONVOLUTIONS, GRAPHS, model
from tests.builders.qdq import PAD, S8, SHAPE, U8, QDQBuilder, QuantParams, weights
from tests.compiler.exactness import assert_exact


@pytest.mark.parametrize("name", [*CONVOLUTIONS, *GRAPHS])
def test_model(name: str, tmp_path: Path) -> None:
    assert_exact(model(name), tmp_path)


@pytest.mark.parametrize("params", [U8, S8], ids=["u8", "s8"])
@pytest.mark.parametrize("side", ["in", "out", "both"])
def test_bytes_in_and_out(params: QuantParams, side: str, tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, params, as_float=side == "out")
    b.output(b.conv(x, weights(), params, pads=PAD), as_float=side == "in")
    assert_exact(b.build(), tmp_path)


@pytest.mark.parametrize("op_type", ["Tanh", "Relu", "Sigmoid", "LeakyRelu", "Erf", "Exp", "Neg"])
@pytest.mark.parametrize("params", [U8, S8], ids=["u8", "s8"])
@pytest.mark.parametrize("quantized", [False, True])
def test_table(op_type: str, params: QuantParams, quantized: bool, tmp_path: Path) -> None:
    b = QDQBuilder()
    y = b.conv(b.input((1, 5, 16, 16), params), weights(3), params)
    after = QuantParams(0.01, 30, params.dtype) if quantized else None
    b.output(b.unary(y, op_type, after))
    assert_exact(b.build(), tmp_path)


def test_extreme_floats_are_quantized_as_onnxruntime_does(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.input((1, 1, 4, 4), QuantParams(0.1, 37)), as_float=False)
    values = [np.inf, -np.inf, np.nan, -np.nan, 3.4e38, -3.4e38, 1e-45, -1e-45]
    values += [0.0, -0.0, 0.05, 0.15, -0.05, 0.25, 21.85, -3.75]
    x = np.array(values, np.float32).reshape(1, 1, 4, 4)
    assert_exact(b.build(), tmp_path, feeds=[{"x0": x}])


def test_no_copy_is_left_where_a_store_can_do_it(tmp_path: Path) -> None:
    concats = ["concat_of_differing_scales", "concat_of_a_repeated_operand", "concat_of_concat"]
    for name in concats:
        kernels = assert_exact(model(name), tmp_path).kernels
        assert not [kernel for kernel in kernels if isinstance(kernel, CopyKernel)]


def test_a_float_convolution_is_onnxruntimes() -> None:
    graph = parse_graph(
        """
        graph @t (%x: f32[1,1,2,2]) -> ("y": %y) opset 21 {
          @w: f32[1,1,1,1] = [1.5]
          %y: f32[1,1,2,2] = conv(%x, weight=@w)
        }
        """
    )
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    assert run_graph(graph, {"x": x})["y"].tolist() == (x * 1.5).tolist()


def test_an_integer_group_is_evaluated_as_the_op_that_it_is() -> None:
    graph = parse_graph(
        """
        graph @t (%a: u8[1]{s=0.02, z=3}, %b: u8[1]{s=0.03, z=5}) -> ("y": %y) opset 21 {
          @sa: f32[] = [0.02]
          @sb: f32[] = [0.03]
          @sy: f32[] = [0.05]
          @z: u8[] = [0]
          @za: u8[] = [3]
          @zb: u8[] = [5]
          %da: f32[1] = dequantize(%a, scale=@sa, zero_point=@za)
          %db: f32[1] = dequantize(%b, scale=@sb, zero_point=@zb)
          %c: f32[1] = elementwise([%da, %db], op_type="Add")
          %y: u8[1]{s=0.05, z=0} = quantize(%c, scale=@sy, zero_point=@z)
        }
        """
    )
    assert [op.kind for op in needed_ops(graph)] == ["qadd"]


def test_given_tensors_are_not_evaluated() -> None:
    graph = parse_graph(
        """
        graph @t (%x: f32[2]) -> ("y": %y) opset 21 {
          %a: f32[2] = elementwise([%x], op_type="Relu")
          %y: f32[2] = elementwise([%a], op_type="Neg")
        }
        """
    )
    substitutes = {"a": np.array([3, 4], np.float32)}
    assert run_graph(graph, {"x": np.zeros(2, np.float32)}, substitutes=substitutes)["y"].tolist() == [-3, -4]
