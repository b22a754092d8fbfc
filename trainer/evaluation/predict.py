"""What makes pictures from drawings: a trained net, an ONNX file, the mean image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..data import store
from ..errors import TrainerError
from ..models import Generator, load_generator
from ..models.onnx_generator import load_generators, to_pictures, to_range

Pictures = NDArray[np.uint8]
Predict = Callable[[Pictures], Pictures]
"""u8[N,S,S,3] drawings to as many avatars of the same size."""

BATCH = 8
MEAN_OF = 1000
"""Training pairs that the mean image is of: the first ones, which pass all poses and mouths."""


def load(path: Path, size: int) -> Predict:
    """The predictor of a run folder, a .pt file or an .onnx file, for drawings of `size` pixels.

    NAME.onnx also stands for NAME_0.onnx to NAME_3.onnx, the phases of a picture.

    A net takes any size that its levels can halve; an ONNX file has one.

    Raises:
        TrainerError: no such file, none of these, or not for this size.
    """
    if path.suffix == ".onnx":
        generator = load_generators(path)
        if generator.size != size:
            raise TrainerError(
                f"{path} takes drawings of {generator.size} pixels a side, not {size}: "
                f"give it as {path}@{generator.size}"
            )
        return lambda drawings: to_pictures(generator(to_range(drawings)))
    return of_net(load_generator(path), size, str(path))


def of_net(model: Generator, size: int, name: str = "the net") -> Predict:
    """The predictor of a net, which is put into eval mode.

    Raises:
        TrainerError: the net halves more often than `size` can be.
    """
    if size % model.size:  # a net of 2^k pixels halves k times
        raise TrainerError(
            f"{name} halves {model.size} pixels down to one, which it can't with {size}; "
            f"run it at {model.size} pixels a side or a multiple of that"
        )
    model.eval()

    def predict(drawings: Pictures) -> Pictures:
        with torch.no_grad():
            parts = [
                model(torch.from_numpy(to_range(drawings[first : first + BATCH]))).numpy()
                for first in range(0, len(drawings), BATCH)
            ]
        return to_pictures(np.concatenate(parts))

    return predict


def mean_image(data: Path, size: int) -> Predict:
    """The mean of the training avatars, whatever the drawing: what any net must beat.

    Raises:
        TrainerError: the data set can't be read.
    """
    targets = store.read_split(data, "train", limit=MEAN_OF).targets
    mean = targets.sum(0, dtype=np.int64) / len(targets)
    if size != len(mean):
        mean = cv2.resize(mean, (size, size), interpolation=cv2.INTER_AREA)
    picture = mean.round().clip(0, 255).astype(np.uint8)
    return lambda drawings: np.repeat(picture[None], len(drawings), axis=0)
