"""Nine products for four pixels of an upsampled picture: onnxruntime's bits, on any shape and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx2wgsl.compiler.cli.on_device import VARIANTS, run_artifact, temporary_artifact
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.operators.convolution.winograd import F32_INTEGERS, STEP, UpsampledKernel
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.compiled import compile_in_memory

from tests.builders.qdq import QDQBuilder, QuantParams, Weights

from .gpu import device
from .profiles import examples

MOST_CHANNELS = (F32_INTEGERS - STEP) // (9 * 128 * 128)
"""Of an input, so that all weights may be -128."""


def model(
    size: tuple[int, int] = (4, 5),
    channels: int = 4,
    outputs: int = 8,
    dtype: str = "u8",
    zero_point: int = 3,
    batch: int = 1,
    extreme: bool = False,
    parts: int = 1,
    as_float: bool = False,
    **window: Any,
) -> onnx.ModelProto:
    """A 3x3 convolution of a picture of `size` upsampled twice; with `parts`, of as many concatenated."""
    random = np.random.default_rng(channels)
    b = QDQBuilder()
    params = QuantParams(0.02, zero_point, dtype)
    xs = [b.input((batch, channels, *size), params, as_float=False) for _ in range(parts)]
    x = b.resize(xs[0] if parts == 1 else b.concat(xs, params), (2, 2))
    shape = (outputs, channels * parts, 3, 3)
    values = np.full(shape, -128, np.int8) if extreme else random.integers(-128, 128, shape).astype(np.int8)
    scale = random.uniform(0.001, 0.02, outputs).astype(np.float32)
    bias = random.uniform(-1, 1, outputs).astype(np.float32)
    y = b.conv(
        x,
        Weights(values, scale),
        QuantParams(0.7, zero_point, dtype),
        bias=bias,
        **{"pads": (1,) * 4} | window,
    )
    b.output(y, as_float=as_float)
    return b.build()


def upsampled(program: Program) -> list[UpsampledKernel]:
    return [kernel for kernel in program.kernels if isinstance(kernel, UpsampledKernel)]


def assert_exact_in_every_schedule(net: onnx.ModelProto) -> Program:
    """With each variant of `dot`, also at the ends of the bytes' range, where sums are largest."""
    program = compile_in_memory(net)
    oracle = Oracle(net, signed_integer_kernels=program.signed)
    random = np.random.default_rng(0)
    with temporary_artifact(net, program) as artifact:
        for kind in ("any", "ends"):
            feed = {}
            for name, (dtype, shape) in oracle.inputs.items():
                low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
                values = {
                    "any": random.integers(low, high + 1, shape),
                    "ends": random.choice([low, high], shape),
                }
                feed[name] = values[kind].astype(dtype)
            expected = oracle.run(feed)
            for variant in VARIANTS[::2]:
                assert same_bits(run_artifact(device(), artifact, feed, variant), expected), (kind, variant)
    return program


@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 20)),
    channels=st.integers(1, 9),
    outputs=st.integers(1, 17),
    dtype=st.sampled_from(["u8", "s8"]),
    zero_point=st.integers(0, 100),
    batch=st.integers(1, 2),
    parts=st.integers(1, 2),
    as_float=st.booleans(),
)
@examples(12)
def test_every_schedule_is_exact(**options: Any) -> None:
    program = assert_exact_in_every_schedule(model(**options))
    pixels = options["size"][0] * options["size"][1]
    assert len(upsampled(program)) == (pixels >= 16 and options["outputs"] > 4)


def test_up_to_the_largest_sums_that_f32_has() -> None:
    assert upsampled(assert_exact_in_every_schedule(model(channels=MOST_CHANNELS, extreme=True)))
    assert not upsampled(compile_in_memory(model(channels=MOST_CHANNELS + 1, extreme=True)))


@pytest.mark.parametrize(
    "window",
    [{"pads": (0, 1, 1, 1)}, {"strides": (2, 1)}, {"dilations": (1, 2), "pads": (1, 2, 1, 2)}],
    ids=["pads", "strides", "dilations"],
)
def test_other_windows_have_one_schedule(window: dict[str, Any]) -> None:
    program = assert_exact_in_every_schedule(model(**window))
    assert not upsampled(program)
