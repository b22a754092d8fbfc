"""A float ONNX file in int8: QDQ, u8 activations per tensor, s8 weights per output channel."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    load_tensors_data,
    quant_pre_process,
    quantize_static,
)

from ..models.onnx_generator import Floats, OnnxGenerator

Method = Literal["minmax", "percentile", "entropy"]
METHODS: tuple[Method, ...] = ("minmax", "percentile", "entropy")
"""How the range of an activation follows from what the calibration pictures make of it, in the
order in which they are tried."""

Range = tuple[float, float]

HISTOGRAM_PICTURES = 32
"""Pictures that percentile and entropy look at, evenly spread: they hold all activations in memory,
about 10 MB a picture at 256x256."""


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands out f32[N,3,S,S] one picture at a time."""

    def __init__(self, inputs: Floats):
        self._inputs = inputs
        self._next: Iterator[dict[str, Floats]] = iter(())
        self.rewind()

    def rewind(self) -> None:
        self._next = ({"input": self._inputs[i : i + 1]} for i in range(len(self._inputs)))

    def get_next(self) -> dict[str, Floats] | None:
        return next(self._next, None)


def quantize(source: Path, target: Path, calibration: Floats, method: Method = "minmax") -> None:
    """Writes the int8 form of a float file.

    Args:
        calibration: f32[N,3,S,S] inputs in [-1,1], which the ranges of the activations come from.
    """
    methods = {
        "minmax": CalibrationMethod.MinMax,
        "percentile": CalibrationMethod.Percentile,
        "entropy": CalibrationMethod.Entropy,
    }
    if method != "minmax" and len(calibration) > HISTOGRAM_PICTURES:
        spread = np.linspace(0, len(calibration) - 1, HISTOGRAM_PICTURES).round().astype(int)
        calibration = calibration[spread]
    with TemporaryDirectory(prefix="onnx2wgsl-train-") as folder, _quiet():
        prepared, ranges = Path(folder) / "prepared.onnx", Path(folder) / "ranges.json"
        quant_pre_process(str(source), str(prepared))
        ends = _ranges_of_ends(prepared, calibration)

        def write(overrides: Mapping[str, Range]) -> None:
            """What calibration finds is kept in `ranges`, and read there the second time."""
            quantize_static(
                str(prepared),
                str(target),
                _Reader(calibration),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=methods[method],
                calibration_cache_path=ranges,
                extra_options={
                    "TensorQuantOverrides": {
                        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
                        for name, (low, high) in overrides.items()
                    }
                },
            )

        write(ends)
        write(ends | _ranges_of_joins(prepared, ranges))
    _forget_tool(target)


def _ranges_of_ends(source: Path, calibration: Floats) -> dict[str, Range]:
    """The ranges of the input and of what Tanh reads, by tensors' names.

    1. The input's steps are of 1/127 from -1 on, so that -1 is a step and 0 is one: with steps of
       1/127.5 there is none at both, and the black of a drawing's background, most of the picture,
       would be half a step off.
    2. What Tanh reads: as seen, but no wider than Tanh tells apart. It is a byte's step from its
       end at `bound`: what lies beyond, as a dark background does by far, would make the steps
       coarse where they are seen.
    """
    (tanh,) = (node for node in onnx.load(source).graph.node if node.op_type == "Tanh")
    outputs = OnnxGenerator.load(source)(calibration)
    bound = 1 - 1 / 127.5
    low, high = np.arctanh(np.clip([outputs.min(), outputs.max()], -bound, bound))
    return {"input": (-1.0, 128 / 127), str(tanh.input[0]): (min(low, 0.0), max(high, 1e-3))}


def _ranges_of_joins(source: Path, ranges: Path) -> dict[str, Range]:
    """One range for a concatenation and all its parts: its bytes are theirs, no table between."""
    seen = load_tensors_data(ranges)
    joins: dict[str, Range] = {}
    for node in onnx.load(source).graph.node:
        if node.op_type == "Concat":
            names = [*node.input, *node.output]
            lows, highs = zip(*(seen[name].range_value for name in names), strict=True)
            joins |= dict.fromkeys(names, (float(np.min(lows)), float(np.max(highs))))
    return joins


def _forget_tool(path: Path) -> None:
    """Leaves no trace of the run in the file, so that equal nets make equal files."""
    model = onnx.load(path)
    del model.metadata_props[:]
    path.write_bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """onnxruntime's quantizer logs and prints what a person need not read."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
