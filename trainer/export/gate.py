"""What int8 may cost: the conditions under which a model ships."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..data.held_out import Pictures
from ..evaluation.metrics import PERFECT_PSNR, psnr
from ..models.onnx_generator import Floats, OnnxGenerator, to_pictures, to_range

LEAST_FIDELITY = 45.0
"""dB of the int8 net against the float one, mean over held-out inputs."""
GREATEST_LOSS = 0.1
"""dB by which PSNR against the truth may fall."""


@dataclass(frozen=True)
class Gate:
    """What was found: decibels, means over pictures; `floats`: what is not computed in integers."""

    pictures: int
    fidelity: float
    """PSNR of int8 against float outputs, peak to peak 2."""
    worst: float
    """The same of the picture where it is lowest."""
    float_psnr: float
    int8_psnr: float
    """PSNR against the truth, of pictures in bytes."""
    floats: tuple[str, ...]

    def failures(self) -> list[str]:
        """Each condition that does not hold, in words."""
        return list(self._failures())

    def _failures(self) -> Iterator[str]:
        if self.fidelity < LEAST_FIDELITY:
            yield f"int8 is {self.fidelity:.1f} dB from float, not {LEAST_FIDELITY:.0f} dB or more"
        if self.float_psnr - self.int8_psnr > GREATEST_LOSS:
            yield (
                f"int8 has {self.int8_psnr:.2f} dB against the truth, float {self.float_psnr:.2f}:"
                f" a loss of more than {GREATEST_LOSS} dB"
            )
        if self.floats:
            yield f"onnxruntime computes in float: {', '.join(self.floats)}"


def check(exact: OnnxGenerator, int8: OnnxGenerator, held: Pictures, floats: list[str]) -> Gate:
    """Runs both nets on held-out pictures of their size."""
    inputs = to_range(held.inputs)
    outputs = exact(inputs), int8(inputs)
    fidelities = [_fidelity(x, y) for x, y in zip(*outputs, strict=True)]
    truth = [
        float(np.mean([psnr(x, y) for x, y in zip(to_pictures(out), held.truths, strict=True)]))
        for out in outputs
    ]
    return Gate(
        pictures=len(held),
        fidelity=float(np.mean(fidelities)),
        worst=min(fidelities),
        float_psnr=truth[0],
        int8_psnr=truth[1],
        floats=tuple(floats),
    )


def _fidelity(exact: Floats, int8: Floats) -> float:
    """PSNR in dB of f32[3,S,S] in [-1,1]."""
    error = float(np.square((exact - int8).astype(np.float64) / 2).mean())
    return PERFECT_PSNR if error == 0 else min(PERFECT_PSNR, -10 * float(np.log10(error)))
