"""Which forms of operators are taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler.frontend.nodes import TRUE_ONLY_AS_ONE
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.types import Array
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.verify.compare import same_bits

from tests.builders.between import model as between_model
from tests.builders.edit import SHAPE, conv_model, node, save
from tests.builders.nodes import run_node
from tests.builders.qdq import U8, QDQBuilder, QuantParams, weights
from tests.compiler.exactness import IMPURE_UNARY, assert_exact
from tests.compiler.refusals import refusal


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
    # onnxruntime's optimizer forgets output_dtype there.
    assert "Type (tensor(int8)) of output arg" in refusal(model, tmp_path)


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
    quantize = helper.make_node("QuantizeLinear", ["real", "scale", "zero"], ["bytes"], **axis)
    model.graph.node.insert(0, quantize)
    dequantize.input[:] = ["bytes", "scale", "zero"]
    del dequantize.attribute[:]
    if per_channel:
        dequantize.attribute.append(helper.make_attribute("axis", 0))
    assert_exact(model, tmp_path)


@pytest.mark.parametrize(("op_type", "axes"), [("ReduceMax", [1]), ("ReduceMin", [1]), ("ArgMax", 1)])
@pytest.mark.parametrize("keepdims", [0, 1, 2, -1])
def test_only_1_keeps_dimensions(op_type: str, axes: Any, keepdims: int, tmp_path: Path) -> None:
    where = {"axes": axes} if isinstance(axes, list) else {"axis": axes}
    result = None if op_type == "ArgMax" else (0.02, 100)
    assert_exact(between_model(op_type, [SHAPE], result, keepdims=keepdims, **where), tmp_path)


FLAGS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "keepdims": ("ReduceSum", {}, {}),
    "noop_with_empty_axes": ("ReduceSum", {}, {}),
    "ceil_mode": ("MaxPool", {}, {"kernel_shape": [2, 2], "strides": [2, 3]}),
    "select_last_index": ("ArgMax", {}, {"axis": 1, "keepdims": 0}),
    "count_include_pad": ("AveragePool", {}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "transB": ("Gemm", {"w": np.eye(3, 3, 1, np.float32)}, {}),
}


@pytest.mark.parametrize("flag", FLAGS)
def test_which_numbers_set_a_flag(flag: str) -> None:
    """Only 1, or any but 0, in onnxruntime."""
    op_type, constants, attributes = FLAGS[flag]
    x = np.ones((3, 3) if constants else (1, 2, 5, 6), np.float32)
    x[..., ::2] = 2

    def run(number: int) -> Array:
        return run_node(op_type, {"x": x}, constants, **attributes, **{flag: number})

    assert not same_bits({"y": run(0)}, {"y": run(1)})
    expected = run(0 if flag in TRUE_ONLY_AS_ONE else 1)
    assert all(same_bits({"y": run(number)}, {"y": expected}) for number in (2, -1))


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
    y = b.conv(b.input((1, 3, 9, 8), U8), weights(4, 3, 4), U8, strides=strides)
    b.output(y)
    model = b.build()
    conv = node(model, "Conv")
    (pads,) = [a for a in conv.attribute if a.name == "pads"]
    conv.attribute.remove(pads)
    conv.attribute.append(helper.make_attribute("auto_pad", mode))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert_exact(model, tmp_path)


CROP = "tf_crop_and_resize"


@pytest.mark.parametrize(
    "coordinates", ["asymmetric", "half_pixel", "align_corners", "half_pixel_symmetric", CROP]
)
def test_resize_by_sizes(coordinates: str, tmp_path: Path) -> None:
    b = QDQBuilder(18)
    y = b.conv(b.input(SHAPE, U8), weights(4, 3), U8)
    roi = (0.1, 0.2, 0.9, 0.8) if coordinates == CROP else None
    b.output(b.resize(y, sizes=(7, 13), roi=roi, coordinate_transformation_mode=coordinates))
    assert_exact(b.build(), tmp_path)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_resize_that_keeps_the_aspect(policy: str, tmp_path: Path) -> None:
    b = QDQBuilder(18)
    sizes = b.constant(np.array([7, 13], np.int64))
    shape = (1, 3, 7, 9) if policy == "not_larger" else (1, 3, 10, 13)
    options = {"axes": [2, 3], "mode": "nearest", "keep_aspect_ratio_policy": policy}
    x = b.input(SHAPE, U8)
    name = b._node("Resize", [b.float_name(x), "", "", sizes], **options)
    b.output(b._finish(name, shape, U8))
    assert_exact(b.build(), tmp_path)


@pytest.mark.parametrize("roi", [(0.25, 0.0, 0.75, 1.0), (0.9, 0.3, 0.1, 0.3)])
def test_resize_that_crops(roi: tuple[float, ...], tmp_path: Path) -> None:
    b = QDQBuilder(13)
    b.output(b.resize(b.input(SHAPE, U8), sizes=(5, 9), roi=roi, coordinate_transformation_mode=CROP))
    assert_exact(b.build(), tmp_path)


def test_pad_that_wraps(tmp_path: Path) -> None:
    b = QDQBuilder(19)
    b.output(b.pad(b.input(SHAPE, U8), (1, 0, 2, 3), mode="wrap"))
    assert_exact(b.build(), tmp_path)


@pytest.mark.parametrize("by", ["scales", "sizes"])
def test_resize_of_some_axes(by: str, tmp_path: Path) -> None:
    b = QDQBuilder(18)
    y = b.conv(b.input(SHAPE, U8), weights(4, 3), U8)
    if by == "scales":
        target = ["", b.constant(np.array([3, 2], np.float32))]
        axes, shape = [3, 2], (1, 4, 8, 18)
    else:
        target = ["", "", b.constant(np.array([7, 11], np.int64))]
        axes, shape = [-2, -1], (1, 4, 7, 11)
    name = b._node("Resize", [b.float_name(y), *target], axes=axes, mode="nearest")
    b.output(b._finish(name, shape, U8))
    assert_exact(b.build(), tmp_path)


def old_model(opset: int, op_type: str, *constants: Any, zero: int = 100, **attributes: Any) -> Any:
    b = QDQBuilder(opset)
    x = b.input((1, 4, 3, 5), QuantParams(0.05, 100), as_float=False)
    y = b._node(op_type, [b.float_name(x), *(b.constant(c) for c in constants)], **attributes)
    b.output(b._finish(y, (), QuantParams(0.05, zero)), as_float=False)
    dtype = b._outputs[0].type.tensor_type.elem_type
    b._outputs[0].type.tensor_type.ClearField("shape")
    graph = helper.make_graph(b._nodes, "old", b._inputs, b._outputs, list(b._constants.values()))
    assert dtype == TensorProto.UINT8
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=5)


EMPTY = [np.zeros(0, np.float32)]
OLD: dict[str, Callable[[], onnx.ModelProto]] = {
    "clip": lambda: old_model(10, "Clip", min=0.0, max=2.0),
    "pad": lambda: old_model(10, "Pad", mode="constant", value=0.0, pads=[0, 0, 1, 0, 0, 0, 0, 2]),
    "resize up": lambda: old_model(10, "Resize", np.float32([1, 1, 2, 3]), mode="nearest"),
    "resize down": lambda: old_model(10, "Resize", np.float32([1, 1, 0.5, 0.7]), mode="nearest"),
    "resize both": lambda: old_model(10, "Resize", np.float32([1, 1, 2, 0.7]), mode="nearest"),
    "resize as tensorflow": lambda: old_model(
        11,
        "Resize",
        *EMPTY,
        *EMPTY,
        np.array([1, 4, 7, 3]),
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="tf_half_pixel_for_nn",
    ),
    "squeeze": lambda: old_model(11, "Squeeze", axes=[0]),
    "unsqueeze": lambda: old_model(11, "Unsqueeze", axes=[0, 3]),
    "reduce": lambda: old_model(12, "ReduceMax", axes=[2], keepdims=0),
}


@pytest.mark.parametrize("form", OLD)
def test_forms_of_older_opsets(form: str, tmp_path: Path) -> None:
    assert_exact(OLD[form](), tmp_path)


@pytest.mark.parametrize("op_type", sorted(IMPURE_UNARY))
def test_an_op_whose_result_depends_on_the_position_is_a_float_region(op_type: str, tmp_path: Path) -> None:
    b = QDQBuilder(opset=18)  # the first with Mish
    x = b.input((1, 2, 3, 3), QuantParams(0.05, 128))
    b.output(b.unary(x, op_type, QuantParams(0.02, 128)))
    program: Program = compile_model(save(b.build(), tmp_path))
    assert "float_map" in [kernel.kind for kernel in program.kernels]
