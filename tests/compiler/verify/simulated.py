"""Small models, and a device that is the simulator, for tests of the comparison itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx2wgsl.compiler.ir.program import Kernel, Program
from onnx2wgsl.compiler.ir.types import Array
from onnx2wgsl.compiler.pipeline import import_or_refuse
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.verify.compare import Feed
from onnx2wgsl.compiler.verify.compiled import Compiled, saved
from onnx2wgsl.compiler.verify.simulator import run_program
from onnx2wgsl.compiler.verify.verification import Verification

from tests.builders.qdq import QDQBuilder, QuantParams, Tensor, Weights

PARAMS = QuantParams(0.02, 120)
SHAPE = (1, 3, 6, 5)


def convolved(b: QDQBuilder, x: Tensor, channels: int) -> Tensor:
    random = np.random.default_rng(channels)
    weights = random.integers(-128, 128, (channels, x.shape[1], 3, 3)).astype(np.int8)
    return b.conv(x, Weights(weights, 0.004), QuantParams(0.05, 110), pads=(1, 1, 1, 1))


def integer_model() -> onnx.ModelProto:
    """A convolution on floats that are quantized first: exact."""
    b = QDQBuilder()
    b.output(convolved(b, b.input(SHAPE, PARAMS), 4))
    return b.build()


def float_model() -> onnx.ModelProto:
    """A convolution, a float region whose result is quantized, another convolution."""
    b = QDQBuilder()
    x = convolved(b, b.input(SHAPE, PARAMS), 8)
    scale, bias = np.linspace(0.5, 2, 8, dtype=np.float32), np.zeros(8, np.float32)
    normal = b.node("InstanceNormalization", [x, scale, bias], QuantParams(0.03, 130))
    b.output(convolved(b, normal, 4))
    return b.build()


def transposed_model() -> onnx.ModelProto:
    """A ConvTranspose, which is a sum of integers here and of floats in ONNX Runtime."""
    b = QDQBuilder()
    x = b.input(SHAPE, PARAMS)
    levels = np.random.default_rng(1).integers(-128, 128, (3, 4, 4, 4)).astype(np.int8)
    weights = b.constant_tensor(levels, 0.01, 0, 1)
    b.output(b.node("ConvTranspose", [x, weights], PARAMS, strides=[2, 2], pads=[1, 1, 1, 1]), as_float=False)
    return b.build()


def sample(seed: int = 0) -> Feed:
    values = np.random.default_rng(seed).uniform(-2, 2, SHAPE)
    return {"x0": values.astype(np.float32)}


def verification_of(model: onnx.ModelProto, samples: int = 1) -> Verification:
    """A verification in which nothing was compared yet."""
    with saved(model) as path:
        compiled = Compiled.of(import_or_refuse(path))
    return Verification(reference_of(model), compiled, [sample(seed) for seed in range(samples)])


@dataclass
class SimulatedDevice:
    """What the simulator makes of a program; `faults` are bits flipped in the first word that a
    kernel writes, by its name.
    """

    program: Program
    faults: Mapping[str, int] = field(default_factory=dict)
    name: str = "the simulator"

    def run(self, sample: Feed) -> Feed:
        return run_program(self.program, sample, replace=self._flipped)

    def trace(self, sample: Feed) -> dict[str, list[Array]]:
        words: dict[str, list[Array]] = {}

        def keep(kernel: Kernel, arrays: list[Array]) -> list[Array]:
            words[kernel.name] = self._flipped(kernel, arrays)
            return words[kernel.name]

        run_program(self.program, sample, replace=keep)
        return words

    def _flipped(self, kernel: Kernel, arrays: list[Array]) -> list[Array]:
        arrays[0].flat[0] ^= np.uint32(self.faults.get(kernel.name, 0))
        return arrays
