"""Programs and artifacts on a WebGPU device, as verify/ and fuzzing/ want them.

One by one in a session, or many small ones on one device: a session makes a device and probes it,
which costs more than a small net does; so the runtime's Executor is used on a shared device, with
chosen variants of the snippets.
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
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.adapters import adapter_name, choose_adapter, open_device
from onnx2wgsl.runtime_py.artifact import Artifact, load_artifact
from onnx2wgsl.runtime_py.executor import Executor
from onnx2wgsl.runtime_py.variants import choose_variants

from ..backend.artifact import write_artifact
from ..backend.codegen import SNIPPETS
from ..ir.program import Program
from ..verify.compare import Feed
from ..verify.compiled import saved
from ..verify.replay import Trace

Variant = dict[str, str]
VARIANTS: list[Variant] = [
    dict(zip(SNIPPETS, choices, strict=True))
    for choices in itertools.product(*(SNIPPETS[name] for name in SNIPPETS))
]
"""All four: dot x requantize."""


class SessionDevice:
    """A session as the `Device` of verify/replay.py."""

    def __init__(self, session: InferenceSession) -> None:
        self.session = session
        self._outputs = [tensor.name for tensor in session.get_outputs()]

    @property
    def name(self) -> str:
        """The adapter's name."""
        return adapter_name(self.session.get_adapter())

    def run(self, sample: Feed) -> Feed:
        """Outputs by name."""
        return dict(zip(self._outputs, self.session.run(None, sample), strict=True))

    def trace(self, sample: Feed) -> Trace:
        """What the kernels write, run one by one."""
        return self.session.trace(sample)


@contextmanager
def open_artifact(path: Path, **options: Any) -> Iterator[SessionDevice]:
    """An artifact, a folder or a bundle, in a session; `options` are those of InferenceSession."""
    with InferenceSession(path, **options) as session:
        yield SessionDevice(session)


@contextmanager
def open_program(program: Program, source: Path, **options: Any) -> Iterator[SessionDevice]:
    """A program, compiled from the model in `source`, in a session."""
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as scratch:
        folder = Path(scratch) / source.stem
        write_artifact(program, folder, source=source)
        with open_artifact(folder, **options) as device:
            yield device


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
    with saved(model) as source:
        folder = source.with_suffix("")
        write_artifact(program, folder, source=source)
        yield load_artifact(folder)


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
    uses_snippets = any(kernel.uses for kernel in artifact.kernels)
    return VARIANTS if uses_snippets else VARIANTS[:1]
