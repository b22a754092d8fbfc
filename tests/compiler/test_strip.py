"""Stripping zero points changes no bit of the outputs and takes no sum out of integers."""

import stat
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.strip import strip_file, strip_zero_points

from tests.builders.edit import rename
from tests.builders.qdq import QDQBuilder, QuantParams, Weights
from tests.builders.unet import FORMS, unet, unet_file
from tests.compiler.artifacts import AVATAR
from tests.zoo.quantization import random_feeds


@pytest.mark.parametrize("form", FORMS)
def test_outputs_and_integer_groups_of_every_form_survive(form: str) -> None:
    _assert_same_bits_after_strip(unet(form=form))


def test_outputs_and_integer_groups_of_a_net_like_the_checkpoint_survive() -> None:
    stripped = _assert_same_bits_after_strip(unet(256))
    assert sum("int32 zero point" in line for line in stripped) == 16


def test_the_checkpoint_ships_stripped() -> None:
    """`onnx2wgsl-train ship` strips what it exports, and compares the bits before and after."""
    assert strip_zero_points(onnx.load(AVATAR)) == []


def test_no_int32_zero_point_is_left_in_the_checkpoint() -> None:
    model = onnx.load(AVATAR)
    strip_zero_points(model)
    dtypes = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    biases = [n for n in model.graph.node if dtypes.get(n.input[0]) == onnx.TensorProto.INT32]
    assert len(biases) == 16
    assert all(len(node.input) == 2 for node in biases)


def test_an_int8_quantize_keeps_its_zero_point_and_its_type() -> None:
    b = QDQBuilder()
    b.output(b.input((1, 1, 4, 4), QuantParams(0.1, 0, "s8")), as_float=False)
    model = b.build()
    strip_zero_points(model)
    (output,) = Oracle(model).run({"x0": np.full((1, 1, 4, 4), -5, np.float32)}).values()
    assert output.dtype == np.int8
    assert (output == -50).all()


def test_a_zero_point_in_a_constant_node_goes_with_its_node() -> None:
    model = _conv_model()
    zero_points = {n.input[2] for n in model.graph.node if n.op_type == "DequantizeLinear"}
    nodes = []
    for tensor in list(model.graph.initializer):
        if tensor.name in zero_points:
            model.graph.initializer.remove(tensor)
            nodes.append(helper.make_node("Constant", [], [tensor.name], value=tensor))
    nodes += model.graph.node
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    before = Oracle(model).run(_feed())
    assert strip_zero_points(model)
    assert "Constant" not in {node.op_type for node in model.graph.node}
    assert np.array_equal(*(r["y"] for r in (before, Oracle(model).run(_feed()))))


def test_a_zero_point_that_a_caller_may_override_stays() -> None:
    model = _conv_model()
    name = next(n for n in model.graph.node if n.op_type == "QuantizeLinear").input[2]
    model.graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, []))
    strip_zero_points(model)
    assert name in model.graph.node[0].input
    assert name in {value.name for value in model.graph.input}


def test_a_constant_that_only_an_inner_graph_reads_stays() -> None:
    model = _conv_model()
    inner = helper.make_graph(
        [helper.make_node("Identity", ["outer"], ["inner"])],
        "inner",
        [],
        [helper.make_tensor_value_info("inner", onnx.TensorProto.FLOAT, [1])],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "outer"))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((), np.bool_), "flag"))
    branches = {"then_branch": inner, "else_branch": inner}
    model.graph.node.append(helper.make_node("If", ["flag"], ["z"], **branches))
    model.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1]))
    strip_zero_points(model)
    assert "outer" in {tensor.name for tensor in model.graph.initializer}
    assert Oracle(model).run(_feed())["z"] == 1


def test_a_file_is_stripped_into_a_valid_smaller_one(tmp_path: Path) -> None:
    source, target = unet_file(tmp_path), tmp_path / "stripped.onnx"
    assert strip_file(source, target)
    onnx.checker.check_model(target, full_check=True)
    assert target.stat().st_size < source.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) & stat.S_IRUSR
    assert {path.name for path in tmp_path.iterdir()} == {source.name, "stripped.onnx"}


def test_a_file_can_be_stripped_in_place(tmp_path: Path) -> None:
    path = unet_file(tmp_path)
    assert strip_file(path, path)
    assert strip_file(path, path) == []


def test_external_weights_come_into_the_one_new_file(tmp_path: Path) -> None:
    folder = tmp_path / "external"
    folder.mkdir()
    model = unet()
    inputs = random_feeds({"input": (1, 3, 32, 32)}, count=1)[0]
    expected = Oracle(model).run(inputs)["output"]
    onnx.save(model, folder / "m.onnx", save_as_external_data=True, location="m.data")
    strip_file(folder / "m.onnx", tmp_path / "one.onnx")
    (folder / "m.data").unlink()
    assert np.array_equal(Oracle(tmp_path / "one.onnx").run(inputs)["output"], expected)


def test_a_missing_file_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"nowhere\.onnx: no such file"):
        strip_file(tmp_path / "nowhere.onnx", tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused_and_nothing_is_written(tmp_path: Path, fraction: float) -> None:
    data = unet().SerializeToString()
    (tmp_path / "torn.onnx").write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(CompileError, match=r"torn\.onnx"):
        strip_file(tmp_path / "torn.onnx", tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["torn.onnx"]


def test_an_invalid_model_is_refused_with_what_the_checker_found(tmp_path: Path) -> None:
    model = _conv_model()
    model.graph.node[-1].input[0] = "nowhere"
    onnx.save(model, tmp_path / "invalid.onnx")
    with pytest.raises(CompileError, match=r"invalid\.onnx is not a valid ONNX model.*nowhere"):
        strip_file(tmp_path / "invalid.onnx", tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_an_unwritable_destination_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CompileError, match=r"out\.onnx can't be written: "):
        strip_file(unet_file(tmp_path), tmp_path / "file" / "out.onnx")


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    strip_file(unet_file(tmp_path), tmp_path / "new" / "out.onnx")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.onnx"]


def _assert_same_bits_after_strip(model: onnx.ModelProto) -> list[str]:
    signed = needs_signed_integer_kernels(model)
    value = model.graph.input[0]
    shape = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
    inputs = random_feeds({value.name: shape}, count=1, seed=9)[0]
    outputs, counts = [], []
    stripped: list[str] = []
    for _ in range(2):
        oracle = Oracle(model, signed_integer_kernels=signed)
        outputs.append(oracle.run(inputs))
        groups = oracle.integer_groups()
        assert groups.exact, str(groups)
        counts.append({op_type: n for op_type, n in groups.counts.items() if op_type.startswith("QLinear")})
        stripped = stripped or strip_zero_points(model)
    assert stripped
    assert counts[0] == counts[1]
    assert all(np.array_equal(outputs[0][name], outputs[1][name]) for name in outputs[0])
    assert needs_signed_integer_kernels(model) == signed
    return stripped


def _conv_model() -> onnx.ModelProto:
    """x0 f32[1,2,6,6] -> y, all zero points zero."""
    b = QDQBuilder()
    x = b.input((1, 2, 6, 6), QuantParams(0.01))
    values = np.random.default_rng(0).integers(-127, 128, (3, 2, 3, 3), np.int8)
    bias = np.arange(3, dtype=np.int32)
    name = b.output(b.conv(x, Weights(values, 0.01), QuantParams(0.02), bias=bias))
    return rename(b.build(), **{name: "y"})


def _feed() -> dict[str, np.typing.NDArray[np.float32]]:
    return random_feeds({"x0": (1, 2, 6, 6)}, count=1)[0]
