"""Grouped convolutions: depthwise lane by lane, groups of whole words, and dense where neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.operators.convolution.kernel import ConvKernel

from tests.builders.qdq import QDQBuilder, QuantParams, Weights
from tests.compiler.exactness import assert_exact_on_gpu

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "depthwise": ({"group": 8}, "depthwise"),
    "depthwise s8": ({"group": 8, "of": "s8", "strides": (2, 2)}, "depthwise"),
    "depthwise zero points": ({"group": 8, "zero": 7, "pads": (0, 1, 2, 0)}, "depthwise"),
    "depthwise odd channels": ({"channels": 7, "out": 7, "group": 7, "dilations": (2, 1)},
                               "depthwise"),
    "depthwise upsampled": ({"group": 8, "upsample": True}, "depthwise"),
    "depthwise after concat": ({"group": 8, "parts": (3, 5)}, "depthwise"),
    "two channels of each": ({"group": 8, "out": 16}, "dense"),
    "groups of words": ({"channels": 16, "out": 24, "group": 2}, "words"),
    "groups of words, zero points": (
        {"channels": 16, "out": 16, "group": 4, "zero": 9, "of": "s8"}, "words"),
    "wide groups": ({"out": 16, "group": 2, "size": (4, 32), "zero": 5}, "words"),
    "groups across words": ({"channels": 12, "out": 10, "group": 2}, "dense"),
    "groups after concat": ({"group": 2, "out": 16, "parts": (3, 5)}, "dense"),
}  # fmt: skip


def built(
    *,
    group: int,
    channels: int = 8,
    out: int = 8,
    of: str = "u8",
    zero: int = 0,
    size: tuple[int, int] = (9, 10),
    upsample: bool = False,
    parts: tuple[int, ...] = (),
    pads: tuple[int, ...] = (1, 1, 1, 1),
    **settings: Any,
) -> Any:
    random = np.random.default_rng(0)
    b = QDQBuilder()
    params = QuantParams(0.02, 3, of)
    if parts:
        xs = [b.input((1, part, *size), params, as_float=False) for part in parts]
        x = b.concat(xs, params)
    else:
        x = b.input((1, channels, *size), params, as_float=False)
    if upsample:
        x = b.resize(x, (2, 2))
    values = random.integers(-128, 128, (out, channels // group, 3, 3)).astype(np.int8)
    weights = Weights(values, random.uniform(0.005, 0.02, out), np.arange(out) % (zero + 1))
    bias = random.uniform(-1, 1, out).astype(np.float32)
    y = b.conv(x, weights, QuantParams(0.05, 5, of), bias=bias, pads=pads, group=group, **settings)
    b.output(y, as_float=False)
    return b.build()


@pytest.mark.parametrize("case", CASES)
def test_exact(case: str, tmp_path: Path) -> None:
    settings, form = CASES[case]
    program = assert_exact_on_gpu(built(**settings), tmp_path)
    (conv,) = [kernel for kernel in program.kernels if isinstance(kernel, ConvKernel)]
    assert conv.depthwise == (form == "depthwise")
    assert (conv.group > 1) == (form != "dense")
    assert conv.weight.shape[2] * 4 >= conv.x_type.shape[1] // (1 if form == "dense" else conv.group)
    if form == "words":
        assert conv.weight.shape[2] * 4 * conv.group == conv.x_type.shape[1]
