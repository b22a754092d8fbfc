"""A new operator needs nothing outside its own room: this file is the whole of one.

`negate` is what Neg between DequantizeLinear and QuantizeLinear of the same scale and zero point
computes: zero point - (byte - zero point), clamped. (The compiler makes a table of it otherwise.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler.ir.graph import Graph, Op, Tensors, Value
from onnx2wgsl.compiler.ir.program import Program, View
from onnx2wgsl.compiler.lowering.memory import Memory
from onnx2wgsl.compiler.lowering.scheduling import Scheduler
from onnx2wgsl.compiler.lowering.shader import Json, Shader, start_of
from onnx2wgsl.compiler.operators import catalogue
from onnx2wgsl.compiler.operators.base import FamilyKernel, FamilyOp
from onnx2wgsl.compiler.operators.fusion import Group, Surroundings
from onnx2wgsl.compiler.operators.onnx_op import Elementwise
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compiled import compile_in_memory
from onnx2wgsl.compiler.verify.stages import run_stage

from tests.builders.ir import reparsed
from tests.property.gpu import in_every_variant

Array = NDArray[Any]
SCALE, ZERO_POINT = 0.05, 100

# ---------------------------------------------------------------------------------- the room


@pytest.fixture(autouse=True)
def _only_here() -> Iterator[None]:
    """The operator is known while a test of this file runs, and not to any other."""
    catalogue.register(fuse)
    yield
    catalogue.RULES.remove(fuse)


@dataclass(eq=False)
class Negate(FamilyOp):
    """result = 2 * zero point - x, clamped; both of one scale and zero point."""

    kind = "made_up_negate"
    x: Value

    def evaluate(self, tensors: Tensors) -> Array:
        _, zero_point, limits = self.model_type(self.x)
        x = self.stored(tensors[self.x])
        return self.packed(np.clip(2 * zero_point - x.astype(np.int32), *limits).astype(x.dtype))

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    def schedule(self, scheduler: Scheduler) -> None:
        quantization = self.x.type.quantization
        assert quantization is not None
        frame = scheduler.frame(self)
        scheduler.kernel(
            NegateKernel(*frame, source=scheduler.view(self.x), twice=2 * quantization.zero_point)
        )


@dataclass(eq=False)
class NegateKernel(FamilyKernel):
    """`twice` less each packed byte, clamped."""

    kind = "negate"
    template_text = """{% include "_kernel.wgsl.j2" %}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let word = index % words;
  let pixel = index / words;
  let x = vec4i(vec4u(arena[source + pixel * pitch + word]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);
  let y = vec4u(clamp(vec4i(twice) - x, vec4i(-128), vec4i(127))) & vec4u(255u);
  store(pixel, word, y.x | (y.y << 8u) | (y.z << 16u) | (y.w << 24u));
}
"""
    source: View = field(kw_only=True)
    twice: int = field(kw_only=True)

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del inputs
        x = memory.read(self.source).view(np.int8).astype(np.int32)
        return np.clip(self.twice - x, -128, 127).astype(np.int8).view(np.uint8)

    def emit(self, shader: Shader) -> Json:
        shader.arena()
        shader.define(source=start_of(self.source), pitch=self.source.pitch)
        shader.define("i32", twice=self.twice)
        return {}


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of a Neg whose scale and zero point do not change."""
    if not isinstance(op, Elementwise) or op.op_type != "Neg":
        return None
    x, quantize = around.requantized(op)
    if x.type.quantization != quantize.result.type.quantization:
        return None
    return Group(quantize, Negate(quantize.result, x))


# ---------------------------------------------------------------------------------- its way


def model(dtype: type = np.uint8) -> onnx.ModelProto:
    """x -> Q -> DQ -> Neg -> Q -> DQ -> y, f32 [1, 6, 3, 5]."""
    pair = ["scale", "zero_point"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", *pair], ["a"]),
        helper.make_node("DequantizeLinear", ["a", *pair], ["b"]),
        helper.make_node("Neg", ["b"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", *pair], ["d"]),
        helper.make_node("DequantizeLinear", ["d", *pair], ["y"]),
    ]
    zero_point = ZERO_POINT if dtype is np.uint8 else ZERO_POINT - 128
    constants = [
        numpy_helper.from_array(np.float32(SCALE), "scale"),
        numpy_helper.from_array(np.asarray(zero_point, dtype), "zero_point"),
    ]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 6, 3, 5]) for n in "xy")
    graph = helper.make_graph(nodes, "negated", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_an_operator_of_its_own_room_goes_all_the_way(dtype: type) -> None:
    """Compiled, printed, parsed, interpreted, simulated, and run on the device: the same bits."""
    feed = {"x": np.linspace(-9, 9, 90, dtype=np.float32).reshape(1, 6, 3, 5)}
    expected = Oracle(model(dtype)).run(feed)["y"]
    stages: dict[str, Array] = {}

    def evaluate(name: str, stage: Graph | Program) -> None:
        again = reparsed(stage)
        stages[name], stages[f"{name}, parsed"] = run_stage(stage, feed)["y"], run_stage(again, feed)["y"]
        if isinstance(again, Program):
            assert any(isinstance(kernel, NegateKernel) for kernel in again.kernels)
        elif name in ("fuse_groups", "pack_int8"):
            assert any(isinstance(op, Negate) for op in again.ops)

    program = compile_in_memory(model(dtype), evaluate)
    assert any(isinstance(kernel, NegateKernel) for kernel in program.kernels)
    for variant, outputs in in_every_variant(model(dtype), program, feed):
        stages[f"on the device, {variant}"] = outputs["y"]
    differing = {name: int((output != expected).sum()) for name, output in stages.items()}
    assert differing == dict.fromkeys(stages, 0)


def test_without_its_rule_the_same_model_becomes_a_table() -> None:
    catalogue.RULES.remove(fuse)
    try:
        assert not any(isinstance(k, NegateKernel) for k in compile_in_memory(model()).kernels)
    finally:
        catalogue.register(fuse)
