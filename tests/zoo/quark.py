"""Makes the models in tests/data/quark: networks of this folder, quantized by AMD Quark.

amd-quark is wanted here only, so it is no dependency of the tests. In a Python 3.11 environment
that has onnx2wgsl[train,test]:

    pip install --no-deps amd-quark==0.13 joblib cloudpickle evaluate ninja onnxslim pandas plotly \
        psutil pydantic pydantic-core annotated-types typing-inspection scipy sentencepiece tqdm \
        zstandard python-dateutil tzdata pytz
    python -m tests.zoo.quark

(--no-deps, because it wants an older onnx than it needs.) Importing it compiles a small library.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader
from quark.onnx import ModelQuantizer  # type: ignore[import-not-found]
from quark.onnx.quantization.config import custom_config  # type: ignore[import-not-found]
from quark.onnx.quantization.config.config import Config  # type: ignore[import-not-found]

from tests.zoo.export import export
from tests.zoo.networks import NETWORKS
from tests.zoo.quantization import random_feeds

from .others import QUANTIZED

Feed = dict[str, NDArray[Any]]
CONFIGS = {
    "xint8": "XINT8_CONFIG",
    "u8s8_aaws": "U8S8_AAWS_CONFIG",
    "s8s8_aaws": "S8S8_AAWS_CONFIG",
    "u8u8_aawa": "U8U8_AAWA_CONFIG",
}


class Feeder(CalibrationDataReader):  # type: ignore[misc]
    """The calibration inputs, as often as they are asked for."""

    def __init__(self, feeds: list[Feed]) -> None:
        self._feeds = feeds
        self.reset_iter()

    def get_next(self) -> Feed | None:
        return next(self._left, None)

    def reset_iter(self) -> None:
        self._left = iter(self._feeds)


def make(name: str, style: str, path: Path) -> None:
    """One network in one of Quark's configurations."""
    network = NETWORKS[name]
    feeds = random_feeds({"input": network.shape}, count=4)
    config = Config(global_quant_config=getattr(custom_config, CONFIGS[style]))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(export(network.module(), feeds[0]["input"]), source)
        ModelQuantizer(config).quantize_model(str(source), str(target), Feeder(feeds))
        model = onnx.load(target)
    domains = {node.domain for node in model.graph.node}
    imports = [entry for entry in model.opset_import if entry.domain in domains]
    del model.opset_import[:]
    model.opset_import.extend(imports)
    onnx.save(model, path)


if __name__ == "__main__":
    for net in QUANTIZED:
        make(net.name, net.style, net.path)
