"""Damaged artifacts as the target of a hunt (`fuzzing/malformed.py`)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.artifact import load_artifact
from onnx2wgsl.runtime_py.errors import SessionError
from onnx2wgsl.runtime_py.selftest import seeded_inputs

from ..driver import compile_file
from ..fuzzing.artifact_mutation import break_rule, mutate, reseal
from ..fuzzing.draw import drawn
from ..fuzzing.malformed import RIGHT, Outcome, judged
from ..verify.compare import Feed, same_bits

MOST_ARTIFACTS = 4
KINDS = 4
"""Of so many mutants one gets hashes that agree with what it says, and one breaks a rule with such hashes."""
_SEALED, _BROKEN = 2, 3


@dataclass
class MalformedArtifacts:
    """Mutants of artifacts of random models of the subjects; `seed` as that of a campaign.

    A mutant is refused, or has the outputs of the artifact that it was. One with hashes made anew is
    another program: it is loaded alone. One that breaks a rule must be refused.
    """

    subjects: Sequence[str]
    seed: int = 0
    name: str = field(default="artifact", init=False)
    replay: str = field(default="run", init=False)
    _scratch: tempfile.TemporaryDirectory[str] | None = field(default=None, init=False, repr=False)

    def write(self, number: int, folder: Path) -> Path:
        """The mutant as a folder."""
        mutant = folder / f"{self.name}-{self.seed}-{number}"
        shutil.copytree(self._artifact(number), mutant)
        seed = self.seed << 32 | number
        if number % KINDS == _BROKEN:
            break_rule(mutant, seed)
        else:
            mutate(mutant, seed)
        if number % KINDS == _SEALED:
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                reseal(mutant)  # where it is a description still
        return mutant

    def open(self) -> Callable[[int, Path], Outcome]:
        expected: dict[Path, Feed] = {}

        def judge(number: int, mutant: Path) -> Outcome:
            if number % KINDS in (_SEALED, _BROKEN):
                load_artifact(mutant)
                taken = Outcome("taken", "it breaks a rule, with hashes that agree")
                return taken if number % KINDS == _BROKEN else Outcome(RIGHT)
            original = self._artifact(number)
            if original not in expected:
                expected[original] = _outputs(original, original)
            same = same_bits(expected[original], _outputs(mutant, original))
            return Outcome(RIGHT) if same else Outcome("wrong", "other outputs than the undamaged artifact's")

        return lambda number, mutant: judged(lambda: judge(number, mutant), (SessionError,))

    def _artifact(self, number: int) -> Path:
        """The artifact that a mutant is made of; compiled where it is not yet there."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="onnx2wgsl-")
        place = number // KINDS % min(MOST_ARTIFACTS, len(self.subjects))
        folder = Path(self._scratch.name) / str(place)
        if not folder.exists():
            model = folder.with_suffix(".onnx")
            model.write_bytes(drawn(self.subjects[place], self.seed + place))
            compile_file(model, folder)
        return folder


def _outputs(folder: Path, original: Path) -> Feed:
    """Of one frame on the inputs of the original's self-test."""
    feed = seeded_inputs(load_artifact(original))
    with InferenceSession(folder) as session:
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, feed), strict=True))
