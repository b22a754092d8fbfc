"""The WGSL snippets alone on the real adapter, 131072 cases a dispatch, against the reference."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.compiler.arithmetic import requantize
from onnx2wgsl.compiler.backend.codegen import PROBE_SHADER, SNIPPETS
from onnx2wgsl.compiler.backend.templating import render_template
from onnx2wgsl.compiler.fuzzing.models import Input, Net, build, feed
from onnx2wgsl.compiler.fuzzing.values import DECIMAL, EXTREME_SCALES, LEVELS, SCALES
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.stages import run_stage

from .checks import compile_net
from .gpu import Harness, in_every_variant, snippet
from .profiles import examples

CASES = 1 << 17
SEEDS = st.integers(0, 2**32 - 1)
Array = NDArray[Any]

DOTS = """
@group(0) @binding(0) var<storage, read> cases: array<u32>;
@group(0) @binding(1) var<storage, read_write> results: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 5u;
  let w = vec4<u32>(cases[at + 1u], cases[at + 2u], cases[at + 3u], cases[at + 4u]);
  let sums = bitcast<vec4<u32>>(dots(cases[at], w));
  for (var i = 0u; i < 4u; i++) { results[id.x * 4u + i] = sums[i]; }
}
"""


@cache
def requantizer(variant: str) -> Harness:
    code = snippet("requantize", variant) + render_template(PROBE_SHADER, {})
    return Harness(code, case_words=4, result_words=1)


@cache
def dotter(variant: str) -> Harness:
    return Harness(snippet("dot", variant) + DOTS, case_words=5, result_words=4)


def scales(random: np.random.Generator) -> Array:
    """f32 of 2^-40 to 2^4: any significand, powers of two, and decimal ones."""
    any_bits = random.uniform(-40, 4, CASES)
    exponent = np.floor(any_bits)
    decimal = random.integers(1, 1000, CASES) / 10.0 ** random.integers(2, 8, CASES)
    drawn = np.choose(random.integers(0, 3, CASES), [2**any_bits, 2**exponent, decimal])
    return np.clip(drawn, 2.0**-40, 2.0**4).astype(np.float32)


def accumulators(random: np.random.Generator, scale: Array, zero_point: Array) -> Array:
    """i32: on ties of the result and beside them, any value, any magnitude, the ends."""
    level = random.integers(-130, 130, CASES) - zero_point + 0.5
    ties = np.rint(level / scale.astype(np.float64)) + random.integers(-1, 2, CASES)
    anything = random.integers(-(2**31), 2**31, CASES)
    magnitudes = np.rint(random.choice([-1, 1], CASES) * 2 ** random.uniform(0, 31, CASES))
    ends = random.choice(
        [0, 1, -1, 2**24 + 1, -(2**24) - 1, 2**24 + 3, 2**25 + 2, 2**31 - 1, -(2**31), 64 - 2**31],
        CASES,
    )
    kind = random.choice(4, CASES, p=[0.6, 0.15, 0.2, 0.05])
    drawn = np.choose(kind, [ties, anything, magnitudes, ends])
    return np.clip(drawn, -(2.0**31), 2.0**31 - 1).astype(np.int64).astype(np.int32)


@pytest.mark.parametrize("variant", SNIPPETS["requantize"])
def test_requantize_is_exact(variant: str) -> None:
    @examples(10)
    @given(SEEDS)
    def check(seed: int) -> None:
        random = np.random.default_rng(seed)
        scale, zero_point = scales(random), random.integers(-128, 128, CASES)
        zero_point[: CASES // 8] = random.choice([-128, 127], CASES // 8)
        acc = accumulators(random, scale, zero_point)
        cases = np.zeros((CASES, 4), np.uint32)
        cases[:, 0], cases[:, 1] = acc.view(np.uint32), scale.view(np.uint32)
        cases[:, 2] = zero_point.astype(np.int32).view(np.uint32)
        levels = requantizer(variant).run(cases)[:, 0].view(np.int32)
        expected = requantize(acc, scale, zero_point, (-128, 127))  # type: ignore[arg-type]
        wrong = np.flatnonzero(levels != expected)
        assert wrong.size == 0, _report(wrong, acc, scale, zero_point, levels, expected)

    check()


def _report(wrong: Array, *columns: Array) -> str:
    first = [column[wrong[0]] for column in columns]
    return f"{wrong.size} cases; first (acc, scale, zero point, found, expected): {first}"


@pytest.mark.parametrize("variant", SNIPPETS["dot"])
def test_dots_is_exact(variant: str) -> None:
    @examples(5)
    @given(SEEDS)
    def check(seed: int) -> None:
        random = np.random.default_rng(seed)
        lanes = random.integers(-128, 128, (CASES, 5, 4), np.int8)
        extreme = random.choice(np.array([-128, 127, -1, 0], np.int8), lanes.shape)
        lanes = np.where(random.random(lanes.shape[:2])[..., None] < 0.3, extreme, lanes)
        lanes[0] = -128  # four times -128 * -128
        sums = dotter(variant).run(lanes.view(np.uint32)[..., 0]).view(np.int32)
        expected = np.einsum("cl,cwl->cw", lanes[:, 0].astype(np.int32), lanes[:, 1:].astype(int))
        assert (sums == expected).all()

    check()


@examples(6)
@given(
    st.lists(st.tuples(st.one_of(SCALES, DECIMAL, EXTREME_SCALES), LEVELS), min_size=4, max_size=4),
    st.sampled_from(["u8", "s8"]),
    SEEDS,
)
def test_quantize_of_any_f32_is_exact(params: Any, dtype: Any, seed: int) -> None:
    """Ties and their neighbours, any bits, NaN, infinities and subnormals; 4 * 32768 values."""
    inputs = tuple(
        Input((1, 8, 64, 64), scale, zero_point, as_float=True, bytes_out=True)
        for scale, zero_point in params
    )
    net = Net(dtype, 17, inputs, (), seed)
    sample = feed(net)
    model, program = compile_net(net)
    ((_, outputs),) = in_every_variant(model, program, sample)
    simulated = run_stage(program, sample)
    wanted = Oracle(build(net)).run(sample)
    assert same_bits(simulated, wanted)
    assert same_bits(outputs, wanted)
