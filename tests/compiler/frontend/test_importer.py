"""What models the frontend opens, and how it refuses others: place, reason, next step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.frontend.model_file import OPSETS
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.interpreter import run_graph

from tests.builders.edit import SHAPE, conv_model, node, save
from tests.builders.qdq import U8, QDQBuilder, weights
from tests.compiler.exactness import assert_exact, feeds_for
from tests.compiler.refusals import refusal


@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset_compiles_exactly(opset: int, tmp_path: Path) -> None:
    b = QDQBuilder(opset)
    y = b.conv(b.input(SHAPE, U8), weights(4, 3), U8, pads=(1, 1, 1, 1))
    if opset >= 13:  # Resize and Pad of today
        y = b.pad(b.resize(y, (2, 2)), (1, 0, 0, 2))
    b.output(b.unary(y, "Tanh"))
    assert_exact(b.build(), tmp_path)


def test_constant_nodes_are_read_like_initializers(tmp_path: Path) -> None:
    model = conv_model()
    for tensor in list(model.graph.initializer):
        constant = helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.node.insert(0, constant)
    del model.graph.initializer[:]
    assert_exact(model, tmp_path)


@pytest.mark.parametrize(
    ("attribute", "value"), [("value_float", 0.5), ("value_floats", [0.5])], ids=["scalar", "list"]
)
def test_plain_constants_are_read(attribute: str, value: Any, tmp_path: Path) -> None:
    b = QDQBuilder()
    y = b.conv(b.input(SHAPE, U8), weights(4, 3), U8)
    b.output(b.unary(y, "Mul", None, 0.5))
    model = b.build()
    name = node(model, "Mul").input[1]
    (tensor,) = [t for t in model.graph.initializer if t.name == name]
    model.graph.initializer.remove(tensor)
    model.graph.node.insert(0, helper.make_node("Constant", [], [name], **{attribute: value}))
    assert_exact(model, tmp_path)


def test_external_data_in_the_models_folder_is_read(tmp_path: Path) -> None:
    model, path = conv_model(), tmp_path / "model.onnx"
    options = {"save_as_external_data": True, "location": "weights.data", "size_threshold": 0}
    onnx.save(onnx.ModelProto.FromString(model.SerializeToString()), path, **options)
    assert (tmp_path / "weights.data").exists()
    graph = import_model(path)
    feed = feeds_for(Oracle(model))[0]
    assert same_bits(run_graph(graph, feed), Oracle(model).run(feed))


@pytest.mark.parametrize("location", ["../weights.data", "/etc/hostname", "missing.data"])
def test_external_data_elsewhere_is_refused(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    path = folder / "model.onnx"
    options = {"save_as_external_data": True, "location": "weights.data", "size_threshold": 0}
    onnx.save(conv_model(), path, **options)
    (folder / "weights.data").rename(tmp_path / "weights.data")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CompileError, match="external data must lie in the model's own folder"):
        import_model(path)


def test_a_domain_that_no_node_uses_is_ignored(tmp_path: Path) -> None:
    model = conv_model()
    for domain in ("ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "org.pytorch.aten"):
        model.opset_import.append(helper.make_opsetid(domain, 1))
    assert_exact(model, tmp_path)


def test_nodes_may_have_no_name(tmp_path: Path) -> None:
    model = conv_model()
    for each in model.graph.node:
        each.name = ""
    assert_exact(model, tmp_path)


def test_a_symbolic_batch_is_1(tmp_path: Path) -> None:
    model = conv_model()
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph = import_model(save(model, tmp_path))
    assert graph.inputs[0].type.shape == SHAPE
    graph = import_model(save(model, tmp_path), {"x0": (2, 3, 6, 8)})
    assert graph.outputs[0].type.shape[0] == 2


def dynamic_model() -> onnx.ModelProto:
    model = conv_model()
    for value in (model.graph.input[0], model.graph.output[0]):
        for dim, name in zip(value.type.tensor_type.shape.dim, "nchw", strict=True):
            if name in "hw":
                dim.dim_param = name
    return model


def test_dynamic_sizes_are_refused_with_an_example(tmp_path: Path) -> None:
    message = refusal(dynamic_model(), tmp_path)
    assert "input 'x0' of" in message
    assert "has dynamic dimensions [1, 3, 'h', 'w']" in message
    assert "--shape x0=1,3,256,256" in message


def test_dynamic_sizes_are_fixed_by_a_shape(tmp_path: Path) -> None:
    assert_exact(
        dynamic_model(),
        tmp_path,
        shapes={"x0": (1, 3, 5, 7)},
        feeds=[{"x0": np.linspace(-6, 9, 105, dtype=np.float32).reshape(1, 3, 5, 7)}],
    )


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"y": (1, 3, 6, 8)}, "has no input 'y'; its inputs are 'x0'"),
        ({"x0": (3, 6, 8)}, r"input 'x0' has 4 dimensions, the given shape \(3, 6, 8\) has 3"),
        ({"x0": (1, 4, 6, 8)}, "dimension 1 of input 'x0' is 3 in the model, 4 was given"),
        ({"x0": (1, 3, 0, 8)}, "dimension 2 of input 'x0'"),
    ],
)
def test_wrong_shapes_are_refused(shapes: dict[str, tuple[int, ...]], message: str, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=message):
        import_model(save(dynamic_model(), tmp_path), shapes)


def shape_arithmetic(model: onnx.ModelProto, source: str) -> None:
    """Puts the sizes of the Resize behind Shape, Gather, Mul, Unsqueeze, Concat of `source`."""
    resize = node(model, "Resize")
    index = list(model.graph.node).index(resize)
    constants = {"two": np.int64(2), "axes": np.array([0]), "i0": 0, "i1": 1, "i2": 2, "i3": 3}
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.int64), name))
    nodes = [helper.make_node("Shape", [source], ["shape"])]
    for axis in range(4):
        nodes.append(helper.make_node("Gather", ["shape", f"i{axis}"], [f"d{axis}"]))
        last = f"d{axis}"
        if axis > 1:
            nodes.append(helper.make_node("Mul", [last, "two"], [f"m{axis}"]))
            last = f"m{axis}"
        nodes.append(helper.make_node("Unsqueeze", [last, "axes"], [f"u{axis}"]))
    nodes.append(helper.make_node("Concat", [f"u{axis}" for axis in range(4)], ["sizes"], axis=0))
    for number, each in enumerate(nodes):
        model.graph.node.insert(index + number, each)
    resize = node(model, "Resize")
    del resize.input[:]
    resize.input.extend([source, "", "", "sizes"])


def test_shape_arithmetic_is_folded(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.resize(b.conv(b.input(SHAPE, U8), weights(4, 3), U8), (2, 2)))
    model = b.build()
    shape_arithmetic(model, node(model, "Resize").input[0])
    graph = import_model(save(model, tmp_path))
    assert "shape" not in {op.kind for op in graph.ops}
    assert_exact(model, tmp_path)


def test_the_graph_keeps_the_models_names(tmp_path: Path) -> None:
    model = conv_model()
    graph: Graph = import_model(save(model, tmp_path))
    assert [value.name for value in graph.inputs] == ["x0"]
    assert graph.output_names == [model.graph.output[0].name]
    assert graph.opset == 17


def test_shapes_behind_a_foreign_operator_are_folded(tmp_path: Path) -> None:
    """ONNX's own inference stops at com.microsoft."""
    b = QDQBuilder()
    x = b.input(SHAPE, U8)
    b._domains.add("com.microsoft")
    name = b._node("QuickGelu", [b.float_name(x)], domain="com.microsoft", alpha=1.5)
    y = b._finish(name, SHAPE, U8)
    shape = b._node("Shape", [b.float_name(y)])
    rows = b._node("Gather", [shape, b.constant(np.array([1], np.int64))])
    sizes = b._node("Concat", [rows, b.constant(np.array([-1], np.int64))], axis=0)
    b.output(b._finish(b._node("Reshape", [b.float_name(y), sizes]), (3, 48), U8))
    assert_exact(b.build(), tmp_path)


# --- files that are no models


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = save(conv_model(), tmp_path)
    whole = path.read_bytes()
    for size in (len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(CompileError, match=rf"truncated \({size} bytes read\)"):
            import_model(path)


@pytest.mark.parametrize("content", [b"", b"Not a model\n" * 9, b"\0" * 64, b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(CompileError, match=r"model\.onnx (is not an ONNX file|holds no graph)"):
        import_model(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"missing\.onnx: no such file"):
        import_model(tmp_path / "missing.onnx")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"is a folder; give the path of an \.onnx file"):
        import_model(tmp_path)


@pytest.mark.parametrize("opset", [9, 27])
def test_other_opsets_are_refused(opset: int, tmp_path: Path) -> None:
    model = conv_model()
    model.opset_import[0].version = opset
    message = refusal(model, tmp_path)
    assert f"uses opset {opset}; opsets 10 to 26 are taken" in message
    assert "version_converter" in message


def test_a_file_above_protobufs_limit_says_so(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**31 + 5)
    with pytest.raises(CompileError, match=r"has 2,147,483,653 bytes; .*save it with external data"):
        import_model(path)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    os.mkfifo(path)
    with pytest.raises(CompileError, match="is no regular file"):
        import_model(path)


@pytest.mark.parametrize("location", ["a" * 5000, "pipe", "", "."])
def test_external_data_that_is_no_file_is_refused(location: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    model = conv_model()
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CompileError, match="external data can't be read") as caught:
        import_model(path)
    assert len(str(caught.value)) < 1000


def test_an_invalid_graph_is_refused(tmp_path: Path) -> None:
    model = conv_model()
    node(model, "Conv").input[0] = "nowhere"
    message = refusal(model, tmp_path)
    assert "'nowhere'" in message
