"""Small files that ask for much are refused with the number, the limit and the node, or take little; real
models are far from every limit.
"""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler import pipeline
from onnx2wgsl.compiler.budgets import (
    CONSTANT_ELEMENTS,
    DISPATCHES,
    ELEMENTS,
    LANES,
    MEMORY_BYTES,
    MOVED_ELEMENTS,
    OPERATIONS,
)
from onnx2wgsl.compiler.passes.place_concat import MAX_STORES
from onnx2wgsl.compiler.pipeline import compile_model

from tests.builders.nodes import model_of
from tests.compiler.artifacts import AVATAR
from tests.compiler.exactness import assert_exact
from tests.compiler.refusals import refusal

Node = tuple[str, list[str], str] | tuple[str, list[str], str, dict[str, Any]]


def model(shape: tuple[int, ...], nodes: list[Node], end: str, **constants: Any) -> onnx.ModelProto:
    """x, quantized, is `q`; what the nodes make of it, `end`, is quantized to `y`."""
    pairs: list[Node] = [
        ("QuantizeLinear", ["x", "s", "z"], "x8"),
        ("DequantizeLinear", ["x8", "s", "z"], "q"),
        *nodes,
        ("QuantizeLinear", [end, "s", "z"], "y8"),
        ("DequantizeLinear", ["y8", "s", "z"], "y"),
    ]
    written = [helper.make_node(op, xs, [y], y, **(more[0] if more else {})) for op, xs, y, *more in pairs]
    x = np.broadcast_to(np.float32(0), shape)
    return model_of(written, {"x": x}, {"s": np.float32(0.1), "z": np.uint8(3), **constants}, opset=17)


def conv(shape: tuple[int, ...], weight: tuple[int, ...], **attributes: Any) -> onnx.ModelProto:
    nodes: list[Node] = [
        ("DequantizeLinear", ["w8", "s"], "w"),
        ("Conv", ["q", "w"], "c", attributes),
    ]
    return model(shape, nodes, "c", w8=np.ones(weight, np.int8))


def pool(op: str, shape: tuple[int, ...], kernel: list[int], **attributes: Any) -> onnx.ModelProto:
    return model(shape, [(op, ["q"], "c", {"kernel_shape": kernel, **attributes})], "c")


def chain(op: str, count: int, shape: tuple[int, ...], **attributes: Any) -> onnx.ModelProto:
    """A node of the node before it, twice where the operator takes two operands, and so on."""
    operands = 2 if op in ("Concat", "Add") else 1
    names = ["q", *(f"n{number}" for number in range(count))]
    nodes: list[Node] = [(op, [names[n]] * operands, names[n + 1], attributes) for n in range(count)]
    return model(shape, nodes, names[-1])


def pools(count: int) -> onnx.ModelProto:
    """So many kernels, none of which another could take in."""
    nodes: list[Node] = []
    last = "q"
    for n in range(count):
        nodes.append(("MaxPool", [last], f"m{n}", {"kernel_shape": [1, 2], "pads": [0, 0, 0, 1]}))
        last = f"m{n}"
    return model((1, 1, 1, 4), nodes, last)


def outputs(count: int) -> onnx.ModelProto:
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["x8"])]
    names = [f"y{number}" for number in range(count)]
    nodes += [helper.make_node("DequantizeLinear", ["x8", "s", "z"], [name]) for name in names]
    x = np.broadcast_to(np.float32(0), (1, 4, 2048, 2048))
    return model_of(nodes, {"x": x}, {"s": np.float32(0.1), "z": np.uint8(3)}, names)


SIDES = np.array([1, 16, 1024, 2048], np.int64)
REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "channels doubled 24 times": (
        lambda: chain("Concat", 24, (1, 1, 1, 1), axis=1),
        "Concat %n12.q has 8,192 parts; at most 4,096 are taken",
    ),
    "rows doubled 26 times": (
        lambda: chain("Concat", 26, (1, 1, 1, 1), axis=2),
        f"the tensor 'n25' has 67,108,864 elements; at most {ELEMENTS:,} are taken",
    ),
    "one channel of many pixels": (
        lambda: chain("Relu", 1, (1, 1, 4096, 8192)),
        f"%x8, four channels to a word, has 134,217,728 bytes; at most {LANES:,} are taken",
    ),
    "many layers of many pixels": (
        lambda: chain("Add", 300, (1, 16, 1024, 2048)),
        "with all tensors together, has 10,234,101,760 elements; at most 8,589,934,592 are taken",
    ),
    "constants": (
        lambda: model(
            (1,),
            [
                ("ConstantOfShape", ["sides"], "c0"),
                *[("Neg", [f"c{n}"], f"c{n + 1}") for n in range(8)],
                ("ReduceMax", ["c8"], "c", {"keepdims": 0}),
                ("Add", ["q", "c"], "a"),
            ],
            "a",
            sides=SIDES,
        ),
        "what is computed from constants alone has 301,989,889 elements; at most 134,217,728 are taken",
    ),
    "pads": (
        lambda: conv((1, 1, 4, 4), (1, 1, 3, 3), pads=[2**30] * 4, strides=[2**30] * 2),
        "Conv 'c': its operand, padded, has 4,611,686,035,607,257,104 elements; at most 134,217,728 are",
    ),
    "pads of a pool": (
        lambda: pool("MaxPool", (1, 1, 4, 4), [2**20] * 2, pads=[2**20 - 1] * 4, strides=[2**20] * 2),
        "MaxPool 'c': its operand, padded, has 4,398,054,899,716 elements; at most 134,217,728 are taken",
    ),
    "taps": (
        lambda: pool("AveragePool", (1, 1, 4096, 4096), [512, 512]),
        "AveragePool 'c': its windows of 262,144 taps together has 3,369,133,670,400 taps; "
        f"at most {OPERATIONS:,} are taken",
    ),
    "a wide window": (
        lambda: conv((1, 1, 1, 3000), (1, 1, 1, 2000)),
        "has 2,000 taps in a row; at most 1,024 are taken",
    ),
    "groups that are no words": (
        lambda: conv((1, 10000, 1, 1), (20000, 1, 1, 1), group=10000),
        "with zeros between its 10000 groups, has 200,000,000 weights; at most 16,777,216 are taken",
    ),
    "products": (
        lambda: conv((1, 32, 1024, 1024), (32, 32, 33, 33), pads=[16] * 4),
        "1,169,304,846,336 of them at 'w8', has 1,169,304,846,336 products and sums a frame; "
        f"at most {OPERATIONS:,} are taken",
    ),
    "moves": (
        lambda: chain("Transpose", 20, (1, 32, 1024, 1024), perm=[0, 2, 3, 1]),
        f"in the results of all its moves together, has 671,088,640 elements; at most {MOVED_ELEMENTS:,} are",
    ),
    "outputs": (
        lambda: outputs(20),
        f"its arena, inputs and outputs together has 1,426,063,360 bytes; at most {MEMORY_BYTES:,} are taken",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_takes_too_much_is_refused_before_it_is_made(name: str, tmp_path: Path) -> None:
    make, reason = REFUSED[name]
    path = make()
    tracemalloc.start()
    try:
        message = refusal(path, tmp_path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason in message
    assert most < 2**28


@pytest.mark.parametrize("size", [2**31, 2**40, 2**25])
def test_a_long_vector_is_not_followed_by_its_elements(size: int, tmp_path: Path) -> None:
    """ONNX's shape inference takes every vector for one of shapes, and makes a message of each element."""
    nodes: list[Node] = [("Concat", ["q", "q"], "c", {"axis": 0}), ("Shape", ["c"], "shape")]
    proto = model((4,), nodes, "c")
    proto.graph.output.append(helper.make_tensor_value_info("shape", onnx.TensorProto.INT64, [1]))
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = size
    assert f"elements; at most {ELEMENTS:,} are taken" in refusal(proto, tmp_path)


def test_dispatches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "DISPATCHES", 50)
    assert "model has 51 kernels; at most 50 are taken" in refusal(pools(49), tmp_path)


def test_a_refusal_of_ours_does_not_run_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any) -> None:
        raise AssertionError("the model was run")

    monkeypatch.setattr(pipeline, "require_runs", run)
    assert "taps in a row" in refusal(conv((1, 1, 1, 3000), (1, 1, 1, 2000)), tmp_path)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(("shape", "kernel"), [((1, 3, 257, 258), [256, 256]), ((1, 2, 65540), [65536])])
def test_windows_of_65536_taps(op: str, shape: tuple[int, ...], kernel: list[int], tmp_path: Path) -> None:
    assert_exact(pool(op, shape, kernel), tmp_path)


def test_channels_doubled_a_dozen_times_are_few_stores(tmp_path: Path) -> None:
    program = assert_exact(chain("Concat", 11, (1, 2, 1, 1), axis=1), tmp_path)
    assert max(len(kernel.stores) for kernel in program.kernels) <= MAX_STORES


def test_the_avatar_takes_a_hundredth_of_what_is_allowed() -> None:
    program = compile_model(AVATAR)
    assert len(program.kernels) * 100 < DISPATCHES
    assert sum(kernel.operations for kernel in program.kernels) * 100 < OPERATIONS
    assert (program.arena_words or 0) * 4 * 100 < MEMORY_BYTES


def test_the_weights_of_a_vgg_are_taken() -> None:
    assert CONSTANT_ELEMENTS > 25088 * 4096
