"""The examples in the compiler's docstrings are run, and the functions that are hard to read have one."""

import doctest
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx2wgsl.compiler
import pytest
from onnx2wgsl.compiler.ir import graph, program, types

ROOT = Path(onnx2wgsl.compiler.__file__).parent
MODULES = sorted(
    ".".join(["onnx2wgsl.compiler", *path.relative_to(ROOT).with_suffix("").parts])
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)
HARD = [
    "arithmetic.binary.add_form",
    "arithmetic.binary.add_swaps_roles",
    "arithmetic.binary.mul_thresholds",
    "arithmetic.pooling.average_thresholds",
    "arithmetic.pooling.pool_axis",
    "arithmetic.resize.linear_taps",
    "arithmetic.resize.resize_indices",
    "ir.layout.physical_channels",
    "ir.layout.positions",
    "ir.layout.to_lanes",
    "operators.broadcast.broadcast_axes",
    "operators.broadcast.merged_axes",
    "operators.convolution.tile.columns_of",
    "operators.convolution.transposed.QConvTranspose._phase_weights",
    "operators.float.reduce.Coordinate",
    "operators.float.reductions.interpolation",
    "operators.moves.gather.Addresses.of_elements",
    "operators.moves.base.as_view",
    "operators.moves.op._interleave",
    "operators.select.RowMajor.of",
    "operators.windows.reduced_axes",
    "passes.allocate_buffers._place",
    "passes.merge_double_pairs._intersection",
    "passes.place_concat.PlaceConcat",
    "passes.tabulate.codebook",
]


VOCABULARY = {"np": np} | vars(types) | vars(graph) | vars(program)
"""What an example may name beside what its module has: the IR."""


def examples(module: ModuleType) -> list[doctest.DocTest]:
    tests = doctest.DocTestFinder().find(module, globs=VOCABULARY | vars(module))
    return [test for test in tests if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    tests = examples(importlib.import_module(name))
    assert tests
    for test in tests:
        runner.run(test, out=report.append)
    assert "".join(report) == ""


def test_hard_functions_have_an_example() -> None:
    names = {test.name for name in MODULES for test in examples(importlib.import_module(name))}
    assert {f"onnx2wgsl.compiler.{name}" for name in HARD} - names == set()


def test_an_example_that_is_wrong_is_seen() -> None:
    report: list[str] = []
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    doctest.DocTestRunner().run(test, out=report.append)
    assert "Expected:\n    3\nGot:\n    2" in "".join(report)
