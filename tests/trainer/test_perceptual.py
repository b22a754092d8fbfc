"""Perceptual distances: Perc-Lite0 grows with blur and shift; LPIPS's from its two files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.training.perceptual import PercLite0, VGG16Distance, perceptual_distance
from torch import Tensor
from torch.nn import functional


@pytest.fixture(scope="module")
def lite0() -> PercLite0:
    return PercLite0()


@pytest.fixture
def picture() -> Tensor:
    """Flat patches with edges, as an illustration has."""
    rng = torch.Generator().manual_seed(3)
    patches = torch.rand(1, 3, 8, 8, generator=rng) * 2 - 1
    return functional.interpolate(patches, size=128, mode="nearest")


def test_equal_pictures_are_at_distance_0(lite0: PercLite0, picture: Tensor) -> None:
    assert lite0(picture, picture).tolist() == [0.0]


def test_distance_grows_with_blur_and_with_shift(lite0: PercLite0, picture: Tensor) -> None:
    blurs = [
        functional.interpolate(functional.avg_pool2d(picture, s), size=128, mode="bilinear")
        for s in (2, 4, 8)
    ]
    shifts = [torch.roll(picture, s, 3) for s in (1, 2, 4)]
    for worse in (blurs, shifts):
        distances = [float(lite0(p, picture)) for p in worse]
        assert 0 < distances[0] < distances[1] < distances[2]


def test_distances_are_each_picture_s_own(lite0: PercLite0, picture: Tensor) -> None:
    both = lite0(torch.cat([picture, -picture]), torch.cat([picture, picture]))
    torch.testing.assert_close(both[1:], lite0(-picture, picture))
    assert both[0] == 0


def test_only_the_output_has_a_gradient(lite0: PercLite0, picture: Tensor) -> None:
    output = torch.roll(picture, 1, 3).requires_grad_()
    target = picture.clone().requires_grad_()
    lite0(output, target).sum().backward()
    assert output.grad is not None
    assert output.grad.abs().sum() > 0
    assert target.grad is None
    assert not any(p.requires_grad for p in lite0.parameters())


VGG_CONVS = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256)}
VGG_CONVS |= {14: (256, 256), 17: (256, 512), 19: (512, 512), 21: (512, 512)}
VGG_CONVS |= {24: (512, 512), 26: (512, 512), 28: (512, 512)}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files of the two formats with random weights: the real ones are not ours to ship."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    state = {}
    for at, (width, out) in VGG_CONVS.items():
        state[f"features.{at}.weight"] = torch.randn(out, width, 3, 3) * (2 / (9 * width)) ** 0.5
        state[f"features.{at}.bias"] = torch.zeros(out)
    torch.save(state, folder / "vgg16.pth")
    widths = (64, 128, 256, 512, 512)
    heads = {f"lin{i}.model.1.weight": torch.rand(1, w, 1, 1) for i, w in enumerate(widths)}
    torch.save(heads, folder / "vgg.pth")
    return folder / "vgg16.pth", folder / "vgg.pth"


def test_lpips_is_its_formula(files: tuple[Path, Path]) -> None:
    distance = perceptual_distance(*files)
    assert distance.name == "LPIPS-VGG"
    torch.manual_seed(2)
    a, b = torch.rand(2, 1, 3, 32, 32) * 2 - 1
    state = torch.load(files[0], weights_only=True)
    heads = torch.load(files[1], weights_only=True)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    x = (torch.cat([a, b]) - shift) / scale
    expected, layer = torch.zeros(()), 0
    for at in range(30):
        if at in VGG_CONVS:
            weight, bias = state[f"features.{at}.weight"], state[f"features.{at}.bias"]
            x = functional.relu(functional.conv2d(x, weight, bias, padding=1))
        if at in (2, 7, 14, 21, 28):
            n = x / x.norm(dim=1, keepdim=True).clamp_min(1e-10)
            squares = (n[:1] - n[1:]) ** 2
            expected = expected + functional.conv2d(squares, heads[f"lin{layer}.model.1.weight"]).mean()
            layer += 1
        if at in (4, 9, 16, 23):
            x = functional.max_pool2d(x, 2)
    torch.testing.assert_close(distance(a, b)[0], expected, rtol=1e-4, atol=1e-6)


def test_without_heads_the_figure_is_not_called_lpips(files: tuple[Path, Path]) -> None:
    assert VGG16Distance(files[0]).name == "VGG16"
    assert perceptual_distance().name == "Perc-Lite0"


def test_missing_or_other_files_are_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match=r"absent\.pth does not exist.*Perc-Lite0 needs none"):
        perceptual_distance(tmp_path / "absent.pth")
    with pytest.raises(TrainerError, match=r"features\.0\.weight is missing"):
        perceptual_distance(files[1])
    with pytest.raises(TrainerError, match=r"lin0\.model\.1\.weight is missing"):
        perceptual_distance(files[0], files[0])
    with pytest.raises(TrainerError, match="need VGG16's weights"):
        perceptual_distance(None, files[1])
