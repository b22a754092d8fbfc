"""fold_affine folds scales and shifts of channels into products, to the bits of onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.ir.graph import Op, Value
from onnx2wgsl.compiler.operators.convolution.op import Conv
from onnx2wgsl.compiler.operators.onnx_op import OnnxOp
from onnx2wgsl.compiler.passes.fold_affine import FoldAffine
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.reference.session import open_session, quiet_options

from tests.builders.ir import unchanged
from tests.builders.nodes import Array, NodeBuilder
from tests.compiler.exactness import assert_exact

CHANNELS = (4, 1, 1)
PRODUCTS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, int]]] = {
    "conv": ("Conv", (1, 3, 4, 4), (4, 3, 2, 2), {}),
    "depthwise": ("Conv", (1, 4, 4, 4), (4, 1, 2, 2), {"group": 4}),
    "conv along one axis": ("Conv", (1, 3, 5), (4, 3, 2), {}),
    "transposed": ("ConvTranspose", (1, 3, 4, 4), (3, 4, 2, 2), {}),
    "transposed groups": ("ConvTranspose", (1, 6, 4, 4), (6, 2, 2, 2), {"group": 2}),
}


class Affine(NodeBuilder):
    """A product, of floats or of `quantized` ones, and what follows it."""

    quantized = False

    def pair(self, x: str, scale: float) -> str:
        parameters = self.constant(np.float32(scale)), self.constant(np.uint8(120))
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *parameters), *parameters)

    def product(self, kind: str, *, bias: bool = False) -> str:
        op_type, x, weights, attributes = PRODUCTS[kind]
        source = self.input(self.draw(*x))
        source = self.pair(source, 0.03) if self.quantized else source
        operands = [source, self.constant(self.draw(*weights))]
        return self.node(op_type, *operands, *self.constants_of(4)[: int(bias)], **attributes)

    def constants_of(self, *shape: int) -> list[str]:
        return [self.constant(self.draw(*shape))]

    def normalize(self, x: str, channels: int = 4) -> str:
        parameters = [self.constant(self.draw(channels)) for _ in range(3)]
        variance = self.constant(np.abs(self.draw(channels)) + 0.1)
        return self.node("BatchNormalization", x, *parameters, variance, epsilon=0.003)


def folded_by_onnxruntime(model: onnx.ModelProto, folder: Path) -> list[Array]:
    """Weights and bias of the one product that it leaves."""
    options = quiet_options()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    open_session(model, options)
    graph = onnx.load(folder / "optimized.onnx").graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    (node,) = graph.node
    return [constants[name] for name in node.input[1:]]


def folded_here(model: onnx.ModelProto, folder: Path) -> list[Array]:
    onnx.save(model, folder / "m.onnx")
    graph = import_model(folder / "m.onnx")
    assert FoldAffine().apply(graph)
    assert not FoldAffine().apply(graph)
    (op,) = graph.ops
    return [value.array for value in constants_of(op)]


def constants_of(op: Op) -> list[Value]:
    if isinstance(op, Conv):
        return [value for value in (op.weight, op.bias) if value is not None]
    assert isinstance(op, OnnxOp)
    return list(op.xs[1:])


def assert_folded_alike(builder: NodeBuilder, folder: Path) -> None:
    model = builder.build()
    want, have = folded_by_onnxruntime(model, folder), folded_here(model, folder)
    assert [array.tobytes() for array in want] == [array.tobytes() for array in have]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", PRODUCTS)
def test_batch_normalization(kind: str, bias: bool, tmp_path: Path) -> None:
    m = Affine()
    m.normalize(m.product(kind, bias=bias))
    assert_folded_alike(m, tmp_path)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("op_type", "shape"), [("Mul", ()), ("Mul", CHANNELS), ("Mul", (1, *CHANNELS)), ("Add", CHANNELS)]
)
def test_scale_and_shift(op_type: str, shape: tuple[int, ...], bias: bool, tmp_path: Path) -> None:
    m = Affine()
    m.node(op_type, m.product("conv", bias=bias), *m.constants_of(*shape))
    assert_folded_alike(m, tmp_path)


def test_several_in_a_row(tmp_path: Path) -> None:
    m = Affine()
    y = m.node("Mul", m.normalize(m.product("conv")), *m.constants_of())
    m.normalize(m.node("Add", y, *m.constants_of(*CHANNELS)))
    assert_folded_alike(m, tmp_path)


def test_the_columns_of_a_matmul(tmp_path: Path) -> None:
    m = Affine()
    x = m.input(m.draw(5, 3))
    m.normalize(m.node("MatMul", x, *m.constants_of(3, 4)))
    assert_folded_alike(m, tmp_path)


def test_the_sum_with_a_gemm_is_its_bias(tmp_path: Path) -> None:
    m = Affine()
    x = m.input(m.draw(5, 3))
    m.node("Sum", *m.constants_of(4), m.node("Gemm", x, *m.constants_of(3, 4)))
    assert_folded_alike(m, tmp_path)


HEAD = 'graph @t (%x: f32[1,2,4,4]) -> ("y": %y{more}) opset 17 {{\n  @w: f32[2,2,1,1] = splat 0.5\n'
CONV = "  %c: f32[1,2,4,4] = conv(%x, weight=@w)\n"
Y = '  %y: f32[1,2,4,4] = elementwise([{xs}], op_type="{op_type}")\n}}'


@pytest.mark.parametrize(
    ("shape", "xs", "op_type"),
    [
        ("[2,1,1]", "@k, %c", "Mul"),
        ("[2,1,1]", "@k, %c", "Add"),
        ("[2,1,1]", "%c, @k", "Div"),
        ("[1]", "%c, @k", "Mul"),
        ("[]", "%c, @k", "Add"),
        ("[2,4,4]", "%c, @k", "Add"),
        ("[1,4]", "%c, @k", "Mul"),
    ],
)
def test_other_constants_stay(shape: str, xs: str, op_type: str) -> None:
    constant = f"  @k: f32{shape} = splat 0.25\n"
    unchanged(FoldAffine(), HEAD.format(more="") + constant + CONV + Y.format(xs=xs, op_type=op_type))


def test_what_is_read_elsewhere_stays() -> None:
    constant, y = "  @k: f32[] = [0.25]\n", Y.format(xs="%c, @k", op_type="Mul")
    unchanged(FoldAffine(), HEAD.format(more=', "c": %c') + constant + CONV + y)
    other = '  %t: f32[1,2,4,4] = elementwise([%c], op_type="Tanh")\n'
    unchanged(FoldAffine(), HEAD.format(more=', "t": %t') + constant + CONV + other + y)


def test_weights_that_are_quantized_already_stay() -> None:
    weights = (
        "  @q: s8[2,2,1,1] = splat 3\n  @s: f32[] = [0.5]\n  %w: f32[2,2,1,1] = dequantize(@q, scale=@s)\n"
    )
    text = HEAD.format(more="").replace("  @w: f32[2,2,1,1] = splat 0.5\n", weights)
    text += "  @k: f32[] = [0.25]\n" + CONV.replace("@w", "%w")
    unchanged(FoldAffine(), text + Y.format(xs="%c, @k", op_type="Mul"))


@pytest.mark.parametrize("product", ["conv", "conv along one axis", "depthwise"])
def test_what_follows_float_weights_is_in_the_integer_op(product: str, tmp_path: Path) -> None:
    m = Affine()
    m.quantized = True
    m.pair(m.node("Mul", m.normalize(m.product(product, bias=True)), *m.constants_of()), 0.05)
    model = m.build()
    assert reference_of(model).integer_groups().counts == {"QLinearConv": 1}
    assert_exact(model, tmp_path)


def test_a_matmul_and_its_normalization_are_one_integer_op(tmp_path: Path) -> None:
    m = Affine()
    x = m.pair(m.input(m.draw(4, 3)), 0.03)
    moved = m.node("Transpose", m.node("MatMul", x, *m.constants_of(3, 4)), perm=[1, 0])
    m.pair(m.normalize(moved), 0.05)
    model = m.build()
    assert reference_of(model).integer_groups().counts == {"QGemm": 1, "Transpose": 1}
    assert_exact(model, tmp_path)
