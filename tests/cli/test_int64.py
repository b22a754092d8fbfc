"""An int64 is one 32-bit word on the device: what does not fit is refused, not cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.errors import InputError, SessionError

from tests.builders.edit import save
from tests.builders.nodes import model_of
from tests.compiler.refusals import refusal

LIMITS = np.iinfo(np.int32)
IDS = np.zeros((1, 2), np.int64)


def test_an_input_beyond_32_bits_is_refused(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["ids"], ["y"], to=TensorProto.FLOAT)
    compile_file(save(model_of([cast], {"ids": IDS}, {}), tmp_path), tmp_path / "artifact")
    with InferenceSession(tmp_path / "artifact") as session:
        ends = np.array([[LIMITS.min + 1, LIMITS.max]], np.int64)
        assert (session.run(None, {"ids": ends})[0] == ends.astype(np.float32)).all()
        for number in (LIMITS.min - 1, LIMITS.min, LIMITS.max + 1, 5_000_000_000):
            with pytest.raises(InputError, match=f"input 'ids' holds {number}; an int64 is computed in 32 b"):
                session.run(None, {"ids": np.array([[0, number]], np.int64)})


ODD = np.array([[3e9, -3e9, 2.0**31, -(2.0**31), np.inf, -np.inf, np.nan]], np.float32)
EVEN = np.array([[2.0**31 - 128, 128 - 2.0**31, -2.7, 0.5, -0.0, 7.0, 1e-40]], np.float32)


@pytest.mark.parametrize("inside", ["x", "r"])
def test_a_float_beyond_32_bits_is_no_int64(inside: str, tmp_path: Path) -> None:
    """Where the Cast stands alone, and where it is the end of a longer expression."""
    nodes = [
        helper.make_node("Neg", ["x"], ["r"]),
        helper.make_node("Cast", [inside], ["y"], to=TensorProto.INT64),
    ]
    compile_file(save(model_of(nodes[inside == "x" :], {"x": EVEN}, {}), tmp_path), tmp_path / "artifact")
    with InferenceSession(tmp_path / "artifact") as session:
        sign = 1 if inside == "x" else -1
        assert (session.run(None, {"x": EVEN})[0] == (sign * EVEN).astype(np.int64)).all()
        for number in ODD[0]:
            x = EVEN.copy()
            x[0, 3] = number
            with pytest.raises(SessionError, match="output 'y' overflows; an int64 is computed in 32 b"):
                session.run(None, {"x": x})


def test_a_float_beyond_an_int32_is_what_onnxruntime_makes_of_it(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT32)
    path = save(model_of([cast], {"x": ODD}, {}), tmp_path)
    compile_file(path, tmp_path / "artifact")
    with InferenceSession(tmp_path / "artifact") as session:
        for x in (ODD, EVEN):
            assert (session.run(None, {"x": x})[0] == Oracle(path).run({"x": x})["y"]).all()


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
