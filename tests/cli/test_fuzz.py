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

from tests.command import Done, onnx2wgsl, succeed

SUMMARY = re.compile(
    r"^(?P<verdict>.+) in (?P<models>\d+) models, (?P<cases>\d+) cases, (?P<values>\d+) values; "
    r"(?P<refused>\d+) refused, (?P<in_float>\d+) left in float; seed (?P<seed>\d+); "
    r"onnxruntime 1\.31\.\d+; (?P<adapter>.+, Vulkan\)) \((.+)\)$",
)


def summary(out: str) -> re.Match[str]:
    """The last line."""
    found = SUMMARY.match(out.splitlines()[-1])
    assert found, out
    return found


def truncating(acc: Any, multiplier: Any, zero_point: int, limits: tuple[int, int]) -> Any:
    """A requantization that cuts off where it should round."""
    levels = np.trunc(acc.astype(np.float32) * multiplier).astype(np.int64) + zero_point
    return np.clip(levels, *limits).astype(np.int32)


def replay(done: Done) -> list[str]:
    """The command that the report gives, as arguments."""
    (line,) = re.findall(r"^  replay: onnx2wgsl (.+)$", done.out, re.MULTILINE)
    return shlex.split(line)


def test_what_is_exact_is_told_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "failures"
    out = succeed("fuzz", "--op", "conv", "--op", "quantize", "--examples", "30", "--save", folder)
    found = summary(out)
    assert found["verdict"] == "0 mismatches"
    assert 30 <= int(found["cases"]) < 60
    assert int(found["values"]) > 1000
    assert (found["refused"], found["in_float"], found["seed"]) == ("0", "0", "0")
    assert not folder.exists()


def test_the_same_seed_draws_the_same_models() -> None:
    runs = [succeed("fuzz", "--graphs", "--examples", "4", "--seed", seed) for seed in "778"]
    assert runs[0] == runs[1] != runs[2]


def test_a_planted_rounding_is_found_and_shrunk_to_one_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution_kernel, "requantize", truncating)
    done = onnx2wgsl("fuzz", "--op", "conv", "--examples", "100", "--save", tmp_path)
    assert done.status == 1
    assert summary(done.out)["verdict"] == "1 MISMATCHES"
    difference = r"output '\w+' \[0, 0, 0, 0\] is \S+, expected \S+"
    assert re.search(
        rf"^conv: 1 of 1 values differ from onnxruntime 1\.31\.\d+.*, "
        rf"first after schedule: {difference}$",
        done.out,
        re.MULTILINE,
    )
    arguments = replay(done)
    model, inputs = Path(arguments[1]), Path(arguments[4])
    assert arguments == ["verify", str(model), "--each-pass", "--input", str(inputs)]
    assert sorted(tmp_path.iterdir()) == sorted([model, inputs])
    ops = [node.op_type for node in onnx.load(model).graph.node]
    assert [op for op in ops if op not in ("QuantizeLinear", "DequantizeLinear")] == ["Conv"]
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
    done = onnx2wgsl("fuzz", "--op", "pad", "--examples", "20", "--save", tmp_path, "--dot", "packed")
    assert done.status == 1
    assert "first after the device: output " in done.out
    arguments = replay(done)
    assert arguments[-1] == "--dot=packed"
    monkeypatch.undo()
    succeed(*arguments)


def test_an_error_of_the_compiler_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(convolution_kernel, "requantize", broken)
    done = onnx2wgsl("fuzz", "--op", "conv", "--examples", "20", "--save", tmp_path)
    assert done.status == 1
    assert re.search(r"^conv: ZeroDivisionError after \w+: planted$", done.out, re.M)


@dataclass(frozen=True)
class FloatNode(Node):
    """An op that is left in float, or one that is refused."""

    op: str

    def make(self, b: Builder) -> Tensor:
        return b.q.op(self.op, [b.pick(self.x)], b.params(0.1, Level(0)))


@pytest.mark.parametrize(
    ("op", "group", "told"),
    [
        ("Det", "refused", r"refused by the compiler: \d+ x drawn: .*Det"),
        ("ReduceMean", "in_float", r"left in float: \d+ x drawn: ReduceMean"),
    ],
)
def test_what_is_not_compared_is_counted_and_told(
    op: str, group: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = st.just(((1, 2, 3, 3),))
    kind = Kind("drawn", lambda x: st.builds(FloatNode, x, st.just(False), st.just(op)), shapes)
    monkeypatch.setitem(KINDS, "drawn", kind)
    out = succeed("fuzz", "--op", "drawn", "--examples", "12")
    found = summary(out)
    assert int(found[group]) == int(found["cases"]) >= 12
    assert re.search(f"^{told}", out, re.MULTILINE)


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
    done = onnx2wgsl("fuzz", "--op", "pad")
    assert (done.status, done.err) == (130, "")
    found = summary(done.out)
    assert (found["verdict"], found["models"]) == ("interrupted, 0 mismatches so far", "2")


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
    done = onnx2wgsl("fuzz", *arguments)
    assert done.status == 2
    assert message in done.err


def test_without_hypothesis_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['hypothesis'] = None\n" \
           "from onnx2wgsl.compiler.cli import main; main()"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code, "fuzz"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: onnx2wgsl fuzz draws its models with hypothesis, which is not installed: "
        'pip install "onnx2wgsl[fuzz]"\n'
    )
