"""onnxruntime-web agrees with onnxruntime but in what is known; what keeps it from running is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.reference import web
from onnx2wgsl.compiler.reference.facts import PURE_UNARY, WEB_FUNCTIONS, domain_and_type
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of

from tests.builders.between import between
from tests.builders.nodes import Array, model_of
from tests.builders.qdq import QDQBuilder, QuantParams, weights
from tests.compiler.exactness import feeds_for
from tests.web import ROOT, require_packages

X = QuantParams(0.05, 120)


@pytest.fixture(scope="module", autouse=True)
def package() -> None:
    require_packages("onnxruntime-web")


def both(model: onnx.ModelProto, feed: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Outputs of onnxruntime and of onnxruntime-web."""
    oracle = reference_of(model)
    (there,) = oracle.in_web().run([feed])
    return oracle.run(feed), there


def small(kind: str, activation: str | None = None) -> onnx.ModelProto:
    b = QDQBuilder()
    x = b.input((1, 5, 6, 7), X if kind == "u8" else QuantParams(0.05, -8, "s8"))
    y = b.conv(x, weights(), QuantParams(0.03, 110) if kind == "u8" else QuantParams(0.03, -18, "s8"))
    b.output(y if activation is None else b.unary(y, activation))
    return b.build()


@pytest.mark.parametrize("activation", [None, "Tanh", "Sigmoid"])
@pytest.mark.parametrize("kind", ["u8", "s8"])
def test_a_convolution_and_what_ends_it(kind: str, activation: str | None) -> None:
    """A function of floats at the end is onnxruntime's own."""
    model = small(kind, activation)
    oracle = reference_of(model)
    judge = oracle.in_web()
    feeds = feeds_for(oracle)
    for feed, there in zip(feeds, judge.run(feeds), strict=True):
        assert [values.tobytes() for values in there.values()] == [
            v.tobytes() for v in oracle.run(feed).values()
        ]
    functions = [] if activation is None else [activation]
    assert sorted(judge.otherwise) == sorted(judge.own) == functions
    assert judge.version == web.WEB_VERSION


def test_every_dtype_comes_and_goes() -> None:
    arrays = {
        name: np.arange(3).astype(name) for name in ("float32", "int8", "uint8", "int32", "int64", "bool")
    }
    nodes = [helper.make_node("Identity", [name], [f"{name}_y"]) for name in arrays]
    there, want = both(model_of(nodes, arrays, {}, [node.output[0] for node in nodes]), arrays)
    assert {name: (v.dtype, v.tolist()) for name, v in there.items()} == {
        name: (v.dtype, v.tolist()) for name, v in want.items()
    }


# ------------------------------------------------------------------------- what it computes otherwise


def quantized(dtype: type, values: Array) -> tuple[Array, Array]:
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    model = model_of([node], {"x": values}, {"s": np.float32(0.05), "z": dtype(7)})
    native, there = both(model, {"x": values})
    return native["y"], there["y"]


def test_nan_is_another_int8_there() -> None:
    """The least level in onnxruntime, 0 in onnxruntime-web; what is no NaN is alike, however large."""
    values = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 2.0**31 * 0.05, 1e-45, -0.0, 0.125], np.float32)
    native, there = quantized(np.int8, values)
    assert (native[0], there[0]) == (-128, 0)
    assert native[1:].tolist() == there[1:].tolist()
    native, there = quantized(np.uint8, values)
    assert native.tolist() == there.tolist()


def test_an_addition_at_a_near_tie_is_another_step_there() -> None:
    """0.04140978 * (120 - 117) + 0.0397474 * (195 - 122) is 108.50002 steps."""
    operands = [
        (np.full(16, 120, np.uint8), (0.04140978306531906, 117)),
        (np.full(16, 195, np.uint8), (0.03974740207195282, 122)),
    ]
    model = between("Add", operands, (0.027887457981705666, 0))
    native, there = both(model, {"x0": operands[0][0], "x1": operands[1][0]})
    assert (native["y"][0], there["y"][0]) == (108, 109)
    assert sorted(reference_of(model).in_web().otherwise) == ["com.microsoft.QLinearAdd"]


def test_the_functions_that_it_rounds_otherwise_are_known() -> None:
    values = np.linspace(-9, 9, 4001).astype(np.float32)
    names = sorted(PURE_UNARY - {"Clip", "PRelu", "Sqrt"})
    nodes = [
        helper.make_node(kind, ["x"], [name], domain=domain)
        for name in names
        for domain, kind in [domain_and_type(name)]
    ]
    model = model_of(nodes, {"x": values}, {}, names)
    native, there = Oracle(model).run({"x": values}), Oracle(model).in_web().run([{"x": values}])[0]
    apart = {name for name in names if native[name].tobytes() != there[name].tobytes()}
    assert apart == WEB_FUNCTIONS & PURE_UNARY
    assert all(np.allclose(native[name], there[name], rtol=1e-5, atol=2e-6) for name in names)


# ------------------------------------------------------------------------- what keeps it from running


def test_without_node_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match=r"Node\.js, which is not found: install Node\.js 20 or newer"):
        both(small("u8"), feeds_for(reference_of(small("u8")), 1)[0])


def test_without_the_package_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    model = small("u8")
    with pytest.raises(CompileError, match=f"`npm install onnxruntime-web@{web.WEB_VERSION}` in it"):
        both(model, feeds_for(reference_of(model), 1)[0])


def test_what_it_refuses_is_told() -> None:
    model = small("u8")
    feed = {"x0": np.zeros((1, 5, 6, 8), np.float32)}
    with pytest.raises(CompileError, match=r"^onnxruntime-web failed: .*invalid dimensions for input"):
        reference_of(model).in_web().run([feed])


def test_the_version_is_the_one_that_the_tests_install() -> None:
    packages = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    assert packages["onnxruntime-web"] == web.WEB_VERSION
