"""Float models to int8 as users make them, by onnxruntime.quantization, and seeded inputs; no torch."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

Feeds = Sequence[dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class Style:
    """How a model is quantized.

    `signed`: int8 activations, whose reference needs signed integer kernels. `reduce_range`: 7-bit
    weights. `operators`: QLinearConv and its like instead of pairs of Q and DQ (QOperator).
    `dynamic`: scales of activations found at run time (ConvInteger, MatMulInteger).
    """

    name: str
    signed: bool
    signed_weights: bool
    per_channel: bool
    symmetric_activations: bool
    symmetric_weights: bool
    reduce_range: bool = False
    operators: bool = False
    dynamic: bool = False
    opset: int = 17


STYLES = {
    style.name: style
    for style in (
        Style("u8s8_per_channel", False, True, True, False, True),
        Style("u8u8_per_tensor", False, False, False, False, False),
        Style("s8s8_asymmetric", True, True, False, False, False),
        Style("s8s8_symmetric", True, True, True, True, True),
    )
}
"""The four ways in which every kind of model is tried."""

MORE_STYLES = {
    style.name: style
    for style in (
        Style("u8s8_reduce_range", False, True, True, False, True, reduce_range=True),
        Style("u8s8_opset_13", False, True, True, False, True, opset=13),
        Style("u8s8_opset_21", False, True, True, False, True, opset=21),
        Style("u8s8_operators", False, True, True, False, True, operators=True),
        Style("s8s8_operators", True, True, True, True, True, operators=True),
        Style("u8u8_dynamic", False, False, False, False, False, dynamic=True),
    )
}
"""Further ones, for the networks of the coverage report."""


def quantize(
    model: onnx.ModelProto,
    style: str,
    feeds: Feeds,
    *,
    preprocess: bool = True,
    symbolic_shapes: bool = True,
) -> onnx.ModelProto:
    """A float model as int8, in any style, calibrated (MinMax) on `feeds`.

    Symbolic shape inference, a part of the preprocessing, trips over some models.
    """
    how = (STYLES | MORE_STYLES)[style]
    with workshop() as folder:
        source, target = folder / "float.onnx", folder / "int8.onnx"
        onnx.save(model, source)
        if preprocess:
            prepared = source.with_name("prepared.onnx")
            quant_pre_process(source, prepared, skip_symbolic_shape=not symbolic_shapes)
            source = prepared
        if how.dynamic:
            quantize_dynamic(source, target, weight_type=QuantType.QUInt8)
            return onnx.load(target)
        quantize_static(
            source,
            target,
            _Feeder(feeds),
            quant_format=QuantFormat.QOperator if how.operators else QuantFormat.QDQ,
            activation_type=QuantType.QInt8 if how.signed else QuantType.QUInt8,
            weight_type=QuantType.QInt8 if how.signed_weights else QuantType.QUInt8,
            per_channel=how.per_channel,
            reduce_range=how.reduce_range,
            extra_options={
                "ActivationSymmetric": how.symmetric_activations,
                "WeightSymmetric": how.symmetric_weights,
            },
        )
        return onnx.load(target)


def random_feeds(
    shapes: dict[str, tuple[int, ...]], count: int, seed: int = 0
) -> list[dict[str, NDArray[np.float32]]]:
    """Seeded uniform f32 inputs in [-1, 1], slowly varying over the last axis as pictures are."""
    rng = np.random.default_rng(seed)
    feeds = []
    for _ in range(count):
        feed = {}
        for name, shape in shapes.items():
            noise = rng.uniform(-1, 1, shape)
            wave = np.sin(np.linspace(0, rng.uniform(3, 20), shape[-1]))
            feed[name] = np.clip(noise * 0.6 + wave * 0.5, -1, 1).astype(np.float32)
        feeds.append(feed)
    return feeds


@contextmanager
def workshop() -> Iterator[Path]:
    """A temporary folder, in which the libraries' deprecation warnings are not our affair."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Path(folder)


class _Feeder(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Feeds) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._feeds, None)
