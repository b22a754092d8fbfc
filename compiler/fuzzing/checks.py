"""Runs one model through every stage and counts the differing bits of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ..errors import CompileError, UnsupportedError
from ..ir.graph import Graph
from ..ir.program import Kernel, Program, float_kernels
from ..pipeline import compile_model
from ..reference.oracle import Oracle, needs_signed_integer_kernels
from ..verify.interpreter import run_graph
from ..verify.simulator import run_program

Array = NDArray[Any]
Feed = dict[str, Array]
Observer = Callable[[str, Graph | Program], None]
Device = Callable[[onnx.ModelProto, Program, Feed], Feed]
"""Runs a program on an adapter: its outputs by name."""
ON_DEVICE = "the device"
INTERNAL = "internal error"
"""How the verifier's own messages start: nobody's mistake but the compiler's."""


@dataclass(frozen=True)
class Stage:
    """What one evaluation gave: how many values differ, and the first one that does."""

    name: str
    values: int
    differing: int
    first: str = ""


@dataclass
class Comparison:
    """One model against onnxruntime, stage by stage.

    Where `refused` or `in_float` (by onnxruntime, or as a float region) are not empty they say why,
    and nothing counts as compared. `crash` is an error that is nobody's mistake, with the stage
    before it.
    """

    model: onnx.ModelProto
    feed: Feed
    expected: Feed = field(default_factory=dict)
    program: Program | None = None
    stages: list[Stage] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    in_float: list[str] = field(default_factory=list)
    crash: str = ""

    @property
    def wrong(self) -> Stage | None:
        """The first stage that differs."""
        return next((stage for stage in self.stages if stage.differing), None)

    @property
    def failed(self) -> bool:
        return bool(self.crash) or self.wrong is not None

    @property
    def values(self) -> int:
        """How many values were compared, over all stages."""
        return sum(stage.values for stage in self.stages)

    def require_exact(self) -> None:
        """AssertionError unless every stage was compared and none differs."""
        assert not self.in_float, f"onnxruntime itself left a part in float: {self.in_float}"
        assert not self.refused, f"refused: {self.refused}"
        assert not self.crash, self.crash
        wrong = {stage.name: stage.differing for stage in self.stages}
        assert self.stages
        assert not any(wrong.values()), f"differing values after each pass: {wrong}"


def compare(model: onnx.ModelProto, feed: Feed, device: Device | None = None) -> Comparison:
    """The import, the graph after every pass, the program, and the device, with onnxruntime."""
    found = Comparison(model, feed)
    oracle = Oracle(model, signed_integer_kernels=needs_signed_integer_kernels(model))
    groups = oracle.integer_groups()
    if not groups.exact:
        found.in_float = [f"{group.op}: {group.reason}" for group in groups.left_in_float]
        return found
    found.expected = oracle.run(feed)
    done = "the start"

    def observe(name: str, stage: Graph | Program) -> None:
        nonlocal done
        found.stages.append(compare_stage(name, run_stage(stage, feed), found.expected))
        done = name

    try:
        found.program = compile_in_memory(model, observe)
        found.in_float = [f"{kernel.op} computes in f32" for kernel in floats(found.program)]
        if device is not None and not found.in_float:
            outputs = device(model, found.program, feed)
            found.stages.append(compare_stage(ON_DEVICE, outputs, found.expected))
    except UnsupportedError as error:
        found.refused = error.reasons
    except CompileError as error:
        if str(error).startswith(INTERNAL):
            found.crash = f"after {done}: {error}"
        else:
            found.refused = [str(error)]
    except Exception as error:  # whatever it is, it is a finding
        found.crash = f"{type(error).__name__} after {done}: {error}"
    if found.refused or found.in_float:
        found.stages.clear()  # what stays in float is not exact
    return found


def floats(program: Program) -> list[Kernel]:
    """The kernels of float regions, in their order."""
    among = float_kernels(program)
    return [kernel for kernel in program.kernels if kernel in among]


def compile_in_memory(model: onnx.ModelProto, observe: Observer | None = None) -> Program:
    """The program of a model that is not in a file."""
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
        path = Path(folder) / "net.onnx"
        onnx.save(model, path)
        return compile_model(path, None, observe)


def run_stage(stage: Graph | Program, given: Feed) -> Feed:
    """Outputs by name of either IR."""
    return run_graph(stage, given) if isinstance(stage, Graph) else run_program(stage, given)


def compare_stage(name: str, found: Feed, expected: Feed) -> Stage:
    """Counts the values whose bits differ, over all outputs."""
    values = differing = 0
    first = ""
    for key, want in expected.items():
        have = found[key]
        values += want.size
        if (have.dtype, have.shape) != (want.dtype, want.shape):
            differing += want.size
            forms = [f"{array.dtype}{list(array.shape)}" for array in (have, want)]
            first = first or f"output {key!r} is {forms[0]}, expected {forms[1]}"
            continue
        places = np.argwhere(bits(have) != bits(want))
        differing += len(places)
        if len(places) and not first:
            at = tuple(int(index) for index in places[0])
            first = f"output {key!r} {list(at)} is {have[at]}, expected {want[at]}"
    return Stage(name, values, differing, first)


def same_bits(a: Feed, b: Feed) -> bool:
    """Whether two sets of outputs agree in every bit."""
    return a.keys() == b.keys() and not compare_stage("", a, b).differing


def bits(array: Array) -> Array:
    """The bits of a tensor as unsigned integers."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}").reshape(array.shape)
