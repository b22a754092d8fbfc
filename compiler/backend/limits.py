"""Holds every kernel of an artifact to what all WebGPU devices have."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import CompileError
from ..ir.limits import STORAGE_BUFFERS, WORKGROUPS
from ..lowering.shader import Json


def check_limits(kernels: list[Json]) -> None:
    """Raises CompileError with every kernel record that asks for more."""
    problems = [problem for kernel in kernels for problem in _problems(kernel)]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise CompileError(f"the model needs more than a WebGPU device must have:\n{listed}")


def _problems(kernel: Json) -> Iterator[str]:
    bindings, groups = len(kernel["bindings"]), max(kernel["workgroups"])
    if bindings > STORAGE_BUFFERS:
        yield f"kernel {kernel['name']!r} binds {bindings} storage buffers; {STORAGE_BUFFERS} can be bound"
    if groups > WORKGROUPS:
        yield f"kernel {kernel['name']!r} is {groups} workgroups along an axis; {WORKGROUPS} can be run"
