"""Inputs whose shapes are left open, missing or written twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.frontend.driver import import_model

from tests.builders.edit import SHAPE, conv_model, save
from tests.compiler.exactness import assert_exact
from tests.compiler.refusals import refusal

Edit = Callable[[onnx.ModelProto], None]


def minus_one(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1


def input_as_value_info(model: onnx.ModelProto) -> None:
    model.graph.value_info.append(model.graph.input[0])


def negative_result(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = -7


@pytest.mark.parametrize("edit", [minus_one, input_as_value_info, negative_result])
def test_what_exporters_write_is_read(edit: Edit, tmp_path: Path) -> None:
    model = conv_model()
    edit(model)
    assert import_model(save(model, tmp_path)).inputs[0].type.shape == SHAPE
    assert_exact(model, tmp_path)


def test_an_input_without_a_shape_needs_one(tmp_path: Path) -> None:
    model = conv_model()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    assert "input 'x0' of" in refusal(model, tmp_path)
    assert "has no shape: give it, for example --shape x0=1,3,256,256" in refusal(model, tmp_path)
    graph = import_model(save(model, tmp_path), {"x0": (1, 3, 7, 5)})
    assert graph.inputs[0].type.shape == (1, 3, 7, 5)


def test_a_negative_size_is_dynamic(tmp_path: Path) -> None:
    model = conv_model()
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = -1
    assert "has dynamic dimensions [1, 3, 6, '?']: give them" in refusal(model, tmp_path)
    assert import_model(save(model, tmp_path), {"x0": SHAPE}).inputs[0].type.shape == SHAPE


def test_a_size_without_elements_is_refused(tmp_path: Path) -> None:
    model = conv_model()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 0
    with pytest.raises(CompileError, match=r"input 'x0'.* has no elements"):
        import_model(save(model, tmp_path))
