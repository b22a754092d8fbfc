"""onnx2wgsl fuzz: finds what is planted, makes it small, and writes down how to see it again."""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import strategies as st
from onnx2wgsl.compiler.cli.on_device import SharedDevice
from onnx2wgsl.compiler.fuzzing.builder import Tensor
from onnx2wgsl.compiler.fuzzing.kinds import KINDS
from onnx2wgsl.compiler.fuzzing.models import Builder
from onnx2wgsl.compiler.fuzzing.nodes import Kind, Node
from onnx2wgsl.compiler.fuzzing.values import Level
from onnx2wgsl.compiler.operators.convolution import kernel as convolution_kernel

from tests.command import Result, onnx2wgsl, succeed
from tests.property.checks import truncating

SUMMARY = re.compile(
    r"^(?P<verdict>.+) in (?P<models>\d+) models, (?P<cases>\d+) cases, (?P<values>\d+) values; "
    r"(?P<refused>\d+) refused, (?P<in_float>\d+) left in float; seed (?P<seed>\d+); "
    r"onnxruntime 1\.31\.\d+; (?P<adapter>.+, Vulkan\)) \((.+)\)$",
)


def summary(out: str) -> re.Match[str]:
    """The last line."""
    match = SUMMARY.match(out.splitlines()[-1])
    assert match, out
    return match


def replay(result: Result) -> list[str]:
    """The command that the report gives, as arguments."""
    (line,) = re.findall(r"^  replay: onnx2wgsl (.+)$", result.out, re.MULTILINE)
    return shlex.split(line)


def test_what_is_exact_is_told_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "failures"
    out = succeed("fuzz", "--op", "conv", "--op", "quantize", "--examples", "30", "--save", folder)
    last = summary(out)
    assert last["verdict"] == "0 mismatches"
    assert 30 <= int(last["cases"]) < 60
    assert int(last["values"]) > 1000
    assert (last["refused"], last["in_float"], last["seed"]) == ("0", "0", "0")
    assert not folder.exists()


def test_the_same_seed_draws_the_same_models() -> None:
    runs = [succeed("fuzz", "--graphs", "--examples", "4", "--seed", seed) for seed in "778"]
    assert runs[0] == runs[1] != runs[2]


def test_a_planted_rounding_is_found_and_shrunk_to_one_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution_kernel, "requantize", truncating)
    result = onnx2wgsl("fuzz", "--op", "conv", "--examples", "100", "--save", tmp_path)
    assert result.status == 1
    assert summary(result.out)["verdict"] == "1 MISMATCHES"
    difference = r"output '\w+' \[0, 0, 0, 0\] is \S+, expected \S+"
    assert re.search(
        rf"^conv: 1 of 1 values differ from onnxruntime 1\.31\.\d+.*, "
        rf"first after schedule: {difference}$",
        result.out,
        re.MULTILINE,
    )
    arguments = replay(result)
    model, inputs = Path(arguments[1]), Path(arguments[4])
    assert arguments == ["verify", str(model), "--each-pass", "--input", str(inputs)]
    assert sorted(tmp_path.iterdir()) == sorted([model, inputs])
    op_types = [node.op_type for node in onnx.load(model).graph.node]
    assert [name for name in op_types if name not in ("QuantizeLinear", "DequantizeLinear")] == ["Conv"]
    assert sum(array.size for array in np.load(inputs).values()) <= 8
    again = onnx2wgsl(*arguments)
    assert again.status == 1
    assert re.search(r"^NOT exact: 1 of 1 values differ .* after schedule$", again.out, re.M)
    monkeypatch.undo()
    assert "exact: 0 of 1 values differ" in succeed(*arguments)


def test_what_differs_on_the_device_alone_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = SharedDevice.run

    def wrong(self: SharedDevice, *args: Any) -> dict[str, Any]:
        return {name: array[..., ::-1] for name, array in run(self, *args).items()}

    monkeypatch.setattr(SharedDevice, "run", wrong)
    result = onnx2wgsl("fuzz", "--op", "pad", "--examples", "20", "--save", tmp_path, "--dot", "packed")
    assert result.status == 1
    assert "first after the device: output " in result.out
    arguments = replay(result)
    assert arguments[-1] == "--dot=packed"
    monkeypatch.undo()
    succeed(*arguments)


def test_an_error_of_the_compiler_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(convolution_kernel, "requantize", broken)
    result = onnx2wgsl("fuzz", "--op", "conv", "--examples", "20", "--save", tmp_path)
    assert result.status == 1
    assert re.search(r"^conv: ZeroDivisionError after \w+: planted$", result.out, re.M)


@dataclass(frozen=True)
class FloatNode(Node):
    """An op that is left in float, or one that is refused."""

    op_type: str

    def make(self, b: Builder) -> Tensor:
        return b.q.node(self.op_type, [b.pick(self.x)], b.params(0.1, Level(0)))


@pytest.mark.parametrize(
    ("op_type", "group", "message"),
    [
        ("Det", "refused", r"refused by the compiler: \d+ x drawn: .*Det"),
        ("ReduceMean", "in_float", r"left in float: \d+ x drawn: ReduceMean"),
    ],
)
def test_what_is_not_compared_is_counted_and_told(
    op_type: str, group: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = st.just(((1, 2, 3, 3),))
    kind = Kind("drawn", lambda x: st.builds(FloatNode, x, st.just(False), st.just(op_type)), shapes)
    monkeypatch.setitem(KINDS, "drawn", kind)
    out = succeed("fuzz", "--op", "drawn", "--examples", "12")
    last = summary(out)
    assert int(last[group]) == int(last["cases"]) >= 12
    assert re.search(f"^{message}", out, re.MULTILINE)


def test_time_ends_it() -> None:
    assert summary(succeed("fuzz", "--op", "pad", "--time", "0.5s"))["verdict"] == "0 mismatches"


def test_an_interruption_ends_it_with_the_summary_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = SharedDevice.run, []

    def interrupted(self: SharedDevice, *args: Any) -> dict[str, Any]:
        calls.append(args)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return run(self, *args)

    monkeypatch.setattr(SharedDevice, "run", interrupted)
    result = onnx2wgsl("fuzz", "--op", "pad")
    assert (result.status, result.err) == (130, "")
    last = summary(result.out)
    assert (last["verdict"], last["models"]) == ("interrupted, 0 mismatches so far", "2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--op", "nothing"), "--op nothing: no such kind; there are "),
        (("--op", "conv", "--graphs"), "give --op or --graphs, not both"),
        (("--time", "soon"), "'soon' is no time such as 90s, 10m or 1h"),
        (("--time", "-1m"), "'-1m' is no time such as 90s, 10m or 1h"),
        (("--examples", "0"), "0 is not in the range x>=1"),
    ],
)
def test_wrong_options_are_refused(arguments: tuple[str, ...], message: str) -> None:
    result = onnx2wgsl("fuzz", *arguments)
    assert result.status == 2
    assert message in result.err


def test_without_hypothesis_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['hypothesis'] = None\n" \
           "from onnx2wgsl.compiler.cli import main; main()"  # fmt: skip
    process = subprocess.run(
        [sys.executable, "-c", code, "fuzz"], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == (
        'error: onnx2wgsl fuzz works with hypothesis, which is not installed: pip install "onnx2wgsl[fuzz]"\n'
    )
