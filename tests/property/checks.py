"""Runs a random net through every stage and counts the differing bits of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import reject
from numpy.typing import NDArray
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.interpreter import run_graph
from onnx2wgsl.compiler.ir import Graph
from onnx2wgsl.compiler.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.program import Program
from onnx2wgsl.compiler.simulator import run_program

from tests.compiler.exactness import differing

from .models import build, feed
from .strategies import Net

Feed = dict[str, NDArray[Any]]
Observer = Callable[[str, Graph | Program], None]
NO_COMMON_RANGE = "have no range in common"


def compile_net(net: Net, observe: Observer | None = None) -> tuple[onnx.ModelProto, Program]:
    """The model of a net and its program; drops nets that ask for the one refusal left in them."""
    model = build(net)
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
        path = Path(folder) / "net.onnx"
        onnx.save(model, path)
        try:
            return model, compile_model(path, None, observe)
        except CompileError as error:
            if NO_COMMON_RANGE in str(error):
                reject()
            raise


def run_stage(stage: Graph | Program, given: Feed) -> Feed:
    """Outputs by name of either IR."""
    return run_graph(stage, given) if isinstance(stage, Graph) else run_program(stage, given)


@dataclass
class Checked:
    """An exact net: its program, inputs, and the outputs that every evaluation must give."""

    model: onnx.ModelProto
    program: Program
    feed: Feed
    expected: Feed


def check_stages(net: Net) -> Checked:
    """Compares the import, the graph after every pass, and the program with onnxruntime."""
    model = build(net)
    oracle = Oracle(model, signed_integer_kernels=needs_signed_integer_kernels(model))
    groups = oracle.integer_groups()
    assert groups.exact, f"onnxruntime itself left a part in float:\n{groups}"
    given = feed(net)
    expected = oracle.run(given)
    wrong: dict[str, int] = {}

    def observe(name: str, stage: Graph | Program) -> None:
        wrong[name] = wrong.get(name, 0) + differing(run_stage(stage, given), expected)

    model, program = compile_net(net, observe)
    assert not any(wrong.values()), f"differing values after each pass: {wrong}"
    return Checked(model, program, given, expected)


def check_refused_or_exact(net: Net) -> bool:
    """Whether a net compiles; if so, onnxruntime ran it in integers and the bits are the same."""
    try:
        model, program = compile_net(net)
    except CompileError:
        return False
    oracle = Oracle(model, signed_integer_kernels=needs_signed_integer_kernels(model))
    groups = oracle.integer_groups()
    assert groups.exact, f"compiled, though onnxruntime left a part in float:\n{groups}"
    given = feed(net)
    assert same_bits(run_stage(program, given), oracle.run(given))
    return True


def same_bits(a: Feed, b: Feed) -> bool:
    """Whether two sets of outputs agree in every bit."""
    return differing(a, b) == 0


def bits(array: NDArray[Any]) -> NDArray[Any]:
    """The bits of a tensor as unsigned integers."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
