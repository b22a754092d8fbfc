"""A student grown around another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from onnx2wgsl.trainer.config import ModelConfig
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.models import MobileUNet, load_generator, make, save_generator
from onnx2wgsl.trainer.models.growth import grown
from onnx2wgsl.trainer.training.norms import renormed
from onnx2wgsl.trainer.training.run import train_student
from torch.nn import functional

from tests.trainer import tiny


@torch.no_grad()
def trained(size: int = 64, ngf: int = 8) -> MobileUNet:
    """A net whose norms have statistics and weights of their own."""
    torch.manual_seed(0)
    net = MobileUNet(size, ngf)
    net.train()
    net(torch.randn(8, 3, size, size))
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.normal_(1, 0.2)
            layer.bias.normal_(0, 0.2)
    return net.eval()


def test_it_starts_as_the_inner_picture_doubled() -> None:
    inner, drawings = trained(), torch.rand(2, 3, 128, 128) * 2 - 1
    outer = grown(inner)
    with torch.no_grad():
        want = functional.interpolate(inner(functional.avg_pool2d(drawings, 2)), scale_factor=2)
        torch.testing.assert_close(outer(drawings), want, atol=1e-5, rtol=0)
        torch.testing.assert_close(renormed(outer, drawings)(drawings), want, atol=1e-5, rtol=0)
    assert want.std() > 0.05


def test_what_is_new_learns() -> None:
    outer = grown(trained()).train()
    drawings = torch.rand(4, 3, 128, 128) * 2 - 1
    (outer(drawings) - drawings).abs().mean().backward()
    for block in (outer.up[-1], outer.down[1]):
        gradient = next(block.parameters() if block is outer.down[1] else block[1].parameters()).grad
        assert gradient is not None
        assert (gradient.flatten(2).abs().sum((0, 2)) > 0).all(), "each channel that comes in"


def test_architectures_with_an_outer_level_are_written_and_made() -> None:
    outer = grown(trained())
    architecture = {"kind": "mobile", "size": 128, "ngf": 8, "outer": 1}
    assert outer.architecture() == architecture
    copy = make(architecture)
    copy.load_state_dict(outer.state_dict())
    assert grown(outer).architecture() == architecture | {"size": 256, "outer": 2}


def test_what_cannot_be_grown_is_told() -> None:
    with pytest.raises(TrainerError, match="a net of 4 channels can't be grown"):
        grown(trained(ngf=4))
    with pytest.raises(TrainerError, match="3 outer levels: the size, halved by each of these"):
        MobileUNet(128, 8, 3)


def test_training_starts_from_a_net_of_half_the_size(data: Path, tmp_path: Path) -> None:
    save_generator(tmp_path / "inner.pt", trained())
    config = replace(tiny.ONCE, model=ModelConfig(size=128, ngf=8, outer=1))
    result = train_student(data, tmp_path / "run", config, init=tmp_path / "inner.pt")
    assert result.finished
    assert load_generator(tmp_path / "run").architecture() == {
        "kind": "mobile", "size": 128, "ngf": 8, "outer": 1
    }  # fmt: skip
    flat = replace(tiny.ONCE, model=ModelConfig(size=128, ngf=8))
    with pytest.raises(TrainerError, match="give a generator of the same kind, size and channels"):
        train_student(data, tmp_path / "other", flat, init=tmp_path / "inner.pt")
