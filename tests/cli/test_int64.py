"""An int64 is one 32-bit word on the device: what does not fit is refused, not cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.errors import InputError

from tests.builders.edit import save
from tests.builders.nodes import model_of
from tests.compiler.refusals import refusal

LIMITS = np.iinfo(np.int32)
IDS = np.zeros((1, 2), np.int64)


def test_an_input_beyond_32_bits_is_refused(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["ids"], ["y"], to=TensorProto.FLOAT)
    compile_file(save(model_of([cast], {"ids": IDS}, {}), tmp_path), tmp_path / "artifact")
    with InferenceSession(tmp_path / "artifact") as session:
        ends = np.array([[LIMITS.min, LIMITS.max]], np.int64)
        assert (session.run(None, {"ids": ends})[0] == ends.astype(np.float32)).all()
        for number in (LIMITS.min - 1, LIMITS.max + 1, 5_000_000_000):
            with pytest.raises(InputError, match=f"input 'ids' holds {number}; an int64 is computed in 32 b"):
                session.run(None, {"ids": np.array([[0, number]], np.int64)})


@pytest.mark.parametrize("op_type", ["Add", "Mul", "Less", "Max"])
def test_a_constant_beyond_32_bits_is_refused(op_type: str, tmp_path: Path) -> None:
    nodes = [helper.make_node(op_type, ["ids", "far"], ["y"], op_type)]
    message = refusal(model_of(nodes, {"ids": IDS}, {"far": np.array([2**40])}), tmp_path)
    assert f"{op_type} '{op_type}': its constant 'far' holds 1099511627776" in message


@pytest.mark.parametrize("end", [2**31 - 1, 2**63 - 1])
def test_the_ends_of_a_slice_are_no_such_constants(end: int, tmp_path: Path) -> None:
    operands: dict[str, NDArray[np.int64]] = {"starts": np.array([1]), "ends": np.array([end])}
    operands["axes"] = np.array([1])
    slices = helper.make_node("Slice", ["ids", *operands], ["y"])
    compile_file(save(model_of([slices], {"ids": IDS}, operands), tmp_path), tmp_path / "artifact")
    with InferenceSession(tmp_path / "artifact") as session:
        assert session.run(None, {"ids": np.array([[3, 4]])})[0].tolist() == [[4]]
