"""Samples reach all levels and beyond, and a seed draws the same again."""

from __future__ import annotations

import numpy as np
import pytest
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.quantize import Quantize
from onnx2wgsl.compiler.verify.compare import Feed, same_bits
from onnx2wgsl.compiler.verify.samples import Ranges, check_ranges, random_sample

TEXT = """
graph @t (%x: f32[1,3,8,8], %b: s8[4,64], %free: f32[200]) -> ("y": %q, "z": %b, "w": %free) opset 21 {
  @s: f32[] = [0.5]
  @z: u8[] = [28]
  %q: u8[1,3,8,8]{s=0.5, z=28} = quantize(%x, scale=@s, zero_point=@z)
}
"""


def graph() -> Graph:
    result = parse_graph(TEXT)
    assert isinstance(result.ops[0], Quantize)
    return result


def samples(seed: int, count: int = 1) -> list[Feed]:
    random = np.random.default_rng(seed)
    return [random_sample(graph(), random) for _ in range(count)]


def test_a_seed_draws_the_same_again() -> None:
    assert same_bits(samples(1)[0], samples(1)[0])
    assert not same_bits(samples(1)[0], samples(2)[0])


def test_each_input_has_its_dtype_and_shape() -> None:
    (sample,) = samples(0)
    forms = {name: (array.dtype.name, array.shape) for name, array in sample.items()}
    assert forms == {
        "x": ("float32", (1, 3, 8, 8)),
        "b": ("int8", (4, 64)),
        "free": ("float32", (200,)),
    }


def test_floats_cover_the_levels_of_their_quantization_and_saturate() -> None:
    values = np.concatenate([sample["x"].ravel() for sample in samples(0, 60)])
    low, high = (0 - 28) * 0.5, (255 - 28) * 0.5
    assert values.min() < low
    assert values.max() > high
    assert len(np.unique(np.round(values.clip(low, high) / 0.5))) == 256


def test_a_mask_is_zeros_and_ones() -> None:
    text = (
        'graph @t (%attention_mask: i64[40], %ids: i64[40]) -> ("y": %ids, "m": %attention_mask) opset 21 {}'
    )
    sample = random_sample(parse_graph(text), np.random.default_rng(0))
    assert set(sample["attention_mask"].tolist()) == {0, 1}
    assert sample["ids"].max() > 100


@pytest.mark.parametrize("ranges", [{}, {"x": (0, 1)}])
@pytest.mark.parametrize("dtype", ["f32", "i64", "i32", "bool", "u8", "s8"])
def test_a_scalar_is_an_array_too(dtype: str, ranges: Ranges) -> None:
    text = f'graph @t (%x: {dtype}[]) -> ("y": %x) opset 21 {{}}'
    value = random_sample(parse_graph(text), np.random.default_rng(0), ranges)["x"]
    assert isinstance(value, np.ndarray)
    assert value.shape == ()


def test_what_has_a_range_lies_within_it() -> None:
    sample = random_sample(graph(), np.random.default_rng(0), {"free": (2, 3), "b": (-4, -3.5)})
    assert 2 <= sample["free"].min() < sample["free"].max() <= 3
    assert set(sample["b"].flat) == {-4}


@pytest.mark.parametrize("ends", [(0, 300), (-128.5, 0), (0.2, 0.8), (3, 2)])
def test_a_range_that_a_dtype_has_no_values_in_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(CompileError, match=r"input b is int8; .* is no range of its values"):
        check_ranges(graph(), {"b": ends})


def test_bytes_are_all_levels() -> None:
    values = np.concatenate([sample["b"].ravel() for sample in samples(0, 20)])
    assert len(np.unique(values)) == 256
