"""The pipeline as a whole: what the avatar becomes, and what it says of each pass."""

import functools
import re
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx2wgsl.compiler.errors import CompileError, InternalError
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import format_program, parse_graph
from onnx2wgsl.compiler.operators.copy import CopyKernel
from onnx2wgsl.compiler.passes.canonicalize import Canonicalize
from onnx2wgsl.compiler.passes.place_concat import PlaceConcat
from onnx2wgsl.compiler.pipeline import PASS_NAMES, compile_graph, compile_model

from tests.builders.models import model
from tests.builders.qdq import QDQBuilder, QuantParams
from tests.builders.unet import FORMS, unet
from tests.compiler.artifacts import AVATAR
from tests.compiler.exactness import assert_exact
from tests.zoo.quantization import random_feeds


@functools.cache
def avatar() -> Program:
    return compile_model(AVATAR)


def test_the_avatar_is_at_most_17_dispatches_without_a_copy() -> None:
    kernels = avatar().kernels
    assert len(kernels) <= 17
    assert not [kernel for kernel in kernels if isinstance(kernel, CopyKernel)]


def test_the_avatars_arena_is_within_15_percent_of_the_lower_bound() -> None:
    program = avatar()
    assert program.arena_words is not None
    assert program.lower_bound_words is not None
    assert program.lower_bound_words <= program.arena_words <= 1.15 * program.lower_bound_words


def test_the_program_prints_its_kernels_and_live_ranges() -> None:
    text = format_program(avatar())
    head = f"arena {(avatar().arena_words or 0) * 4} bytes (lower bound "
    assert head in text.splitlines()[0]
    lines = text.splitlines()
    assert sum(line.startswith("  kernel ") for line in lines) == len(avatar().kernels)
    ranges = {buffer.name: span for buffer, span in avatar().live_ranges().items()}
    printed = re.findall(r'^  %b\d+ "(.+)": .*  # live (\d+)\.\.(\d+)$', text, re.MULTILINE)
    assert {name: (int(first), int(last)) for name, first, last in printed} == ranges
    # The input, seven concatenations, whose parts are stored nowhere else, and what is between them.
    assert len(ranges) == 9


@pytest.mark.parametrize("form", FORMS)
def test_a_unet_in_every_form_is_exact_after_every_pass(form: str, tmp_path: Path) -> None:
    feeds = random_feeds({"input": (1, 3, 32, 32)}, count=2, seed=7)
    program = assert_exact(unet(32, 8, form), tmp_path, feeds=[dict(feed) for feed in feeds])
    assert not [kernel for kernel in program.kernels if isinstance(kernel, CopyKernel)]


def test_every_pass_is_observed_in_order(tmp_path: Path) -> None:
    onnx.save(model("u8_s8"), tmp_path / "m.onnx")
    names: list[str] = []
    compile_model(tmp_path / "m.onnx", observe=lambda name, _: names.append(name))
    assert list(dict.fromkeys(names)) == list(PASS_NAMES)


@pytest.mark.parametrize(
    ("step", "parts", "whole"), [(Canonicalize, "ops", "graph"), (PlaceConcat, "kernels", "program")]
)
def test_the_pass_that_broke_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: Any, parts: str, whole: str
) -> None:
    onnx.save(model("u8_s8"), tmp_path / "m.onnx")

    def breaks(_: Any, stage: Any) -> bool:
        getattr(stage, parts).pop(0)
        return True

    monkeypatch.setattr(step, "apply", breaks)
    with pytest.raises(CompileError, match=f"the {whole} is not valid after {step.name}"):
        compile_model(tmp_path / "m.onnx")


def test_a_model_that_only_hands_its_input_on_copies_it(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.input((1, 3, 2, 2), QuantParams(0.5, 3), as_float=False), as_float=False)
    b.output(b.input((1, 3, 2, 2), QuantParams(0.5, 3)))
    onnx.save(b.build(), tmp_path / "m.onnx")
    assert [kernel.kind for kernel in compile_model(tmp_path / "m.onnx").kernels] == ["quantize", "copy"]


def test_a_pass_that_changes_the_interface_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    onnx.save(model("u8_s8"), tmp_path / "m.onnx")

    def renames(_: Any, graph: Graph) -> bool:
        graph.output_names[0] = "other"
        return True

    monkeypatch.setattr(Canonicalize, "apply", renames)
    with pytest.raises(InternalError, match="canonicalize left 'other'"):
        compile_model(tmp_path / "m.onnx")


def test_a_model_without_outputs_is_refused_before_any_pass() -> None:
    graph = parse_graph("graph @t (%x: f32[1,3,8,8]) -> () opset 21 stage imported {}")
    observed: list[str] = []
    with pytest.raises(CompileError, match="t computes nothing: it has no outputs"):
        compile_graph(graph, lambda name, _: observed.append(name))
    assert not observed


def test_matrices_compile() -> None:
    graph = parse_graph(
        """graph @flat (%x: f32[2,3]) -> ("y": %y) opset 21 {
          @s: f32[] = [0.5]
          @z: u8[] = [0]
          %q: u8[2,3]{s=0.5, z=0} = quantize(%x, scale=@s, zero_point=@z)
          %y: f32[2,3] = dequantize(%q, scale=@s, zero_point=@z)
        }"""
    )
    assert [kernel.kind for kernel in compile_graph(graph).kernels] == ["quantize"]
