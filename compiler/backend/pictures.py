"""Inputs and outputs that may be pictures: how RGBA bytes become values, and values bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from ..arithmetic import dequantize_linear
from ..errors import CompileError
from ..ir.program import OutputStore, Program
from ..ir.types import NUMPY_DTYPES, Array, TensorType
from ..lowering.shader import Json
from ..operators.quantize import QuantizeKernel
from .fronts import Front, front_of

FITS = ("cover", "contain", "stretch")
RGB, BGR = "rgb", "bgr"


@dataclass(frozen=True)
class Picture:
    """A graph input given as RGBA bytes: value = byte * scale + offset, in f64, rounded to f32.

    `scale`, `offset`: for each channel of the tensor, in its order. `channels`: that order, rgb or bgr (the
    first byte alone where there is one channel, alpha the last where there are four). `channels_last`: the
    tensor is [1, H, W, C]. `fit`: how a picture of other proportions meets the input; `pad`: the red, green
    and blue that lie beside it.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    channels_last: bool = False
    channels: str = RGB
    fit: str = "cover"
    pad: tuple[int, int, int] = (0, 0, 0)

    @property
    def order(self) -> tuple[int, ...]:
        """The place in RGBA of each channel's byte."""
        places = (2, 1, 0, 3) if self.channels == BGR else (0, 1, 2, 3)
        return places[: len(self.scale)]

    def size(self, type_: TensorType) -> tuple[int, int]:
        """Width and height."""
        height, width = type_.shape[1:3] if self.channels_last else type_.shape[2:]
        return width, height

    def values(self) -> Array:
        """What each byte stands for in each channel, f32 [C, 256]."""
        scale, offset = np.array(self.scale)[:, None], np.array(self.offset)[:, None]
        values: Array = (np.arange(256, dtype=np.float64) * scale + offset).astype(np.float32)
        return values

    def tensor(self, pixels: Array, type_: TensorType) -> Array:
        """What RGBA bytes u8[H, W, 4] are as the input."""
        values = [table[pixels[..., place]] for table, place in zip(self.values(), self.order, strict=True)]
        stacked = np.stack(values, -1 if self.channels_last else 0)[None]
        return stacked.astype(NUMPY_DTYPES[type_.dtype])


@dataclass(frozen=True)
class Preprocessing:
    """What is known of the pictures that an input is made for; what is None is guessed.

    `mean`, `std`: value = (byte / 255 - mean) / std; of red, green and blue (and alpha), or one for all.
    `fit`, `channels`, `pad`: as in `Picture`.
    """

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    fit: str | None = None
    channels: str | None = None
    pad: tuple[int, int, int] | None = None


RANGES = {(-1.0, 1.0): (1 / 127.5, -1.0), (0.0, 1.0): (1 / 255, 0.0)}
"""Scale and offset of pictures by the range of real values they are stored for."""
RAW_BYTES = (1.0, 0.0)


def picture_inputs(program: Program) -> dict[str, Picture]:
    """How the inputs are pictures that may be: of bytes u8, or of floats that are quantized before anything
    but arithmetic by channel is done with them (`fronts`), [1, 1|3|4, H, W] or [1, H, W, 3]; floats by the
    range that they are quantized for.
    """
    pictures = {}
    for name, type_ in program.inputs.items():
        channels, front = _channels(type_), picture_front(program, name)
        if channels is None or front is None:
            continue
        packer = front.kernel(program)
        numbers = RAW_BYTES
        if isinstance(packer, QuantizeKernel):
            ends = stored_range(packer.scale, packer.zero_point)
            numbers = _range_before(front, ends, channels) if front.skips else _nearest_range(*ends)
        pictures[name] = _same_for_all(numbers, channels, type_)
    return pictures


def picture_front(program: Program, name: str) -> Front | None:
    """What a picture of an input takes the place of; None where that can't be one."""
    type_ = program.inputs[name]
    if _channels(type_) is None:
        return None
    return front_of(program, name, axis=1 if _is_picture(type_) else 3)


def _same_for_all(numbers: tuple[float, float], channels: int, type_: TensorType) -> Picture:
    scale, offset = ((number,) * channels for number in numbers)
    return Picture(scale, offset, channels_last=not _is_picture(type_))


def _range_before(front: Front, ends: tuple[float, float], channels: int) -> tuple[float, float]:
    """Scale and offset of the convention whose pictures come nearest to the real values `ends` that are
    stored behind the arithmetic on them.
    """
    bytes_ = np.arange(256, dtype=np.float64)

    def distance(numbers: tuple[float, float]) -> float:
        values = (bytes_ * numbers[0] + numbers[1]).astype(np.float32)
        reals = front.reals(np.broadcast_to(values, (channels, 256)))
        return abs(float(reals.min()) - ends[0]) + abs(float(reals.max()) - ends[1])

    return min((RAW_BYTES, *RANGES.values()), key=distance)


def stated(
    pictures: Mapping[str, Picture],
    program: Program,
    preprocess: Mapping[str, Preprocessing],
    normalize: Mapping[str, tuple[float, float]],
) -> dict[str, Picture]:
    """The pictures as a caller says they are; "" stands for the only one.

    Raises CompileError for what is no picture input, and for numbers that fit none.
    """
    result = dict(pictures)
    meant = set()
    for key, (scale, offset) in normalize.items():
        name = _known(key, "normalize", pictures)
        _require_floats(name, "normalize", program)
        if not (isfinite(scale) and isfinite(offset) and scale):
            raise CompileError(
                f"normalize: {name!r} has scale {scale} and offset {offset}; both must be finite, and the "
                "scale not 0"
            )
        count = len(pictures[name].scale)
        result[name] = replace(result[name], scale=(scale,) * count, offset=(offset,) * count)
        meant.add(name)
    for name, known in _merged(preprocess, pictures).items():
        if name in meant and (known.mean is not None or known.std is not None):
            raise CompileError(f"normalize: {name!r} has a mean or std, too; give one of them")
        result[name] = _preprocessed(name, result[name], known, program)
    return result


def _merged(
    preprocess: Mapping[str, Preprocessing], pictures: Mapping[str, Picture]
) -> dict[str, Preprocessing]:
    """What is known of each input, which may be named and, as the only one, not."""
    inputs: dict[str, dict[str, Any]] = {}
    for key, known in preprocess.items():
        name = _known(key, "pictures", pictures)
        own = inputs.setdefault(name, {})
        for what, value in vars(known).items():
            if value is None:
                continue
            if what in own:
                raise CompileError(f"{what}: {name!r} is given twice")
            own[what] = value
    return {name: Preprocessing(**own) for name, own in inputs.items()}


def _preprocessed(name: str, picture: Picture, known: Preprocessing, program: Program) -> Picture:
    if known.fit is not None:
        if known.fit not in FITS:
            raise CompileError(f"fit: {name!r} has {known.fit!r}; give one of {', '.join(FITS)}")
        picture = replace(picture, fit=known.fit)
    if known.pad is not None:
        if len(known.pad) != 3 or not all(0 <= byte <= 255 for byte in known.pad):
            raise CompileError(f"pad: {name!r} has {list(known.pad)}; give red, green and blue of 0 to 255")
        picture = replace(picture, pad=known.pad)
    if known.channels is not None:
        if known.channels not in (RGB, BGR) or len(picture.scale) == 1:
            raise CompileError(
                f"channels: {name!r} has {known.channels!r} for {len(picture.scale)} channels; give {RGB} or "
                f"{BGR}, of 3 or 4 channels"
            )
        picture = replace(picture, channels=known.channels)
    if known.mean is not None or known.std is not None:
        _require_floats(name, "mean", program)
        mean = _by_channel(name, "mean", known.mean or (0.0,), picture)
        std = _by_channel(name, "std", known.std or (1.0,), picture)
        if not all(map(isfinite, (*mean, *std))) or not all(std):
            raise CompileError(f"mean, std: {name!r} has {mean} and {std}; all must be finite, and no std 0")
        scale = tuple(1 / (255 * std[place]) for place in picture.order)
        picture = replace(picture, scale=scale, offset=tuple(0 - mean[p] / std[p] for p in picture.order))
    return picture


def _by_channel(name: str, what: str, numbers: Sequence[float], picture: Picture) -> tuple[float, ...]:
    count = len(picture.scale)
    if len(numbers) not in (1, count):
        raise CompileError(f"{what}: {name!r} has {len(numbers)} numbers; it has {count} channels")
    return tuple(numbers) * (count if len(numbers) == 1 else 1)


def _known(name: str, what: str, pictures: Mapping[str, Picture]) -> str:
    """The input's name, "" being the only picture input's."""
    names = ", ".join(map(repr, pictures)) or "none"
    if not name and len(pictures) == 1:
        return next(iter(pictures))
    if not name:
        raise CompileError(f"{what}: say which input with NAME=; those that are pictures are: {names}")
    if name not in pictures:
        raise CompileError(f"{what}: {name!r} is no picture input; they are: {names}")
    return name


def _require_floats(name: str, what: str, program: Program) -> None:
    if program.inputs[name].dtype != "f32":
        raise CompileError(f"{what}: {name!r} takes the bytes themselves; leave it out")


def picture_output(program: Program, name: str) -> Json:
    """How a float output becomes bytes: the inverse of the normalisation that its table's values
    suggest.
    """
    if program.outputs[name].dtype != "f32" or not _is_picture(program.outputs[name]):
        return {}
    tables = [
        store.table
        for kernel in program.kernels
        for store in kernel.stores
        if isinstance(store, OutputStore) and store.output == name
    ]
    if not tables:  # computed in float: nothing says what its values mean
        return {}
    values = np.concatenate(tables)
    scale, offset = _nearest_range(float(values.min()), float(values.max()))
    return {"image": {"scale": round(1 / scale, 6), "offset": -offset / scale}}


def stored_range(scale: float, zero_point: int) -> tuple[float, float]:
    """The real values that the least and the greatest packed byte stand for."""
    ends = dequantize_linear(np.array([-128, 127]), scale, zero_point)
    return float(ends[0]), float(ends[1])


def _is_picture(type_: TensorType) -> bool:
    """Whether it is one with its channels before the pixels."""
    return len(type_.shape) == 4 and type_.shape[0] == 1 and type_.shape[1] in (1, 3, 4)


def _channels(type_: TensorType) -> int | None:
    """The channels of an input that has the shape of a picture."""
    if _is_picture(type_):
        return type_.shape[1]
    return 3 if len(type_.shape) == 4 and type_.shape[0] == 1 and type_.shape[3] == 3 else None


def _nearest_range(low: float, high: float) -> tuple[float, float]:
    """Scale and offset of the convention whose range is meant: 0..255, 0..1 or -1..1."""
    if high > 8:
        return RAW_BYTES
    return RANGES[(-1.0, 1.0) if low < -0.25 * high else (0.0, 1.0)]
