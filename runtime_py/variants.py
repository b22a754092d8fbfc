"""Chooses the variant of each snippet for a device: probed, never assumed."""

from typing import Any, Literal

import numpy as np
import wgpu

from .adapters import dispatch_once, packed_dot_works
from .artifact import Artifact, words_of
from .description import WORD
from .errors import AdapterError, InputError

Dot = Literal["packed", "emulated"]
Requantize = Literal["fast", "integer"]

_CASES_PER_WORKGROUP = 64


def choose_variants(
    device: Any, artifact: Artifact, dot: Dot | None, requantize: Requantize | None
) -> dict[str, str]:
    """Snippet name -> variant; raises AdapterError where a variant that was asked for can't be."""
    _check_choice("dot", dot, ("packed", "emulated"))
    _check_choice("requantize", requantize, ("fast", "integer"))
    return {
        "dot": _dot(device, demanded=dot == "packed") if dot in (None, "packed") else dot,
        "requantize": requantize
        if requantize == "integer"
        else _requantize(device, artifact, demanded=requantize == "fast"),
    }


def _check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise InputError(f"{name} is {value!r}; give None or one of {', '.join(choices)}")


def _dot(device: Any, demanded: bool) -> str:
    """`packed` where it works, `emulated` on software adapters, which unpack it anyway."""
    if not demanded and device.adapter.info["adapter_type"] == "CPU":
        return "emulated"
    if packed_dot_works(device):
        return "packed"
    if demanded:
        raise AdapterError(
            "dot='packed' was asked for, and dot4I8Packed does not compile on this device; "
            "leave dot out or give dot='emulated'"
        )
    return "emulated"


def _requantize(device: Any, artifact: Artifact, demanded: bool) -> str:
    expected = _cases(artifact)[:, 3].view("<i4")
    actual = run_probe(device, artifact, "fast")
    wrong = np.flatnonzero(actual != expected)
    if wrong.size == 0:
        return "fast"
    if demanded:
        case = int(wrong[0])
        raise AdapterError(
            f"requantize='fast' was asked for, and this device rounds {wrong.size} of "
            f"{expected.size} probe cases differently (case {case}: {actual[case]}, not "
            f"{expected[case]}); leave requantize out or give requantize='integer'"
        )
    return "integer"


def run_probe(device: Any, artifact: Artifact, variant: str) -> np.ndarray[Any, np.dtype[np.int32]]:
    """What a variant of `requantize` gives for the probe's cases on this device: i32[cases]."""
    shader = artifact.description["probe"]["shader"]
    cases = _cases(artifact)
    usage = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST
    source = device.create_buffer(size=cases.nbytes, usage=usage)
    result = device.create_buffer(size=len(cases) * WORD, usage=usage)
    device.queue.write_buffer(source, 0, cases)
    snippet = artifact.description["snippets"]["requantize"][variant]
    code = "\n".join([artifact.shaders[snippet], artifact.shaders[shader]])
    buffers = {0: ("read-only-storage", source), 1: ("storage", result)}
    try:
        dispatch_once(device, shader, code, buffers, -(-len(cases) // _CASES_PER_WORKGROUP))
        return np.frombuffer(device.queue.read_buffer(result), dtype="<i4")
    finally:
        source.destroy()
        result.destroy()


def _cases(artifact: Artifact) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The probe's cases, u32 [cases, 4]: the bits of accumulator, scale, zero point, expected result."""
    probe = artifact.description["probe"]
    return words_of(artifact.weights)[probe["offset"] :][: 4 * probe["count"]].reshape(-1, 4)
