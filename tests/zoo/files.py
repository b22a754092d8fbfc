"""The files of quantized networks: each is made once, then it comes from build/zoo."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import onnx

from . import export as exporting
from . import networks, others, quantization
from .export import Exporter, export
from .networks import NETWORKS, mobile_unet
from .others import TRAINED
from .quantization import MORE_STYLES, STYLES, quantize, random_feeds

CACHE = Path(__file__).parents[2] / "build" / "zoo"
_NETWORKS = Path(networks.__file__).parent
_COMMON = (_NETWORKS / "common.py", _NETWORKS / "mobile_unet.py")
_MAKERS = (Path(exporting.__file__), Path(quantization.__file__), Path(__file__))


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


def cached(name: str, make: Callable[[], onnx.ModelProto], makers: Sequence[Path] = ()) -> Path:
    """The file of a made model; its key: the name, the makers' source, the libraries' versions."""
    path = CACHE / f"{name}-{_hash((*makers, *_MAKERS))}.onnx"
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
    for library in ("torch", "onnx", "onnxruntime"):
        digest.update(f"{library} {version(library)};".encode())
    return digest.hexdigest()[:12]
