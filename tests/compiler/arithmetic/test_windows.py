"""Windows combined in blocks against one tap after another."""

import itertools
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.arithmetic import WindowAxis, block, extremes_of_windows, sums_of_windows, taps_inside


def draw_axis(random: np.random.Generator) -> WindowAxis:
    side, taps, stride, dilation = (int(random.integers(1, most)) for most in (9, 6, 4, 4))
    before = int(random.integers(-1, taps * dilation + 2))
    return WindowAxis(side, int(random.integers(1, 6)), taps, stride, dilation, before)


def tap_by_tap(x: Any, axes: list[WindowAxis], combine: np.ufunc, start: float) -> tuple[Any, Any]:
    """What every window comes to, and how many taps it has inside."""
    outputs = [axis.outputs for axis in axes]
    result, counts = np.full((len(x), *outputs), start, x.dtype), np.zeros(outputs, np.int64)
    for window in itertools.product(*map(range, outputs)):
        for tap in itertools.product(*(range(axis.taps) for axis in axes)):
            steps = zip(axes, window, tap, strict=True)
            at = tuple(axis.stride * o - axis.before + axis.dilation * t for axis, o, t in steps)
            if all(0 <= i < axis.side for i, axis in zip(at, axes, strict=True)):
                result[:, *window] = combine(result[:, *window], x[:, *at])
                counts[window] += 1
    return result, counts


@pytest.mark.parametrize("size", [1, 7, 1 << 22])
def test_blocks_change_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "BLOCK", size)
    random = np.random.default_rng(size)
    for _ in range(40):
        axes = [draw_axis(random) for _ in range(int(random.integers(1, 4)))]
        shape = (int(random.integers(1, 5)), *(axis.side for axis in axes))
        floats = random.standard_normal(shape).astype(np.float32)
        floats[random.random(shape) < 0.1] = -0.0
        sums, counts = tap_by_tap(floats, axes, np.add, 0.0)
        assert sums_of_windows(floats, axes).view(np.int32).tolist() == sums.view(np.int32).tolist(), axes
        assert taps_inside(axes).tolist() == counts.tolist(), axes
        for dtype in (np.int8, np.uint8, np.int32):
            x = random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)
            for better, worst in ((np.maximum, np.iinfo(dtype).min), (np.minimum, np.iinfo(dtype).max)):
                best, _ = tap_by_tap(x, axes, better, worst)
                assert extremes_of_windows(x, axes, better).tolist() == best.tolist(), (axes, better)
