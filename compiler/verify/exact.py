"""Runs a model that has no floats through every stage: each must be exact in every bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import onnx

from ..errors import CompileError, InternalError, UnsupportedError
from ..frontend.input_shapes import Shapes
from ..ir.graph import Graph
from ..ir.program import Kernel, Program, float_kernels
from ..reference.oracle import Oracle, reference_of
from .compare import Feed, compare
from .compiled import compile_in_memory
from .expectation import Expected, integers_in_float
from .origins import quantized_floats
from .regions import float_regions
from .stages import Stage, after, compare_stage

RunOnDevice = Callable[[onnx.ModelProto, Program, Feed], Feed]
"""Runs a program, compiled from the model, on an adapter: its outputs by name."""
ON_DEVICE = after("the device")


@dataclass
class Comparison:
    """One model against ONNX Runtime, stage by stage.

    Where `refused` or `in_float` (by ONNX Runtime, or as a float region) are not empty they say
    why, and nothing counts as compared but what ONNX Runtime has in integers. `crash` is an error
    that is nobody's mistake, with the stage before it.
    """

    model: onnx.ModelProto
    samples: Sequence[Feed]
    program: Program | None = None
    stages: list[Stage] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    in_float: list[str] = field(default_factory=list)
    crash: str = ""

    @property
    def wrong(self) -> Stage | None:
        """The first stage that differs."""
        return next((stage for stage in self.stages if not stage.ok), None)

    @property
    def failed(self) -> bool:
        return bool(self.crash) or self.wrong is not None

    @property
    def values(self) -> int:
        """How many values were compared, over all stages."""
        return sum(stage.difference.values for stage in self.stages)

    def require_exact(self) -> Program:
        """The program; AssertionError unless every stage was compared and none differs."""
        assert not self.in_float, f"left in float: {self.in_float}"
        assert not self.refused, f"refused: {self.refused}"
        assert not self.crash, self.crash
        wrong = {stage.name: stage.difference for stage in self.stages if not stage.ok}
        assert not wrong, f"stages that differ: {wrong}"
        assert self.stages
        assert self.program is not None
        return self.program


def compare_model(
    model: onnx.ModelProto,
    samples: Sequence[Feed],
    run_on_device: RunOnDevice | None = None,
    *,
    shapes: Shapes | None = None,
) -> Comparison:
    """The import, the graph after every pass, the program, and the device where there is one.

    Raises CompileError where ONNX Runtime refuses the model or a sample.
    """
    comparison = Comparison(model, samples)
    oracle = reference_of(model)
    groups = oracle.integer_groups()
    if not groups.exact:
        comparison.in_float = [f"{group.op_type}: {group.reason}" for group in groups.left_in_float]
        return comparison
    comparer = _Comparer(comparison, [Expected.of_outputs(sample, oracle.run(sample)) for sample in samples])
    comparer.compare(shapes, run_on_device)
    if comparison.refused or comparison.in_float:
        comparison.stages.clear()  # what stays in float is not exact
    if comparison.in_float and comparer.packed is not None:
        comparison.stages += comparer.integers_in_float(oracle)
    return comparison


class _Comparer:
    """Fills in a comparison."""

    def __init__(self, comparison: Comparison, expected: Sequence[Expected]) -> None:
        self.comparison = comparison
        self.expected = expected
        self.last_stage = "the start"
        self.packed: Graph | None = None

    def compare(self, shapes: Shapes | None, run_on_device: RunOnDevice | None) -> None:
        """Every stage; whatever stops it is noted down."""
        comparison = self.comparison
        try:
            comparison.program = compile_in_memory(comparison.model, self._observe, shapes)
            comparison.in_float = [f"{k.kind} computes in f32" for k in floats_of(comparison.program)]
            if run_on_device is not None and not comparison.in_float:
                comparison.stages.append(self._on_device(comparison.program, run_on_device))
        except UnsupportedError as error:
            comparison.refused = error.reasons
        except InternalError as error:
            comparison.crash = f"{after(self.last_stage)}: {error}"
        except CompileError as error:
            comparison.refused = [str(error)]
        except Exception as error:  # whatever it is, it is a finding
            comparison.crash = f"{type(error).__name__} {after(self.last_stage)}: {error}"

    def _observe(self, name: str, stage: Graph | Program) -> None:
        self.comparison.stages.append(compare_stage(after(name), stage, self.expected))
        self.last_stage = name
        self.packed = stage if isinstance(stage, Graph) else self.packed

    def integers_in_float(self, oracle: Oracle) -> list[Stage]:
        """What stayed in float here and is computed in integers by ONNX Runtime: wrong, each."""
        program, packed = self.comparison.program, self.packed
        assert program is not None
        assert packed is not None
        integers = integers_in_float(oracle, float_regions(program), quantized_floats(packed))
        return [Stage.in_float_here(name, op_type) for name, op_type in integers.items()]

    def _on_device(self, program: Program, run: RunOnDevice) -> Stage:
        model = self.comparison.model
        return Stage.of(
            ON_DEVICE, (compare(one.outputs, run(model, program, one.sample)) for one in self.expected)
        )


def floats_of(program: Program) -> list[Kernel]:
    """The kernels that compute in f32 or read what one made, in their order."""
    among = float_kernels(program)
    return [kernel for kernel in program.kernels if kernel in among]
