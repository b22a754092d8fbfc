"""Damaged ONNX models as the target of a hunt (`malformed`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import CompileError
from ..pipeline import import_or_refuse
from ..reference.oracle import reference_of
from ..verify.compiled import Compiled
from ..verify.samples import random_sample
from ..verify.verification import Verification
from .draw import drawn
from .malformed import RIGHT, Outcome, judged
from .mutation import mutate


@dataclass
class MalformedModels:
    """Mutants of random models of the subjects in turn; `seed` as that of a campaign."""

    subjects: Sequence[str]
    seed: int = 0
    name: str = field(default="model", init=False)
    replay: str = field(default="verify", init=False)

    @cached_property
    def _models(self) -> list[bytes]:
        return [drawn(subject, self.seed + place) for place, subject in enumerate(self.subjects)]

    def write(self, number: int, folder: Path) -> Path:
        """The mutant as an ONNX file."""
        model = self._models[number % len(self._models)]
        path = folder / f"{self.name}-{self.seed}-{number}.onnx"
        path.write_bytes(mutate(model, self.seed << 32 | number))
        return path

    def open(self) -> Callable[[int, Path], Outcome]:
        return lambda _, path: judged(lambda: _judge(path), (CompileError,))


def _judge(path: Path) -> Outcome:
    """A model that compiles: onnxruntime takes it, and its program has onnxruntime's values."""
    graph = import_or_refuse(path, {})
    sample = random_sample(graph, np.random.default_rng(0))
    compiled = Compiled.of(graph)
    try:
        verification = Verification(reference_of(path), compiled, [sample])
    except CompileError as error:
        return Outcome("taken, though onnxruntime refuses it", str(error))
    stage = verification.stage("simulated", compiled.program)
    return Outcome(RIGHT) if stage.ok else Outcome("wrong", str(stage.difference))
