"""Terms of the loss that are told by small pictures."""

from __future__ import annotations

import pytest
import torch
from onnx2wgsl.trainer.training.losses import combs, fine, periodic
from torch import Tensor

SIZE = 64


def columns(period: int) -> Tensor:
    """f32[1,3,64,64] of columns that go 1, -1 by half a period each."""
    at = torch.arange(SIZE)
    wave = torch.where(at % period < period // 2, 1.0, -1.0)
    return wave.expand(1, 3, SIZE, SIZE)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_comb_costs_more_than_an_edge_of_its_height_and_noise_of_its_energy(period: int) -> None:
    comb = combs(columns(period))
    edge = torch.ones(1, 3, SIZE, SIZE)
    edge[..., : SIZE // 2] = -1
    noise = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    assert comb > 3 * combs(edge)
    assert comb > 2 * combs(noise)


def test_a_plain_and_a_slope_cost_nothing() -> None:
    assert combs(torch.ones(2, 3, SIZE, SIZE)) == 0
    slope = torch.linspace(-1, 1, SIZE).expand(2, 3, SIZE, SIZE)
    # But for the borders, where a slope is mirrored.
    assert combs(slope) < 0.01


def test_the_worked_example_holds() -> None:
    picture = (torch.arange(SIZE) % 2).float().expand(1, 1, SIZE, SIZE)
    cell = periodic(picture, 2, 4)[0, :, 0, 0]
    assert cell.tolist() == [-0.5, 0.5, -0.5, 0.5]


def test_fine_is_what_the_mean_around_has_not() -> None:
    dot = torch.zeros(1, 1, 9, 9)
    dot[..., 4, 4] = 25
    assert fine(dot)[0, 0, 4].tolist() == [0, 0, -1, -1, 24, -1, -1, 0, 0]
