"""onnx2wgsl bench: one line that another program can read."""

import re
from pathlib import Path

from onnx2wgsl.runtime_py.artifact import load_artifact

from tests.command import cells, refusal, succeed

LINE = re.compile(
    r"(?P<ms>\d+\.\d\d) ms a frame \(median of (?P<frames>\d+), best (?P<best>\d+\.\d\d), "
    r"worst (?P<worst>\d+\.\d\d)\) on (?P<adapter>.+), Vulkan\); "
    r"dot (packed|emulated), requantize (fast|integer)"
)


def test_the_last_line_has_the_median_the_ends_and_the_adapter(compiled: Path) -> None:
    text = succeed("bench", compiled, "--frames", "5")
    match = LINE.fullmatch(text.rstrip("\n"))
    assert match
    assert match["frames"] == "5"
    assert 0 < float(match["best"]) <= float(match["ms"]) <= float(match["worst"])


def test_a_bundle_is_timed_as_it_is(bundle: Path) -> None:
    assert LINE.fullmatch(succeed("bench", bundle, "--frames", "1").rstrip("\n"))


def test_a_model_is_compiled_first(model: Path) -> None:
    assert LINE.fullmatch(succeed("bench", model, "--frames", "1").rstrip("\n"))


def test_variants_can_be_forced(compiled: Path) -> None:
    text = succeed("bench", compiled, "--frames", "1", "--dot", "emulated", "--requantize", "integer")
    assert text.endswith("; dot emulated, requantize integer\n")


def test_each_kernel_is_timed_where_asked(compiled: Path) -> None:
    text = succeed("bench", compiled, "--frames", "2", "--kernels")
    assert LINE.fullmatch(text.splitlines()[-1])
    rows = cells(text)
    assert [row[0] for row in rows] == [kernel.name for kernel in load_artifact(compiled).kernels]
    assert all(float(row[1]) > 0 for row in rows)


def test_no_frames_are_refused(compiled: Path) -> None:
    assert "0 is not in the range x>=1" in refusal("bench", compiled, "--frames", "0")
