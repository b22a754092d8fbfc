"""The networks: their sizes are the published ones, they fold, and their files are told apart."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
import torch
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.models import (
    MobileUNet,
    PatchGAN,
    PhaseStudents,
    fold_batch_norm,
    generator_file,
    load_generator,
    load_metrics,
    make,
    mobile,
    save_generator,
    unet,
)
from torch import nn


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (lambda: unet(256, 64), 54_413_955),
        (lambda: PatchGAN(64), 2_768_705),
        (lambda: MobileUNet(256, 16), 2_450_723),
        (lambda: MobileUNet(256, 24), 5_510_835),
        (lambda: MobileUNet(128, 16), 1_893_155),
        (lambda: MobileUNet(512, 16), 3_008_291),
        (lambda: fold_batch_norm(MobileUNet(256, 16)), 2_449_347),
    ],
)
def test_parameters_are_as_many_as_stated(model, count) -> None:
    with torch.device("meta") if count > 10**7 else torch.device("cpu"):
        assert parameters(model()) == count


def test_the_large_teacher_has_217_million_parameters() -> None:
    with torch.device("meta"):
        assert parameters(unet(256, 128)) == 217_617_667


@pytest.mark.parametrize("size", [64, 128])
def test_every_generator_makes_a_picture_of_its_own_size_in_range(size: int) -> None:
    drawing = torch.rand(2, 3, size, size) * 2 - 1
    phases = [PhaseStudents(size, 2)] if size > 64 else []
    for model in (unet(size, 2), MobileUNet(size, 2), *phases):
        picture = model(drawing)
        assert picture.shape == drawing.shape
        assert picture.abs().max() <= 1


def test_a_patch_is_70_pixels() -> None:
    judge = PatchGAN(2).eval()
    drawing = torch.zeros(1, 3, 128, 128)
    picture = torch.zeros(1, 3, 128, 128, requires_grad=True)
    judge(drawing, picture)[0, 0, 7, 7].backward()
    assert picture.grad is not None
    rows = picture.grad.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_phases_are_woven_in_the_stated_order() -> None:
    model = PhaseStudents(128, 2).eval()
    drawing = torch.rand(1, 3, 128, 128)
    small = nn.functional.avg_pool2d(drawing, 2)
    picture = model(drawing)
    for i in range(2):
        for j in range(2):
            assert torch.equal(picture[:, :, i::2, j::2], model.nets[2 * i + j](small))


def test_phases_of_one_net_are_its_picture_with_each_pixel_four_times() -> None:
    net = trained_a_little(MobileUNet(64, 2), 64)
    assert isinstance(net, MobileUNet)
    drawing = torch.rand(1, 3, 128, 128)
    doubled = nn.functional.interpolate(net(nn.functional.avg_pool2d(drawing, 2)), scale_factor=2)
    assert torch.equal(PhaseStudents.of(net).eval()(drawing), doubled)


def trained_a_little(model: nn.Module, size: int) -> nn.Module:
    """With norms that do something."""
    torch.manual_seed(0)
    for _ in range(3):
        model(torch.rand(4, 3, size, size))
    return model.eval()


def test_folding_leaves_the_outputs_as_they_are_and_no_norm() -> None:
    model = trained_a_little(MobileUNet(64, 4), 64)
    folded = fold_batch_norm(model)
    drawing = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(folded(drawing), model(drawing), rtol=0, atol=1e-5)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in model.modules())


def test_the_shorter_way_of_training_has_the_same_outputs_and_gradients() -> None:
    torch.manual_seed(0)
    model = MobileUNet(64, 2)
    drawing = torch.rand(2, 3, 64, 64)
    results = []
    for shorter_from in (4, 1000):
        with mock.patch.object(mobile, "SHORTER_FROM", shorter_from):
            model.zero_grad()
            picture = model(drawing)
            picture.square().mean().backward()
            gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
            results.append(torch.cat([picture.flatten(), *gradients]))
    torch.testing.assert_close(results[0], results[1], rtol=1e-3, atol=1e-5)


def test_a_student_consists_of_operators_that_quantize() -> None:
    kinds = {type(m).__name__ for m in MobileUNet(64, 2).modules() if not list(m.children())}
    assert kinds == {"Conv2d", "BatchNorm2d", "ReLU", "Upsample", "Tanh", "Identity"}


def test_a_student_can_not_be_trained_on_a_single_picture_and_says_so() -> None:
    model = MobileUNet(64, 2)
    with pytest.raises(TrainerError, match="--batch 2"):
        model(torch.rand(1, 3, 64, 64))
    assert model.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 3, 64, 64)


def test_sizes_that_no_network_has_are_named() -> None:
    for size in (100, 1024):
        with pytest.raises(TrainerError, match="64, 128, 256, 512"):
            MobileUNet(size, 16)


@pytest.mark.parametrize("kind", ["unet", "mobile", "phases"])
def test_a_saved_generator_is_the_loaded_one(kind: str, tmp_path: Path) -> None:
    model = make({"kind": kind, "size": 128, "ngf": 2})
    trained_a_little(model, 128)
    save_generator(tmp_path / "best.pt", model, {"psnr": 20.5})
    loaded = load_generator(tmp_path)  # the folder of the run
    drawing = torch.rand(1, 3, 128, 128)
    assert not loaded.training
    assert loaded.architecture() == model.architecture()
    assert torch.equal(loaded(drawing), model(drawing))
    assert load_metrics(tmp_path / "best.pt") == {"psnr": 20.5}


def test_files_that_hold_no_generator_are_told(tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match=r"no best\.pt"):
        generator_file(tmp_path)
    with pytest.raises(TrainerError, match="does not exist"):
        load_generator(tmp_path / "absent.pt")
    (tmp_path / "broken.pt").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(TrainerError, match="broken"):
        load_generator(tmp_path / "broken.pt")
    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(TrainerError, match="holds no generator"):
        load_generator(tmp_path / "other.pt")
    with pytest.raises(TrainerError, match="the kinds are"):
        make({"kind": "resnet", "size": 64, "ngf": 2})
