"""Many small programs on one WebGPU device.

A session makes a device and probes it, which costs more than a small net does; so the runtime's
Executor is used here on one device, with chosen variants of the snippets.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx2wgsl.runtime_py.adapters import adapter_name, choose_adapter, open_device
from onnx2wgsl.runtime_py.artifact import Artifact, load_artifact
from onnx2wgsl.runtime_py.executor import Executor
from onnx2wgsl.runtime_py.variants import choose_variants

from ..backend.artifact import write_artifact
from ..backend.codegen import SNIPPETS
from ..ir.program import Program

Feed = dict[str, NDArray[Any]]
Variant = dict[str, str]
VARIANTS: list[Variant] = [
    dict(zip(SNIPPETS, chosen, strict=True))
    for chosen in itertools.product(*(SNIPPETS[name] for name in SNIPPETS))
]
"""All four: dot x requantize."""


class SharedDevice:
    """An adapter's device, and the variants of the snippets to run on it.

    The variants are chosen as a session would, once, at the first program.
    """

    def __init__(self, adapter: Any = None, dot: Any = None, requantize: Any = None) -> None:
        self._adapter = choose_adapter(adapter)
        self.device = open_device(self._adapter, {})
        self._forced = (dot, requantize)
        self.variant: Variant | None = None

    @property
    def name(self) -> str:
        """The adapter's name."""
        return adapter_name(self._adapter)

    def run(self, model: onnx.ModelProto, program: Program, feed: Feed) -> Feed:
        """Outputs by name of a program made from `model`."""
        with temporary_artifact(model, program) as artifact:
            if self.variant is None:
                self.variant = choose_variants(self.device, artifact, *self._forced)
            return run_artifact(self.device, artifact, feed, self.variant)


@contextmanager
def temporary_artifact(model: onnx.ModelProto, program: Program) -> Iterator[Artifact]:
    """What `onnx2wgsl compile` makes of a program, while it is needed."""
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
        source = Path(folder) / "net.onnx"
        onnx.save(model, source)
        write_artifact(program, Path(folder) / "net", source=source)
        yield load_artifact(Path(folder) / "net")


def run_artifact(device: Any, artifact: Artifact, feed: Feed, variant: Variant) -> Feed:
    """Outputs by name of one frame on the device."""
    executor = Executor(device, artifact, variant)
    try:
        for name, array in feed.items():
            raw = np.frombuffer(array.tobytes() + bytes(-array.nbytes % 4), np.uint8)
            executor.write(f"input:{name}", raw)
        raw_outputs = executor.run(executor.steps, list(executor.outputs))
        return {
            tensor.name: np.frombuffer(data, tensor.dtype, tensor.size).reshape(tensor.shape)
            for tensor, data in zip(artifact.outputs, raw_outputs, strict=True)
        }
    finally:
        executor.destroy()


def variants_used(artifact: Artifact) -> list[Variant]:
    """All four where a kernel uses snippets; else one, the others being the same shaders."""
    used = any(kernel.uses for kernel in artifact.kernels)
    return VARIANTS if used else VARIANTS[:1]
