"""A value of any stage is known by the model's tensor that it is a form of."""

from __future__ import annotations

import numpy as np
import pytest
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.verify.compiled import compile_in_memory
from onnx2wgsl.compiler.verify.interpreter import run_graph
from onnx2wgsl.compiler.verify.origins import as_values, quantized_floats, transposed_results

from tests.compiler.verify.simulated import (
    float_model,
    integer_model,
    sample,
    transposed_model,
    verification_of,
)


def test_what_is_quantized_behind_floats_is_named_as_in_the_model() -> None:
    (name,) = quantized_floats(verification_of(float_model()).compiled.packed)
    (node,) = [n for n in float_model().graph.node if n.output[0] == name]
    assert node.op_type == "QuantizeLinear"
    assert node.input[0].startswith("instancenormalization")
    assert quantized_floats(verification_of(integer_model()).compiled.packed) == {}


def test_the_result_of_a_conv_transpose_is_known_in_the_packed_graph() -> None:
    model = transposed_model()
    results = transposed_results(verification_of(model).compiled.packed)
    assert list(results) == [model.graph.output[0].name]
    assert transposed_results(verification_of(float_model()).compiled.packed) == {}


@pytest.mark.parametrize("name", ["import", "fuse_groups", "pack_int8"])
def test_a_given_tensor_takes_the_place_of_its_value_at_every_stage(name: str) -> None:
    """Of a tensor that is all 130, which is 0, a convolution makes its zero point."""
    model = float_model()
    (behind,) = verification_of(model).expectation.names
    substitutes = {behind: np.full((1, 8, 6, 5), 130, np.uint8)}
    outputs = []

    def observe(stage_name: str, stage: Graph | Program) -> None:
        if stage_name == name and isinstance(stage, Graph):
            outputs.append(run_graph(stage, sample(), substitutes=as_values(stage, substitutes)))

    compile_in_memory(model, observe)
    (output,) = outputs[0].values()
    assert not output.any()


def test_a_tensor_that_is_left_out_is_not_given() -> None:
    graph = verification_of(float_model()).compiled.packed
    (name,) = quantized_floats(graph)
    substitutes = {name: np.zeros((1, 8, 6, 5), np.uint8)}
    assert len(as_values(graph, substitutes)) == 1
    assert as_values(graph, substitutes, without=[name]) == {}
