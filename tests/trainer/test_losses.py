"""Terms of the loss that are told by small pictures."""

from __future__ import annotations

import pytest
import torch
from onnx2wgsl.trainer.training.losses import FAINT, WINDOW, spectra
from torch import Tensor

SIZE = 64


def noise(seed: int) -> Tensor:
    """f32[1,3,64,64] without order."""
    return torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def lines(period: int, shift: int = 0) -> Tensor:
    """f32[1,3,64,64]: columns that go 1, -1 by half a period each."""
    at = (torch.arange(SIZE) + shift) % period
    return torch.where(at < period // 2, 1.0, -1.0).expand(1, 3, SIZE, SIZE)


def distance(one: Tensor, other: Tensor) -> float:
    return float((spectra(one) - spectra(other)).abs().mean())


def test_where_lines_lie_does_not_matter_how_they_lie_does() -> None:
    moved, turned = lines(8, shift=2), lines(8).transpose(2, 3)
    assert distance(lines(8), moved) < 0.2 * distance(lines(8), turned)
    assert distance(lines(8), moved) < 0.2 * distance(lines(8), lines(4))


@pytest.mark.parametrize("period", [2, 4, 8, 16])
def test_a_comb_is_no_noise_of_its_energy(period: int) -> None:
    scale = noise(0).mean(1).std()  # of the gray picture
    comb = lines(period) * scale
    assert distance(comb, noise(0)) > 1.5 * distance(noise(1), noise(0))


def test_brightness_and_slopes_are_no_detail() -> None:
    plain = torch.full((1, 3, SIZE, SIZE), 0.5)
    assert spectra(plain).max() < 1.01 * FAINT
    slope = torch.linspace(-1, 1, SIZE).expand(1, 3, SIZE, SIZE)
    assert spectra(slope).max() < 0.1 < spectra(lines(8) / 2).max()


def test_windows_lie_side_by_side() -> None:
    side = SIZE // WINDOW
    picture = torch.zeros(1, 3, SIZE, SIZE)
    picture[..., WINDOW + 5, 2 * WINDOW + 6] = 1
    with_detail = spectra(picture)[0].amax(1) > 2 * FAINT
    assert with_detail.nonzero().ravel().tolist() == [side + 2]
