"""Inputs and outputs of bool, int32 and int64; outputs that are constants or inputs."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.builders.between import model
from tests.builders.nodes import model_of
from tests.compiler.exactness import assert_exact_on_gpu
from tests.compiler.refusals import refusal


@pytest.mark.parametrize("dtype", [bool, np.int64, np.int32])
def test_an_input_moved_to_an_output(dtype: type, tmp_path: Path) -> None:
    """Beside a quantized part, so that there is something to compile."""
    onnx_model = model("Tanh", [(2, 3)], (0.01, 128))
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    onnx_model.graph.input.append(helper.make_tensor_value_info("other", kind, [3, 5]))
    onnx_model.graph.output.append(helper.make_tensor_value_info("moved", kind, [5, 3]))
    onnx_model.graph.node.append(helper.make_node("Transpose", ["other"], ["moved"], perm=[1, 0]))
    assert_exact_on_gpu(onnx_model, tmp_path)


def test_other_inputs_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    assert "float64" in refusal(model_of([node], {"x": np.zeros(3, np.float64)}, {}), tmp_path)


STORED = np.array([[10, 20, 30, 40]], np.uint8)
CONSTANTS = {
    "s": np.float32(0.5), "z": np.uint8(3), "k": STORED, "s8": STORED.astype(np.int8),
    "f": np.array([[1, -2, np.nan]], np.float32), "i": np.array([1, -(2**31)], np.int32),
    "n": np.array([1, 2**40]), "b": np.array([True, False, True]), "side": np.array([2, 2]),
}  # fmt: skip
DEQUANTIZED = helper.make_node("DequantizeLinear", ["k", "s", "z"], ["c"])


def behind(op_type: str, *inputs: str) -> list[onnx.NodeProto]:
    """The constant c, and a node on it that makes d."""
    return [DEQUANTIZED, helper.make_node(op_type, ["c", *inputs], ["d"])]


def renamed(names: str, count: int) -> list[onnx.NodeProto]:
    """Each tensor under further names: x0, x1, ..."""
    return [helper.make_node("Identity", [name], [f"{name}{n}"]) for name in names for n in range(count)]


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    {
        "dequantized": ([DEQUANTIZED], ["c"]),
        "quantized": ([helper.make_node("QuantizeLinear", ["f", "s", "z"], ["c"])], ["c"]),
        "moved": (behind("Reshape", "side"), ["d"]),
        "function": (behind("Relu"), ["c", "d"]),
        "pair": (behind("QuantizeLinear", "s", "z"), ["d"]),
        "joined": ([DEQUANTIZED, helper.make_node("Concat", ["y", "c"], ["d"], axis=0)], ["d", "c"]),
        "initializers": ([], ["k", "s8", "f", "i", "n", "b", "s"]),
        "inputs": ([], ["x", "x_f", "x_n", "x_b"]),
        "twice": (renamed("xkfy", 1), [*"xkfy", "x0", "k0", "f0"]),
        "many": (renamed("k", 9), [f"k{n}" for n in range(9)]),
    }.values(),
)  # fmt: skip
def test_outputs_that_are_constants_or_inputs(
    nodes: list[onnx.NodeProto], outputs: list[str], tmp_path: Path
) -> None:
    """To the bit, beside an ordinary output."""
    inputs = {"x": STORED, "x_f": CONSTANTS["f"], "x_n": CONSTANTS["n"], "x_b": CONSTANTS["b"]}
    ordinary = helper.make_node("DequantizeLinear", ["x", "s", "z"], ["y"])
    used = {name for node in (ordinary, *nodes) for name in node.input} | set(outputs)
    assert_exact_on_gpu(
        model_of(
            [ordinary, *nodes],
            {name: array for name, array in inputs.items() if name in used},
            {name: array for name, array in CONSTANTS.items() if name in used},
            list(dict.fromkeys([*outputs, "y"])),
        ),
        tmp_path,
    )
