"""Single models of a subject, where no property is tested."""

from __future__ import annotations

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from .campaign import strategy_of
from .models import Builder, Net

CASES = 2
"""In a model of single operators."""


def drawn(subject: str, seed: int) -> bytes:
    """A small ONNX model, serialized; the same seed draws the same one."""
    nets: list[Net] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=3, deadline=None, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
    )  # fmt: skip
    @hypothesis.given(strategy_of(subject, CASES))
    def draw(net: Net) -> None:
        nets.append(net)

    draw()
    model = Builder(nets[-1]).model()  # the first net is the smallest of all
    return bytes(model.SerializeToString())
