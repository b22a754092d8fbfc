"""What a session chooses by time: the fastest variant that is exact."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx2wgsl.runtime_py import InferenceSession, SessionError, Tuning
from onnx2wgsl.runtime_py.tuning import fastest

from . import tiny_artifact as tiny
from .test_inference_session import assert_same, expected, feed

WRONG = "fn dots(x: u32, w: vec4u) -> vec4i { return vec4i(1); }"


def slow(variant: str) -> dict[str, str]:
    """The tiny artifact's shaders with a snippet that loses time, and is right."""
    name = f"dot_{variant}.wgsl"
    return {
        name: tiny.SNIPPETS[name].replace("fn dots(", "fn quick(")
        + """
fn dots(x: u32, w: vec4u) -> vec4i {
  var sum = vec4i();
  for (var i = 0u; i < 20000u; i++) { sum = sum * 3 + quick(x ^ i, w); }
  return select(quick(x, w), sum, w.x == 0x7654321u && w.y == 1u);
}
"""
    }


@pytest.mark.parametrize(("loser", "winner"), [("packed", "emulated"), ("emulated", "packed")])
def test_the_faster_variant_is_taken(loser: str, winner: str, tmp_path: Path) -> None:
    inputs = feed()
    with InferenceSession(tiny.write(tmp_path / "a", shaders=slow(loser))) as session:
        tuning = session.tune()
        assert tuning.dot == session.variants["dot"] == winner
        assert tuning.milliseconds[winner] < tuning.milliseconds[loser]
        assert_same(session.run(["y"], inputs)[0], expected(inputs)[0])
        assert session.self_test().variants["dot"] == winner


@pytest.mark.parametrize("text", [WRONG, "requires no_such_feature;\n"], ids=["inexact", "not compiled"])
def test_only_what_is_exact_is_a_candidate(text: str, tmp_path: Path) -> None:
    with InferenceSession(tiny.write(tmp_path / "a", shaders={"dot_packed.wgsl": text})) as session:
        assert list(session.tune().milliseconds) == ["emulated"]
        assert session.self_test().ok


def test_where_none_is_exact_none_is_taken(tmp_path: Path) -> None:
    shaders = {"dot_packed.wgsl": WRONG, "dot_emulated.wgsl": WRONG}
    with InferenceSession(tiny.write(tmp_path / "a", shaders=shaders)) as session:
        dot = session.variants["dot"]
        assert session.tune() == Tuning(dot, {})
        assert session.variants["dot"] == dot


def test_an_artifact_without_vectors_is_told(tmp_path: Path) -> None:
    vectors = tiny.self_test()
    vectors["kernels"] = ["none"] * len(vectors["kernels"])
    with (
        InferenceSession(tiny.write(tmp_path / "a", vectors=vectors)) as session,
        pytest.raises(SessionError, match="compiled with --no-self-test: compile it again without"),
    ):
        session.tune()


def test_candidates_take_turns_and_medians_count() -> None:
    order: list[str] = []

    def frame(name: str, milliseconds: list[float]) -> Callable[[], None]:
        def run() -> None:
            order.append(name)
            time.sleep(milliseconds[min(order.count(name), len(milliseconds)) - 1] / 1e3)

        return run

    # The first of a, which is slow, warms up.
    tuning = fastest({"a": frame("a", [80, 2]), "b": frame("b", [8])})
    assert tuning.dot == "a"
    assert order[:4] == ["a", "b", "a", "b"]
    assert tuning.milliseconds["a"] < 8 <= tuning.milliseconds["b"]
