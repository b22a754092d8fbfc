"""A model that has no floats is compared at every stage; why one was not compared is told."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.errors import CompileError, InternalError
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.operators import catalogue
from onnx2wgsl.compiler.operators.convolution.op import QConv
from onnx2wgsl.compiler.operators.fusion import NoIntegerForm
from onnx2wgsl.compiler.passes.canonicalize import Canonicalize
from onnx2wgsl.compiler.passes.fold_pad import FoldPad
from onnx2wgsl.compiler.pipeline import PASS_NAMES
from onnx2wgsl.compiler.verify.compare import Feed
from onnx2wgsl.compiler.verify.exact import ON_DEVICE, compare_model
from onnx2wgsl.compiler.verify.stages import run_stage

from tests.builders.qdq import QDQBuilder
from tests.compiler.verify.simulated import PARAMS, float_model, integer_model, sample

VALUES = 4 * 6 * 5


def simulated(_: onnx.ModelProto, program: Program, feed: Feed) -> Feed:
    return run_stage(program, feed)


def test_every_stage_of_every_sample_is_compared() -> None:
    comparison = compare_model(integer_model(), [sample(0), sample(1)], simulated)
    names = dict.fromkeys(stage.name for stage in comparison.stages)
    assert list(names) == [*(f"after {name}" for name in PASS_NAMES), ON_DEVICE]
    assert {stage.difference.values for stage in comparison.stages} == {2 * VALUES}
    assert comparison.values == 2 * VALUES * len(comparison.stages)
    assert (comparison.failed, comparison.wrong) == (False, None)
    assert comparison.require_exact() is comparison.program


def test_the_first_stage_that_differs_is_told_with_its_first_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_: FoldPad, graph: Graph) -> bool:
        (conv,) = [op for op in graph.ops if isinstance(op, QConv)]
        conv.weight.data = conv.weight.array[::-1]
        return True

    monkeypatch.setattr(FoldPad, "apply", wrong)
    comparison = compare_model(integer_model(), [sample()])
    assert comparison.failed
    assert comparison.wrong is not None
    assert comparison.wrong.name == "after fold_pad"
    assert comparison.wrong.first_sample == 0
    assert comparison.wrong.difference.first.startswith("output 'dequantizelinear_")
    with pytest.raises(AssertionError, match=r"stages that differ: .*after fold_pad"):
        comparison.require_exact()


def test_a_device_that_differs_is_told() -> None:
    def wrong(*args: object) -> Feed:
        return {name: -values for name, values in simulated(*args).items()}  # type: ignore[arg-type]

    comparison = compare_model(integer_model(), [sample()], wrong)
    assert comparison.wrong is not None
    assert comparison.wrong.name == ON_DEVICE == "after the device"


def test_what_stays_in_float_is_not_compared() -> None:
    comparison = compare_model(float_model(), [sample()], simulated)
    assert comparison.in_float[0].startswith("InstanceNormalization: ")
    assert (comparison.stages, comparison.failed, comparison.program) == ([], False, None)
    with pytest.raises(AssertionError, match="left in float"):
        comparison.require_exact()


def test_what_is_float_here_and_in_integers_there_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def stays(*_: object) -> None:
        raise NoIntegerForm("planted")

    monkeypatch.setattr(catalogue, "RULES", [stays])
    comparison = compare_model(integer_model(), [sample()], simulated)
    assert comparison.failed
    (stage,) = comparison.stages
    assert stage.name.endswith(", float here and QLinearConv there")


def test_what_the_compiler_refuses_is_told() -> None:
    b = QDQBuilder()
    b.output(b.node("Det", [b.input((1, 1, 4, 4), PARAMS)], None))
    comparison = compare_model(b.build(), [{"x0": np.zeros((1, 1, 4, 4), np.float32)}])
    assert [reason for reason in (*comparison.refused, *comparison.in_float) if "Det" in reason]
    assert not comparison.failed


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("planted"), "ZeroDivisionError after fold_constants: planted"),
        (InternalError("planted"), "after fold_constants: internal error: planted"),
    ],
)
def test_an_error_that_is_nobodys_mistake_is_a_finding(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bool:
        raise error

    monkeypatch.setattr(Canonicalize, "apply", fails)
    comparison = compare_model(integer_model(), [sample()])
    assert (comparison.crash, comparison.failed, comparison.refused) == (message, True, [])


def test_an_error_of_the_models_maker_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> bool:
        raise CompileError("planted")

    monkeypatch.setattr(Canonicalize, "apply", refuses)
    comparison = compare_model(integer_model(), [sample()])
    assert (comparison.refused, comparison.stages, comparison.failed) == (["planted"], [], False)


def test_a_sample_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CompileError, match="takes the inputs"):
        compare_model(integer_model(), [{"other": sample()["x0"]}])
