"""From a torch module to int8 QDQ as users go: torch.onnx.export, onnxruntime.quantization."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from . import networks, others
from .networks import NETWORKS, mobile_unet
from .others import TRAINED

CACHE = Path(__file__).parents[2] / "build" / "zoo"
_NETWORKS = Path(networks.__file__).parent
_COMMON = (_NETWORKS / "common.py", _NETWORKS / "mobile_unet.py")
Exporter = Literal["torchscript", "dynamo"]
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


def network_path(name: str, style: str = "u8s8_per_channel") -> Path:
    """The file of a network of NETWORKS or TRAINED, quantized in any style; its input is `input`.

    Made once, then from the cache.
    """
    opset = (STYLES | MORE_STYLES)[style].opset

    def make() -> onnx.ModelProto:
        shape = TRAINED[name].shape if name in TRAINED else NETWORKS[name].shape
        feeds = random_feeds({"input": shape}, count=4)
        if name in TRAINED:
            return quantize(TRAINED[name].model(opset), style, feeds, symbolic_shapes=False)
        model = export(NETWORKS[name].module(), feeds[0]["input"], opset=opset)
        return quantize(model, style, feeds)

    return cached(f"{name}_{style}", make, _makers(name))


def _makers(name: str) -> tuple[Path, ...]:
    """The files that decide what a network is."""
    if name in TRAINED:
        return (Path(others.__file__), TRAINED[name].path)
    file = sys.modules[NETWORKS[name].build.__module__].__file__
    assert file is not None
    return (Path(file), *_COMMON)


def mobile_unet_path(
    size: int = 256,
    ngf: int = 16,
    style: str = "u8s8_per_channel",
    *,
    exporter: Exporter = "torchscript",
    opset: int = 17,
    preprocess: bool = True,
) -> Path:
    """The file of a quantized mobile_unet: input and output f32[1, 3, size, size].

    Made once, then from the cache.
    """

    def make() -> onnx.ModelProto:
        feeds = random_feeds({"input": (1, 3, size, size)}, count=2)
        model = export(mobile_unet(size, ngf), feeds[0]["input"], exporter=exporter, opset=opset)
        return quantize(model, style, feeds, preprocess=preprocess)

    name = f"mobile_unet_{size}_{ngf}_{style}_{exporter}_{opset}_{preprocess}"
    return cached(name, make, _COMMON)


def export(
    net: nn.Module,
    example: NDArray[Any],
    *,
    exporter: Exporter = "torchscript",
    opset: int = 17,
    dynamic_batch: bool = False,
) -> onnx.ModelProto:
    """The ONNX model of a module with one input `input` and one output `output`."""
    options: dict[str, Any] = {"dynamo": exporter == "dynamo"}
    if exporter == "dynamo":
        options |= {"external_data": False, "verbose": False}
        if dynamic_batch:
            options["dynamic_shapes"] = ({0: torch.export.Dim("batch", min=1, max=64)},)
    elif dynamic_batch:
        options["dynamic_axes"] = {"input": {0: "batch"}, "output": {0: "batch"}}
    with _workshop() as folder:
        path = folder / "float.onnx"
        torch.onnx.export(
            net.eval(),
            (torch.from_numpy(example),),
            str(path),
            input_names=["input"],
            output_names=["output"],
            opset_version=opset,
            **options,
        )
        return onnx.load(path)


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
    with _workshop() as folder:
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


def cached(name: str, make: Callable[[], onnx.ModelProto], makers: Sequence[Path] = ()) -> Path:
    """The file of a made model; its key: the name, the makers' source, the libraries' versions."""
    path = CACHE / f"{name}-{_hash((*makers, Path(__file__)))}.onnx"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        data = make().SerializeToString()
        with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as file:
            file.write(data)
        os.replace(file.name, path)  # whole or not at all, also with parallel tests
    return path


def _hash(makers: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for source in makers:
        digest.update(source.read_bytes())
    for library in (torch, onnx, onnxruntime):
        digest.update(f"{library.__name__} {library.__version__};".encode())
    return digest.hexdigest()[:12]


@contextmanager
def _workshop() -> Iterator[Path]:
    """A temporary folder, in which the libraries' deprecation warnings are not our affair."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Path(folder)


class _Feeder(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Feeds) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._feeds, None)
