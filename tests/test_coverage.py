"""The coverage report lists every known network, and what it says of some is still true.

docs/coverage.md is written by `python -m tests.coverage --write`, which takes minutes; here only
small networks are examined anew.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.errors import CompileError, UnsupportedError
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import Difference, Steps
from onnx2wgsl.compiler.verify.regions import Region
from onnx2wgsl.compiler.verify.replay import Replay
from onnx2wgsl.compiler.verify.report import Report
from onnx2wgsl.compiler.verify.stages import Stage

from tests.coverage import CASES, DOCUMENT, Case, Verdict, examine, networks, render, rows_of
from tests.coverage.examine import DIFFERS, FAILS, conclude, reason
from tests.coverage.report import FUZZ, add_fuzz_run
from tests.zoo.networks import NETWORKS, parameter_count
from tests.zoo.others import DATA, QUANTIZED, TRAINED

QUICK = ("lenet", "mobile_unet", "temporal", "mnist_conv")


def document() -> str:
    assert DOCUMENT.is_file(), f"{DOCUMENT.name} is missing: run python -m tests.coverage --write"
    return DOCUMENT.read_text(encoding="utf-8")


def test_the_report_lists_exactly_the_known_models() -> None:
    keys = [case.key for case in CASES]
    assert len(set(keys)) == len(keys)
    assert rows_of(document()) == set(keys), "stale: run python -m tests.coverage --write"


def test_there_are_25_networks_of_10_families_and_three_quantizers_formats() -> None:
    assert len(networks()) >= 25
    assert len({case.family for case in CASES}) >= 10
    assert {case.origin for case in CASES} >= {"tests/zoo", "qonnx", "amd-quark"}


@pytest.mark.parametrize("case", [c for c in CASES if c.network in QUICK], ids=lambda c: str(c.key))
def test_the_report_is_true_of_small_networks(case: Case) -> None:
    examination = examine(case)
    assert examination.verdict.result not in (DIFFERS, FAILS), examination.verdict
    stale = "docs/coverage.md is stale: run python -m tests.coverage --write"
    assert row(document(), case) == row(render([examination], "an adapter"), case), stale


def row(text: str, case: Case) -> str:
    """A model's row of the results, without the detail behind the result."""
    start = f"| {case.network} | {case.style} |"
    (line,) = (line for line in text.splitlines() if line.startswith(start))
    return re.sub(r"(.*\| [\w ]+)(: .*)? \|$", r"\1", line)


@pytest.mark.parametrize(
    ("name", "parameters", "features"),
    [
        ("resnet18", 11_689_512, 512),
        ("mobilenet_v2_1.0", 3_504_872, 1280),
        ("mobilenet_v3_small", 2_542_856, 1024),
        ("efficientnet_lite0", 4_652_008, 1280),
        ("squeezenet_1.1", 1_235_496, 512),
        ("shufflenet_v2_0.5", 1_366_792, 1024),
        ("lenet", 61_706, 0),
    ],
)
def test_a_network_has_the_published_number_of_parameters(name: str, parameters: int, features: int) -> None:
    """Published for 1000 classes; here there are 100, to be smaller."""
    assert parameter_count(NETWORKS[name].build()) == parameters - 900 * (features + bool(features))


# ------------------------------------------------------------------------- how it is decided


def region(*nodes: str) -> Region:
    return Region(1, nodes, (), frozenset())


def report(**changed: Any) -> Report:
    stage = Stage("on a device", Difference(values=10))
    return replace(Report("onnxruntime", 2, stages=[stage], steps=Steps(9)), **changed)


def test_a_model_without_floats_is_exact_or_differs() -> None:
    assert conclude(report()) == Verdict("exact")
    off = report(stages=[Stage("on a device", Difference(values=10, differing=1))])
    assert conclude(off) == Verdict("DIFFERS", "1 of 10 values")
    assert conclude(report(), self_test=False).result == "DIFFERS"


def test_float_regions_are_named_with_their_largest_error() -> None:
    regions = (region("Resize a", "Softmax b"), region("Resize c"))
    near = report(regions=regions, replay=Replay(errors={1: 3e-7, 2: 2e-9}))
    assert conclude(near) == Verdict("float regions", "2 Resize, 1 Softmax (error below 1e-6)")
    far = report(regions=regions, replay=Replay(errors={1: 3e-5, 2: 0.0}))
    assert conclude(far) == Verdict("DIFFERS", "a float region by below 1e-4")
    wrong = report(regions=regions, replay=Replay(wrong={"conv": 3}, errors={1: 0.0}))
    assert conclude(wrong) == Verdict("DIFFERS", "the integer kernels conv")


def test_a_conv_transpose_may_be_one_step_apart() -> None:
    some = conclude(report(transposed=["a", "b"], steps=Steps(9, 1, 1)))
    assert some == Verdict("integer ConvTranspose", "2 ConvTranspose, some values one step apart")
    assert conclude(report(transposed=["a", "b"], steps=Steps(9, 1, 2, 1))).result == "DIFFERS"


def test_reasons_of_one_wording_are_told_once() -> None:
    error = UnsupportedError("net:", ["Conv %a is odd", "Conv %b is odd", "Erf %c is rare"])
    assert reason(error) == "Conv %a is odd (2x); Erf %c is rare"
    assert reason(CompileError("two\nlines")) == "two lines"


def test_fuzz_runs_outlive_a_new_report() -> None:
    before = add_fuzz_run(render([], "an adapter"), "onnx2wgsl fuzz", "0 mismatches\n")
    after = render([], "another adapter", before)
    assert after.partition(FUZZ)[2] == before.partition(FUZZ)[2]
    assert "another adapter" in after


def test_every_file_in_tests_data_is_known_and_has_its_origin_told() -> None:
    files = {path.name for path in DATA.rglob("*.onnx") if path.parent.name != "cases"}
    assert files == {net.path.name for net in (*TRAINED.values(), *QUANTIZED)}
    notice = (DATA / "NOTICE").read_text(encoding="utf-8")
    assert "cases/*.onnx\n" in notice
    assert [net.name for net in TRAINED.values() if f"{net.name}.onnx" not in notice] == []


@pytest.mark.parametrize("network", TRAINED.values(), ids=lambda network: network.name)
def test_a_trained_network_means_the_same_in_the_opset_it_is_brought_to(network) -> None:  # type: ignore[no-untyped-def]
    x = np.random.default_rng(0).uniform(-1, 1, network.shape).astype(np.float32)
    original = onnx.load(network.path)
    constants = {tensor.name for tensor in original.graph.initializer}
    name = next(v.name for v in original.graph.input if v.name not in constants)
    (entry,) = (value for value in original.graph.input if value.name == name)
    for dim, length in zip(entry.type.tensor_type.shape.dim, network.shape, strict=True):
        dim.dim_value = length
    for output in original.graph.output:
        output.type.tensor_type.ClearField("shape")
    (want,) = Oracle(original).run({name: x}).values()
    (have,) = Oracle(network.model(17)).run({"input": x}).values()
    np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)
