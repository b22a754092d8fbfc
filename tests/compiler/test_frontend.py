"""What the frontend takes, and how it refuses the rest: the place, the reason, the next step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler.errors import CompileError, UnsupportedError
from onnx2wgsl.compiler.frontend import import_model
from onnx2wgsl.compiler.interpreter import run_graph
from onnx2wgsl.compiler.ir import Conv, Graph, Pad, Quantize, Resize
from onnx2wgsl.compiler.model_file import OPSETS
from onnx2wgsl.compiler.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.pipeline import compile_model

from tests.compiler.exactness import assert_exact, differing, feeds_for
from tests.zoo import (
    QDQBuilder,
    QuantParams,
    Tensor,
    Weights,
    export,
    mobile_unet,
    quantize,
    random_feeds,
)

U8, S8 = QuantParams(0.05, 100), QuantParams(0.05, -7, "s8")
SHAPE = (1, 3, 6, 8)
Edit = Callable[[onnx.ModelProto], None]


def weights(outputs: int = 4, inputs: int = 3, kernel: int = 3) -> Weights:
    values = np.random.default_rng(0).integers(
        -127, 128, (outputs, inputs, kernel, kernel), np.int8
    )
    return Weights(values, 0.004)


def conv_model(opset: int = 17, x: QuantParams = U8, y: QuantParams = U8) -> onnx.ModelProto:
    b = QDQBuilder(opset)
    b.output(b.conv(b.input(SHAPE, x), weights(), y, pads=(1, 1, 1, 1)))
    return b.build()


def save(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


def node(model: onnx.ModelProto, op: str, index: int = 0) -> onnx.NodeProto:
    return [n for n in model.graph.node if n.op_type == op][index]


def set_initializer(model: onnx.ModelProto, name: str, value: NDArray[Any]) -> None:
    (held,) = [t for t in model.graph.initializer if t.name == name]
    held.CopyFrom(numpy_helper.from_array(value, name))


def refusal(model: onnx.ModelProto, folder: Path, **options: Any) -> str:
    """The message with which `model` is refused."""
    with pytest.raises(CompileError) as caught:
        compile_model(save(model, folder), **options)
    return str(caught.value)


# --- taken
# -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset_compiles_exactly(opset: int, tmp_path: Path) -> None:
    b = QDQBuilder(opset)
    y = b.conv(b.input(SHAPE, U8), weights(), U8, pads=(1, 1, 1, 1))
    b.output(b.unary(b.pad(b.resize(y, (2, 2)), (1, 0, 0, 2)), "Tanh"))
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
    y = b.conv(b.input(SHAPE, U8), weights(), U8)
    b.output(b.unary(y, "Mul", None, 0.5))
    model = b.build()
    name = node(model, "Mul").input[1]
    (held,) = [t for t in model.graph.initializer if t.name == name]
    model.graph.initializer.remove(held)
    model.graph.node.insert(0, helper.make_node("Constant", [], [name], **{attribute: value}))
    assert_exact(model, tmp_path)


def test_external_data_in_the_models_folder_is_read(tmp_path: Path) -> None:
    model, path = conv_model(), tmp_path / "model.onnx"
    options = {"save_as_external_data": True, "location": "weights.data", "size_threshold": 0}
    onnx.save(onnx.ModelProto.FromString(model.SerializeToString()), path, **options)
    assert (tmp_path / "weights.data").exists()
    graph = import_model(path)
    feed = feeds_for(Oracle(model))[0]
    assert differing(run_graph(graph, feed), Oracle(model).run(feed)) == 0


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


def test_scales_and_zero_points_of_shape_1_are_scalars(tmp_path: Path) -> None:
    model = conv_model()
    for tensor in model.graph.initializer:
        if not tensor.dims:
            tensor.dims.append(1)
    assert_exact(model, tmp_path)


def test_output_dtype_tells_the_type_without_a_zero_point(tmp_path: Path) -> None:
    model = conv_model(21, QuantParams(0.05), QuantParams(0.05))
    for each in model.graph.node:
        if each.op_type == "QuantizeLinear":
            del each.input[2]
            each.attribute.append(helper.make_attribute("output_dtype", TensorProto.UINT8))
    assert_exact(model, tmp_path)
    for each in model.graph.node:
        if each.op_type == "QuantizeLinear":
            each.attribute[0].i = TensorProto.INT8
        elif each.op_type == "DequantizeLinear" and each.input[0].startswith("quantize"):
            del each.input[2]
    graph = import_model(save(model, tmp_path))
    assert {op.result.type.dtype for op in graph.ops if isinstance(op, Quantize)} == {"s8"}


def test_an_absent_zero_point_means_uint8_and_zero(tmp_path: Path) -> None:
    model = conv_model(17, QuantParams(0.05), QuantParams(0.05))
    for each in model.graph.node:
        if each.op_type == "QuantizeLinear":
            del each.input[2]
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("per_channel", [False, True])
def test_weights_that_the_model_quantizes_itself(per_channel: bool, tmp_path: Path) -> None:
    """Float weights behind a Q-DQ pair, as fake quantization leaves them."""
    model = conv_model()
    dequantize = node(model, "DequantizeLinear", 1)
    rng = np.random.default_rng(1)
    channels = 4 if per_channel else ()
    values = {
        "real": rng.normal(0, 0.2, (4, 3, 3, 3)).astype(np.float32),
        "scale": rng.uniform(0.002, 0.005, channels).astype(np.float32),
        "zero": np.zeros(channels, np.int8),
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()
    )
    axis = {"axis": 0} if per_channel else {}
    made = helper.make_node("QuantizeLinear", ["real", "scale", "zero"], ["bytes"], **axis)
    model.graph.node.insert(0, made)
    dequantize.input[:] = ["bytes", "scale", "zero"]
    del dequantize.attribute[:]
    if per_channel:
        dequantize.attribute.append(helper.make_attribute("axis", 0))
    assert_exact(model, tmp_path)


def test_a_pad_constant_may_stand_behind_dequantize(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, U8)
    constant = b._node("DequantizeLinear", [b.constant(np.uint8(120)), *b._scale(U8)])
    pads = b.constant(np.array([0, 0, 1, 2, 0, 0, 0, 1], np.int64))
    padded = b._node("Pad", [b.float_name(x), pads, constant])
    b.output(b._finish(padded, (1, 3, 7, 11), U8))
    assert_exact(b.build(), tmp_path)


AUTO_PADS = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]


@pytest.mark.parametrize("mode", AUTO_PADS)
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_auto_pad(mode: str, strides: tuple[int, int], tmp_path: Path) -> None:
    b = QDQBuilder()
    y = b.conv(b.input((1, 3, 9, 8), U8), weights(kernel=4), U8, strides=strides)
    b.output(y)
    model = b.build()
    conv = node(model, "Conv")
    (pads,) = [a for a in conv.attribute if a.name == "pads"]
    conv.attribute.remove(pads)
    conv.attribute.append(helper.make_attribute("auto_pad", mode))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("coordinates", ["asymmetric", "half_pixel", "align_corners"])
def test_resize_by_sizes(coordinates: str, tmp_path: Path) -> None:
    b = QDQBuilder(18)
    y = b.conv(b.input(SHAPE, U8), weights(), U8)
    options = {"coordinate_transformation_mode": coordinates}
    b.output(b.resize(y, sizes=(7, 13), **options))
    assert_exact(b.build(), tmp_path)


@pytest.mark.parametrize("by", ["scales", "sizes"])
def test_resize_of_some_axes(by: str, tmp_path: Path) -> None:
    b = QDQBuilder(18)
    y = b.conv(b.input(SHAPE, U8), weights(), U8)
    if by == "scales":
        target = ["", b.constant(np.array([3, 2], np.float32))]
        axes, shape = [3, 2], (1, 4, 8, 18)
    else:
        target = ["", "", b.constant(np.array([7, 11], np.int64))]
        axes, shape = [-2, -1], (1, 4, 7, 11)
    name = b._node("Resize", [b.float_name(y), *target], axes=axes, mode="nearest")
    b.output(b._finish(name, shape, U8))
    assert_exact(b.build(), tmp_path)


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
def test_wrong_shapes_are_refused(
    shapes: dict[str, tuple[int, ...]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CompileError, match=message):
        import_model(save(dynamic_model(), tmp_path), shapes)


def shape_arithmetic(model: onnx.ModelProto, source: str) -> None:
    """Puts the sizes of the Resize behind Shape, Gather, Mul, Unsqueeze, Concat of `source`."""
    resize = node(model, "Resize")
    index = list(model.graph.node).index(resize)
    constants = {"two": np.int64(2), "axes": np.array([0]), "i0": 0, "i1": 1, "i2": 2, "i3": 3}
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.int64), name))
    made = [helper.make_node("Shape", [source], ["shape"])]
    for axis in range(4):
        made.append(helper.make_node("Gather", ["shape", f"i{axis}"], [f"d{axis}"]))
        last = f"d{axis}"
        if axis > 1:
            made.append(helper.make_node("Mul", [last, "two"], [f"m{axis}"]))
            last = f"m{axis}"
        made.append(helper.make_node("Unsqueeze", [last, "axes"], [f"u{axis}"]))
    made.append(helper.make_node("Concat", [f"u{axis}" for axis in range(4)], ["sizes"], axis=0))
    for number, each in enumerate(made):
        model.graph.node.insert(index + number, each)
    resize = node(model, "Resize")
    del resize.input[:]
    resize.input.extend([source, "", "", "sizes"])


def test_shape_arithmetic_is_folded(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.resize(b.conv(b.input(SHAPE, U8), weights(), U8), (2, 2)))
    model = b.build()
    shape_arithmetic(model, node(model, "Resize").input[0])
    graph = import_model(save(model, tmp_path))
    assert "shape" not in {op.kind for op in graph.ops}
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
@pytest.mark.parametrize("preprocess", [True, False])
def test_what_both_torch_exporters_write(exporter: Any, preprocess: bool, tmp_path: Path) -> None:
    feeds = random_feeds({"input": (1, 3, 16, 16)}, count=2)
    model = export(mobile_unet(16, 4), feeds[0]["input"], exporter=exporter)
    int8 = quantize(model, "u8s8_per_channel", feeds, preprocess=preprocess)
    assert_exact(int8, tmp_path, feeds=[dict(feed) for feed in feeds])


def test_padding_as_torch_writes_it_is_folded(tmp_path: Path) -> None:
    import torch

    net = torch.nn.Sequential(
        torch.nn.ReflectionPad2d((1, 2, 0, 1)),
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.Upsample(size=(17, 11)),
        torch.nn.Conv2d(4, 2, 1),
    )
    feeds = random_feeds({"input": (1, 3, 9, 10)}, count=2)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = export(net, feeds[0]["input"])
    int8 = quantize(model, "u8s8_per_channel", feeds, preprocess=False)
    path = save(int8, tmp_path)
    kinds = [type(op) for op in import_model(path).ops]
    assert (kinds.count(Pad), kinds.count(Resize), kinds.count(Conv)) == (1, 1, 2)
    assert_exact(int8, tmp_path, feeds=[dict(feed) for feed in feeds])


# --- files that are no models
# -----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("opset", [12, 22])
def test_other_opsets_are_refused(opset: int, tmp_path: Path) -> None:
    model = conv_model()
    model.opset_import[0].version = opset
    message = refusal(model, tmp_path)
    assert f"uses opset {opset}; opsets 13 to 21 are taken" in message
    assert "version_converter" in message


def test_an_invalid_graph_is_refused(tmp_path: Path) -> None:
    model = conv_model()
    node(model, "Conv").input[0] = "nowhere"
    message = refusal(model, tmp_path)
    assert "'nowhere'" in message


# --- models that can't be compiled
# -----------------------------------------------------------------------------------------------


def test_all_unsupported_nodes_are_listed_at_once(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, U8)
    b.output(b.unary(x, "Sinh"))
    b.output(b.unary(x, "Cosh"))
    message = refusal(b.build(), tmp_path)
    assert message.startswith("2 nodes of model can't be compiled:")
    assert "Sinh 'Sinh_" in message
    assert "Cosh 'Cosh_" in message
    assert "this operator is not supported; onnx2wgsl takes Conv, Concat" in message


def test_what_reads_a_refused_node_is_not_blamed(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.unary(b.unary(b.input(SHAPE, U8), "Sin"), "Tanh"))
    with pytest.raises(UnsupportedError) as caught:
        import_model(save(b.build(), tmp_path))
    assert len(caught.value.reasons) == 1


def test_an_operator_of_another_domain_is_refused(tmp_path: Path) -> None:
    model = conv_model()
    node(model, "Conv").domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    assert "Conv 'Conv_" in refusal(model, tmp_path)


def test_a_float_model_is_refused_with_the_next_step(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.unary(b.input(SHAPE, None), "Tanh"))
    message = refusal(b.build(), tmp_path)
    assert "has no quantized part" in message
    assert "onnxruntime.quantization.quantize_static" in message


def runs_in_integers(model: onnx.ModelProto) -> bool:
    signed = needs_signed_integer_kernels(model)
    return Oracle(model, signed_integer_kernels=signed).integer_groups().exact


def float_conv(b: QDQBuilder, **options: Any) -> Tensor:
    return b.conv(b.input(SHAPE, U8), weights(), None, **options)


def conv_then_leaky(b: QDQBuilder) -> None:
    b.output(b.unary(float_conv(b), "LeakyRelu", U8))


def conv_then_output(b: QDQBuilder) -> None:
    b.output(float_conv(b))


def conv_with_two_readers(b: QDQBuilder) -> None:
    y = float_conv(b)
    for params in (U8, QuantParams(0.03, 5)):
        b.output(b.unary(y, "Identity", params))


def conv_then_relu_that_matters(b: QDQBuilder) -> None:
    b.output(b.unary(float_conv(b), "Relu", U8))


def conv_of_resize(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    resized = b._node("Resize", [b.float_name(x), "", b.constant(np.float32([1, 1, 2, 2]))])
    b.output(b.conv(Tensor((1, 3, 12, 16), real=resized, params=U8), weights(), U8))


def conv_of_a_resize_that_does_nothing(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    same = b._node("Resize", [b.float_name(x), "", b.constant(np.float32([1, 1, 1, 1]))])
    b.output(b.conv(Tensor(SHAPE, real=same, params=U8), weights(), U8))


def conv_into_concat(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    b.output(b.concat([b.conv(x, weights(kernel=1), None), x], U8))


def bias_of_another_scale(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    bias = np.arange(4, dtype=np.int32)
    b.output(b.conv(x, weights(), U8, bias=bias, bias_scale=0.05 * 0.004 * 1.05))


def unsigned_weights_of_signed_input(b: QDQBuilder) -> None:
    w = Weights(weights().values.view(np.uint8), 0.004, 128)
    b.output(b.conv(b.input(SHAPE, S8), w, S8))


def signed_in_unsigned_out(b: QDQBuilder) -> None:
    b.output(b.conv(b.input(SHAPE, S8), weights(), U8))


def input_as_output(b: QDQBuilder) -> None:
    b.output(b.conv(b.input(SHAPE, U8), weights(), U8))
    b.output(Tensor(SHAPE, real="x0"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (conv_then_leaky, "LeakyRelu follows it; QuantizeLinear must stand directly after Conv"),
        (conv_then_output, "is a float graph output without QuantizeLinear"),
        (conv_with_two_readers, "has 2 readers; one QuantizeLinear is taken"),
        (conv_then_relu_that_matters, "the Relu after it is not implied by QuantizeLinear"),
        (conv_of_resize, "does not come straight from DequantizeLinear"),
        (conv_of_a_resize_that_does_nothing, "does not come straight from DequantizeLinear"),
        (conv_into_concat, "concat follows it; QuantizeLinear must stand directly after Conv"),
        (bias_of_another_scale, "the scale of its bias is not the product"),
        (unsigned_weights_of_signed_input, "u8 weights with s8 activations"),
        (signed_in_unsigned_out, "it takes s8 and gives u8; the two must agree"),
        (input_as_output, "is the graph input %x0 itself"),
    ],
)
def test_what_stays_in_float_is_refused_with_the_reason(
    make: Callable[[QDQBuilder], None], reason: str, tmp_path: Path
) -> None:
    b = QDQBuilder()
    make(b)
    if make is not input_as_output:
        assert not runs_in_integers(b.build()), "onnxruntime takes it: why does onnx2wgsl not?"
    message = refusal(b.build(), tmp_path)
    assert "parts of the model are not integer" in message
    assert reason in message


def per_axis_activation(model: onnx.ModelProto) -> None:
    for each in (node(model, "QuantizeLinear"), node(model, "DequantizeLinear")):
        if each.input[0] in ("x0", node(model, "QuantizeLinear").output[0]):
            set_initializer(model, each.input[1], np.full(3, 0.05, np.float32))
            set_initializer(model, each.input[2], np.full(3, 100, np.uint8))


def blocked(model: onnx.ModelProto) -> None:
    for each in (node(model, "QuantizeLinear"), node(model, "DequantizeLinear")):
        set_initializer(model, each.input[1], np.full((1, 3, 3, 8), 0.05, np.float32))
        set_initializer(model, each.input[2], np.full((1, 3, 3, 8), 100, np.uint8))
        each.attribute.append(helper.make_attribute("block_size", 2))
        each.attribute.append(helper.make_attribute("axis", 2))


def other_parameters(model: onnx.ModelProto) -> None:
    set_initializer(model, node(model, "DequantizeLinear").input[1], np.float32(0.06))


def sixteen_bits(model: onnx.ModelProto) -> None:
    for each in (node(model, "QuantizeLinear"), node(model, "DequantizeLinear")):
        set_initializer(model, each.input[2], np.uint16(100))


def zero_scale(model: onnx.ModelProto) -> None:
    set_initializer(model, node(model, "QuantizeLinear").input[1], np.float32(0))


def computed_scale(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, []))
    node(model, "QuantizeLinear").input[1] = "s"


def negative_pads(model: onnx.ModelProto) -> None:
    for attribute in node(model, "Conv").attribute:
        if attribute.name == "pads":
            attribute.ints[:] = [-1, 1, 1, 1]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (per_axis_activation, "the scale of an activation must be one constant number, it has 3"),
        (blocked, "blocked quantization is not supported"),
        (other_parameters, "which was made with {s=0.05, z=100}"),
        (sixteen_bits, "uint16"),
        (zero_scale, "the scale 0.0 is not a positive number"),
        (computed_scale, "operand 1 ('s') must be constant"),
        (negative_pads, "negative pads [-1, 1, 1, 1]"),
    ],
)
def test_what_no_rule_covers_is_refused_with_the_reason(
    edit: Edit, reason: str, tmp_path: Path
) -> None:
    model = conv_model(21)
    edit(model)
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    assert reason in refusal(model, tmp_path)


def linear(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.resize(x, (2, 2), mode="linear")


def long_reflection(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.pad(x, (6, 0, 0, 0), mode="reflect")


def wrapped(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.pad(x, (1, 0, 0, 0), mode="wrap")


def sum_of_two(b: QDQBuilder, x: Tensor) -> Tensor:
    name = b.float_name(x)
    return b._finish(b._node("Add", [name, name]), x.shape, U8)


def per_channel_constant(b: QDQBuilder, x: Tensor) -> Tensor:
    name = b._node("Mul", [b.float_name(x), b.constant(np.ones((1, 3, 1, 1), np.float32))])
    return b._finish(name, x.shape, U8)


def concat_of_rows(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.concat([x, x], U8, axis=2)


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (linear, "mode 'linear'; only nearest is taken"),
        (long_reflection, "reflection by [6, 0, 0, 0] does not fit 6x8"),
        (wrapped, "mode 'wrap' on 4 dimensions is not supported"),
        (sum_of_two, "it combines 2 computed tensors; one and scalar constants are taken"),
        (per_channel_constant, "has 3 elements, not one"),
        (concat_of_rows, "axis 2 of 4 dimensions; channels (axis 1 of 4) are taken"),
    ],
)
def test_forms_of_an_operator_that_are_not_taken(
    op: Callable[[QDQBuilder, Tensor], Tensor], reason: str, tmp_path: Path
) -> None:
    b = QDQBuilder(19)
    b.output(op(b, b.input(SHAPE, U8)))
    assert reason in refusal(b.build(), tmp_path)


def test_the_graph_keeps_the_models_names(tmp_path: Path) -> None:
    model = conv_model()
    graph: Graph = import_model(save(model, tmp_path))
    assert [value.name for value in graph.inputs] == ["x0"]
    assert graph.output_names == [model.graph.output[0].name]
    assert graph.opset == 17
