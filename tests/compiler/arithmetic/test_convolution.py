"""Convolutions in blocks against sums of whole windows."""

import numpy as np
import pytest
from onnx2wgsl.compiler.arithmetic import convolution, convolve


@pytest.mark.parametrize("block", [1, 100, 1 << 23])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "BLOCK", block)
    random = np.random.default_rng(block)
    for _ in range(20):
        n, group, own, out, *tap = (int(random.integers(1, 4)) for _ in range(6))
        (sy, sx), (dy, dx) = random.integers(1, 4, 2).tolist(), random.integers(1, 4, 2).tolist()
        size = [(t - 1) * d + int(random.integers(1, 9)) for t, d in zip(tap, (dy, dx), strict=True)]
        x = random.integers(-255, 256, (n, group * own, *size))
        weight = random.integers(-255, 256, (group * out, own, *tap))
        reach = [(t - 1) * d + 1 for t, d in zip(tap, (dy, dx), strict=True)]
        windows = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))[:, :, ::sy, ::sx, ::dy, ::dx]
        windows = windows.reshape(n, group, own, *windows.shape[2:])
        expected = np.einsum("ngchwyx,gocyx->ngohw", windows, weight.reshape(group, out, own, *tap))
        sums = convolve(x, weight, (sy, sx), (dy, dx), group)
        assert sums.tolist() == expected.reshape(sums.shape).tolist()
