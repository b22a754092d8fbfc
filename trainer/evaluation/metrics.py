"""How near pictures are to the truth, over the whole picture and over the mouth's box.

Pictures are u8[H,W,3] RGB (or f32/f64 in [0,1]); distances are taken on [0,1], so that peak is 1.
Every figure of several pictures is the mean of the pictures' own figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[Any]
Perceptual = Callable[[Picture, Picture], NDArray[np.float64]]
"""Distances f64[N] of two stacks of u8[N,S,S,3] pictures; see `table.perceptual`."""

LUMA = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601."""
MOUTH_SIDE = 64
"""Pixels a side that mouth boxes are resized to for the perceptual distance."""
PERFECT_PSNR = 100.0
"""dB; what equal pictures are given instead of infinity, so that means exist."""
COMB_WINDOW, COMB_LEAST = 32, 6
"""Pixels a side of a window for combs, and the least cycles in it that are one."""
WINDOW = 11
"""Pixels a side of the window of SSIM."""


@dataclass(frozen=True)
class Figures:
    """Means over a split; `mouth_*` over the box of the lips.

    Sharpness: the share of the truth's `laplacian_variance`; comb: see `comb`."""

    l1: float
    psnr: float
    ssim: float
    perc: float
    sharpness: float
    comb: float
    mouth_l1: float
    mouth_psnr: float
    mouth_ssim: float
    mouth_perc: float
    mouth_sharpness: float


def measure(output: Picture, truth: Picture, boxes: NDArray[np.int64], perceptual: Perceptual) -> Figures:
    """All figures of u8[N,S,S,3] pictures against the truth of the same shape.

    Args:
        boxes: i64[N,4], y0, y1, x0, x1 of each picture's mouth.
    """
    rows = []
    for have, want, box in zip(output, truth, boxes, strict=True):
        window = np.s_[box[0] : box[1], box[2] : box[3]]
        similarity = ssim_map(have, want)
        rows.append(
            (
                l1(have, want),
                psnr(have, want),
                similarity.mean(),
                laplacian_variance(have),
                laplacian_variance(want),
                l1(have[window], want[window]),
                psnr(have[window], want[window]),
                _within(similarity, box).mean(),
                laplacian_variance(have[window]),
                laplacian_variance(want[window]),
            )
        )
    mean = np.mean(rows, axis=0)
    mouths = [np.stack([crop(p, b) for p, b in zip(x, boxes, strict=True)]) for x in (output, truth)]
    return Figures(
        l1=float(mean[0]),
        psnr=float(mean[1]),
        ssim=float(mean[2]),
        perc=float(perceptual(output, truth).mean()),
        sharpness=share(mean[3], mean[4]),
        comb=comb(*(comb_spectra(pictures) for pictures in (output, truth))),
        mouth_l1=float(mean[5]),
        mouth_psnr=float(mean[6]),
        mouth_ssim=float(mean[7]),
        mouth_perc=float(perceptual(*mouths).mean()),
        mouth_sharpness=share(mean[8], mean[9]),
    )


def names() -> list[str]:
    """The figures' names in the order of `Figures`."""
    return [field.name for field in fields(Figures)]


def unit(picture: Picture) -> NDArray[np.float64]:
    """A picture in [0,1]."""
    return picture / 255.0 if picture.dtype == np.uint8 else picture.astype(np.float64)


def l1(output: Picture, truth: Picture) -> float:
    """Mean absolute difference, of values in [0,1]."""
    return float(np.abs(unit(output) - unit(truth)).mean())


def psnr(output: Picture, truth: Picture) -> float:
    """Peak signal-to-noise ratio in dB, of one picture (or of all values given), peak 1."""
    error = float(np.square(unit(output) - unit(truth)).mean())
    return PERFECT_PSNR if error == 0 else min(PERFECT_PSNR, -10 * float(np.log10(error)))


def luma(picture: Picture) -> NDArray[np.float64]:
    """f64[H,W] in [0,1]."""
    return np.asarray(unit(picture) @ LUMA)


def ssim(output: Picture, truth: Picture) -> float:
    """Structural similarity of two pictures' luma: the mean of `ssim_map`."""
    return float(ssim_map(output, truth).mean())


def ssim_map(output: Picture, truth: Picture) -> NDArray[np.float64]:
    """f64[H-10,W-10] of the luma at each place where the window lies within the picture.

    Wang, Bovik, Sheikh and Simoncelli 2004: 11x11 Gaussian window of sigma 1.5, K1 = 0.01,
    K2 = 0.03, dynamic range 1.
    """
    x, y = luma(output), luma(truth)
    c1, c2 = 0.01**2, 0.03**2
    mean_x, mean_y = _smooth(x), _smooth(y)
    variance_x = _smooth(x * x) - mean_x**2
    variance_y = _smooth(y * y) - mean_y**2
    covariance = _smooth(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return np.asarray(similarity / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)))


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Gaussian window's weighted mean at every place where it fits."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    for _ in range(2):  # rows, then columns of the transposed result
        rows = values.shape[0] - WINDOW + 1
        values = sum(w * values[i : i + rows] for i, w in enumerate(weights)).T
    return values


def _within(similarity: NDArray[np.float64], box: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of an SSIM map whose windows are centred in a box."""
    y0, y1, x0, x1 = (max(0, int(edge) - WINDOW // 2) for edge in box)
    part = similarity[y0:y1, x0:x1]
    return part if part.size else similarity


def laplacian_variance(picture: Picture) -> float:
    """Variance of the 3x3 Laplacian of luma in 0..255: how much fine detail there is.

    Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
    """
    y = 255 * luma(picture)
    laplacian = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * y[1:-1, 1:-1]
    return float(laplacian.var())


def comb_spectrum(picture: Picture) -> NDArray[np.float64]:
    """Energy of combs by direction and frequency, of luma in 0..255: f64[2,11].

    Power spectra of windows of 32x32 pixels, every 16, under a Hann window: their mean along the
    vertical axis, then along the horizontal one, at 6 to 16 cycles a window (periods of 5.3 to 2
    pixels). Nets that don't know better draw lines of equal distances along the pixels' axes. Smaller
    pictures are mirrored.

    Rows that go 10, -10, 10, ... have all their energy in [0, 10], 2 pixels a period.
    """
    y = 255 * luma(picture)
    y = np.pad(y, [(0, max(0, COMB_WINDOW - side)) for side in y.shape], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(y, (COMB_WINDOW, COMB_WINDOW))
    windows = windows[:: COMB_WINDOW // 2, :: COMB_WINDOW // 2]
    hann = np.hanning(COMB_WINDOW)
    centred = (windows - windows.mean((2, 3), keepdims=True)) * np.outer(hann, hann)
    power = np.square(np.abs(np.fft.rfft2(centred))).mean((0, 1))
    down = power[:, :2].sum(1)[COMB_LEAST : COMB_WINDOW // 2 + 1]
    across = power[:2].sum(0)[COMB_LEAST:]
    return np.stack([down, across])


def comb_spectra(pictures: Picture) -> NDArray[np.float64]:
    """The mean of the comb spectra of pictures [N,H,W,3]."""
    return np.asarray(np.mean([comb_spectrum(picture) for picture in pictures], axis=0))


def comb(output: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """The highest tooth: of mean comb spectra, the greatest share of the truth's."""
    return float((output / np.maximum(truth, 1e-9)).max())


def share(output: float, truth: float) -> float:
    """As a share of the truth's; of sharpness, 1 is as sharp, above it is noise."""
    return float(output / truth) if truth > 0 else 0.0


def crop(picture: NDArray[np.uint8], box: NDArray[np.int64]) -> NDArray[np.uint8]:
    """u8[64,64,3]: what the box holds, bilinearly resized."""
    y0, y1, x0, x1 = (int(edge) for edge in box)
    part = Image.fromarray(np.ascontiguousarray(picture[y0:y1, x0:x1]))
    side = (MOUTH_SIDE, MOUTH_SIDE)
    return np.asarray(part.resize(side, Image.Resampling.BILINEAR))
