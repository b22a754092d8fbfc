"""A list that an operator reads is a vector: onnxruntime refuses others when it runs, so what it runs, and
nothing else, compiles.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.builders.edit import save
from tests.builders.nodes import Array, model_of

X = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
OPERANDS: dict[str, dict[str, list[float]]] = {
    "Clip": {"min": [0], "max": [1]},
    "Expand": {"shape": [1]},
    "Pad": {"pads": [0] * 6, "value": [0], "axes": [0, 1, 2]},
    "ReduceMax": {"axes": [1]},
    "ReduceMin": {"axes": [1]},
    "ReduceSum": {"axes": [1]},
    "Reshape": {"shape": [12]},
    "Slice": {"starts": [0], "ends": [2], "axes": [1], "steps": [1]},
    "Split": {"split": [1, 2]},
    "Squeeze": {"axes": [0]},
    "Tile": {"repeats": [1, 1, 1]},
    "Unsqueeze": {"axes": [0]},
}
FLOATS = {"min", "max", "value"}
CASES = [
    (op_type, name, rank)
    for op_type, operands in OPERANDS.items()
    for name, numbers in operands.items()
    for rank in (0, 1, 2)
    if rank or len(numbers) == 1
]


def model(op_type: str, operand: str, rank: int) -> onnx.ModelProto:
    """A node whose `operand` has that rank, the others are vectors."""
    constants: dict[str, Array] = {}
    for name, numbers in OPERANDS[op_type].items():
        values = np.array(numbers, np.float32 if name in FLOATS else np.int64)
        own = rank if name == operand else int(name not in FLOATS)
        constants[name] = values.reshape([() if own == 0 else (-1,), (-1,), (1, -1)][own])
    outputs = ["y", "z"] if op_type == "Split" else ["y"]
    attributes = {"axis": 1} if op_type == "Split" else {}
    node = helper.make_node(op_type, ["x", *constants], outputs, op_type, **attributes)
    return model_of([node], {"x": X}, constants, outputs, opset=18)


def runs(proto: onnx.ModelProto) -> bool:
    """Whether onnxruntime does."""
    try:
        Oracle(proto).run({"x": X})
    except CompileError:
        return False
    return True


@pytest.mark.parametrize(("op_type", "operand", "rank"), CASES)
def test_what_onnxruntime_runs_compiles_and_nothing_else(
    op_type: str, operand: str, rank: int, tmp_path: Path
) -> None:
    path = save(model(op_type, operand, rank), tmp_path)
    if runs(onnx.load(path)):
        compile_model(path)
    else:
        with pytest.raises(CompileError, match=op_type):
            compile_model(path)


def test_some_of_each_kind_are_run() -> None:
    assert len({runs(model(*case)) for case in CASES}) == 2
