"""Figures of pictures, against computations that follow the definitions word by word."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.trainer.evaluation import metrics
from PIL import Image, ImageFilter

Picture = NDArray[np.uint8]


@pytest.fixture
def pair() -> tuple[Picture, Picture]:
    """A picture and a noisy copy, u8[24,20,3]."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (24, 20, 3), dtype=np.uint8)
    noise = rng.normal(0, 25, picture.shape)
    return picture, (picture + noise).round().clip(0, 255).astype(np.uint8)


def perceptual(output: Picture, truth: Picture) -> NDArray[np.float64]:
    """A stand-in for Perc-Lite0: mean squared distance of bytes."""
    return np.square(output.astype(np.float64) - truth).mean((1, 2, 3))


def naive_ssim(output: Picture, truth: Picture) -> float:
    """Wang et al. 2004, equations 6 and 13 to 16, window by window."""
    x, y = ((0.299 * p[..., 0] + 0.587 * p[..., 1] + 0.114 * p[..., 2]) for p in (output / 1.0, truth))
    window = np.array(
        [[math.exp(-((i - 5) ** 2 + (j - 5) ** 2) / (2 * 1.5**2)) for j in range(11)] for i in range(11)]
    )
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    total = []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            a, b = (plane[top : top + 11, left : left + 11] for plane in (x, y))
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            variance_a = (window * (a - mean_a) ** 2).sum()
            variance_b = (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            structure = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
            total.append(structure / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)))
    return float(np.mean(total))


def test_ssim_equals_its_definition(pair: tuple[Picture, Picture]) -> None:
    assert metrics.ssim(*pair) == pytest.approx(naive_ssim(*pair), abs=1e-12)
    assert 0.3 < metrics.ssim(*pair) < 0.98


def test_equal_pictures_are_perfect(pair: tuple[Picture, Picture]) -> None:
    picture = pair[0]
    assert metrics.ssim(picture, picture) == pytest.approx(1)
    assert metrics.psnr(picture, picture) == metrics.PERFECT_PSNR
    assert metrics.l1(picture, picture) == 0


def test_a_constant_difference_has_the_known_l1_and_psnr() -> None:
    picture = np.full((8, 8, 3), 100, np.uint8)
    assert metrics.l1(picture, picture + np.uint8(5)) == pytest.approx(5 / 255)
    assert metrics.psnr(picture, picture + np.uint8(5)) == pytest.approx(20 * math.log10(255 / 5))


def test_bytes_and_floats_of_a_picture_have_the_same_figures(pair: tuple[Picture, Picture]) -> None:
    floats = [picture / 255.0 for picture in pair]
    assert metrics.psnr(*floats) == pytest.approx(metrics.psnr(*pair))
    assert metrics.laplacian_variance(floats[0]) == pytest.approx(metrics.laplacian_variance(pair[0]))


def test_laplacian_variance_equals_its_definition(pair: tuple[Picture, Picture]) -> None:
    y = pair[0] @ metrics.LUMA
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    rows, columns = y.shape
    answers = [
        (kernel * y[i - 1 : i + 2, j - 1 : j + 2]).sum()
        for i in range(1, rows - 1)
        for j in range(1, columns - 1)
    ]
    assert metrics.laplacian_variance(pair[0]) == pytest.approx(np.var(answers))


def test_blur_lowers_sharpness_and_noise_raises_it(pair: tuple[Picture, Picture]) -> None:
    picture = pair[0].astype(np.float64) / 255
    blurred = (picture[:-1] + picture[1:]) / 2
    whole = metrics.laplacian_variance(picture)
    assert metrics.laplacian_variance(blurred) < whole
    assert metrics.share(metrics.laplacian_variance(blurred), whole) < 1


def test_mouth_figures_see_the_box_only() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    output = truth.copy()
    output[:, 20:24, 14:18] = 0
    boxes = np.array([[20, 24, 14, 18], [0, 4, 0, 4]])
    figures = metrics.measure(output, truth, boxes, perceptual)
    share = np.mean([metrics.l1(output[0, 20:24, 14:18], truth[0, 20:24, 14:18]), 0])
    assert figures.mouth_l1 == pytest.approx(share)
    assert figures.mouth_l1 > figures.l1 > 0
    assert figures.mouth_perc > figures.perc
    assert figures.mouth_psnr > metrics.PERFECT_PSNR / 2  # the second mouth is untouched
    assert figures.mouth_ssim < figures.ssim


def test_figures_of_pictures_are_means_of_each() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    output = rng.integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    boxes = np.tile([[8, 16, 8, 16]], (3, 1))
    together = metrics.measure(output, truth, boxes, perceptual)
    alone = [metrics.measure(output[[i]], truth[[i]], boxes[[i]], perceptual) for i in range(3)]
    for name in metrics.names():
        if "sharpness" not in name and name != "comb":  # shares of sums
            each = np.mean([getattr(figures, name) for figures in alone])
            assert getattr(together, name) == pytest.approx(each), name


def test_a_mouth_is_resized_to_a_common_size() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[10:12, 4:9] = 200
    mouth = metrics.crop(picture, np.array([10, 12, 4, 9]))
    assert (mouth.shape, mouth.dtype) == ((64, 64, 3), np.uint8)
    assert (mouth == 200).all()


def test_a_comb_is_the_highest_tooth_of_a_spectrum() -> None:
    noise = np.random.default_rng(0).integers(100, 156, (2, 96, 96, 3), dtype=np.uint8)
    comb = noise.copy()
    comb[:, ::2] += 10
    assert metrics.comb_spectrum(np.full((64, 64, 3), 128, np.uint8)).max() < 1e-9
    rise = metrics.comb_spectra(comb) / metrics.comb_spectra(noise)
    assert np.unravel_index(rise.argmax(), rise.shape) == (0, 10), "down, 2 pixels a period"
    assert metrics.comb(metrics.comb_spectra(comb), metrics.comb_spectra(noise)) == rise.max() > 10
    # The same lines turned, and of another distance.
    wide = noise.copy()
    wide[:, :, ::4] += 20
    rise = metrics.comb_spectra(wide) / metrics.comb_spectra(noise)
    assert np.unravel_index(rise.argmax(), rise.shape)[0] == 1
    assert rise[1, 2] > 5, "across, 4 pixels a period"


def test_blurred_pictures_have_no_comb() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    blurred = np.stack([np.asarray(Image.fromarray(p).filter(ImageFilter.BoxBlur(1))) for p in truth])
    assert metrics.comb(metrics.comb_spectra(blurred), metrics.comb_spectra(truth)) < 1
