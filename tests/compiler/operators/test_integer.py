"""ConvInteger, MatMulInteger and DynamicQuantizeLinear, at every stage and on the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.builders.nodes import model_of
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.refusals import refusal

RANDOM = np.random.default_rng(0)


def integers(*shape: int, of: str = "s8") -> Any:
    low, high, kind = (0, 256, np.uint8) if of == "u8" else (-128, 128, np.int8)
    return RANDOM.integers(low, high, shape).astype(kind)


def model(
    op_type: str,
    x: tuple[int, ...],
    w: Any,
    zero: int | None = None,
    w_zero: Any = None,
    constant: bool = True,
    **attributes: Any,
) -> onnx.ModelProto:
    """`op_type` with constant zero points."""
    constants = {} if not constant else {"w": w}
    inputs: dict[str, Any] = {"x": np.zeros(x, np.uint8)} | ({} if constant else {"w": w})
    names = ["x", "w", "" if zero is None else "zx", "" if w_zero is None else "zw"]
    if zero is not None:
        constants["zx"] = np.uint8(zero)
    if w_zero is not None:
        constants["zw"] = np.asarray(w_zero, w.dtype)
    while not names[-1]:
        names.pop()
    return model_of([helper.make_node(op_type, names, ["y"], **attributes)], inputs, constants)


def dynamic(op_type: str, x: tuple[int, ...], w: Any, w_zero: Any, **attributes: Any) -> onnx.ModelProto:
    """`op_type` on what DynamicQuantizeLinear makes of floats; all its results are outputs too."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node(op_type, ["q", "w", "z", "zw"], ["y"], **attributes),
    ]
    constants = {"w": w, "zw": np.asarray(w_zero, w.dtype)}
    onnx_model = model_of(nodes, {"x": np.zeros(x, np.float32)}, constants)
    kinds = {"q": TensorProto.UINT8, "s": TensorProto.FLOAT, "z": TensorProto.UINT8}
    for name, kind in kinds.items():
        onnx_model.graph.output.append(helper.make_tensor_value_info(name, kind, None))
    return onnx_model


CASES: dict[str, Any] = {
    "matmul": lambda: model("MatMulInteger", (5, 7), integers(7, 6)),
    "matmul zero points": lambda: model(
        "MatMulInteger", (2, 3, 5, 7), integers(7, 6), 130, [1, 2, -3, 4, 5, 6]
    ),
    "matmul u8": lambda: model("MatMulInteger", (5, 7), integers(7, 6, of="u8"), 200, 77),
    "matmul tensors": lambda: model("MatMulInteger", (2, 5, 7), integers(2, 7, 6), 9, 3, constant=False),
    "conv": lambda: model("ConvInteger", (2, 6, 7, 8), integers(5, 6, 3, 3)),
    "conv zero points": lambda: model(
        "ConvInteger", (2, 6, 7, 8), integers(5, 6, 3, 3), 100, 5, pads=[1, 1, 0, 1]
    ),
    "conv depthwise": lambda: model(
        "ConvInteger", (1, 6, 5, 5), integers(6, 1, 3, 3), 50, 2, group=6, pads=[1, 1, 1, 1]
    ),
    "conv on a line": lambda: model("ConvInteger", (1, 6, 9), integers(4, 6, 3), 5),
    "dynamic matmul": lambda: dynamic("MatMulInteger", (5, 7), integers(7, 6), [1, 2, 3, 4, 5, 6]),
    "dynamic conv": lambda: dynamic(
        "ConvInteger", (2, 6, 7, 8), integers(5, 6, 3, 3), 9, pads=[1, 1, 1, 1], strides=[2, 1]
    ),
    "dynamic depthwise": lambda: dynamic(
        "ConvInteger", (1, 6, 5, 5), integers(6, 1, 3, 3), 2, group=6, pads=[1, 1, 1, 1]
    ),
    "dynamic groups": lambda: dynamic(
        "ConvInteger", (1, 8, 5, 5), integers(8, 4, 3, 3), 2, group=2, pads=[1, 1, 1, 1]
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_exact(case: str, tmp_path: Path) -> None:
    assert_exact_on_gpu(CASES[case](), tmp_path)


def test_a_range_on_one_side_of_zero(tmp_path: Path) -> None:
    model = dynamic("MatMulInteger", (3, 4), integers(4, 4), 0)
    feeds = [{"x": np.full((3, 4), value, np.float32)} for value in (0.0, -0.0, 3.3, -7.1, 1e-30, 1e30)]
    assert_exact(model, tmp_path, feeds=feeds)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: model("ConvInteger", (1, 2, 3, 3), integers(2, 2, 1, 1), constant=False),
         "its weights 'w' are no constant"),
        (lambda: model("MatMulInteger", (2, 3), integers(3, 4), None, [1, 2]), "2 zero points"),
    ],
)  # fmt: skip
def test_refusals(make: Any, why: str, tmp_path: Path) -> None:
    assert why in refusal(make(), tmp_path)
