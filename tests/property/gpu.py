"""One WebGPU device for all property tests, and what runs many small things on it.

A session makes a device and probes it, which costs more than a small net does; so the runtime's
Executor is used here on one device, with each variant in turn.
"""

from __future__ import annotations

import itertools
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import wgpu
from numpy.typing import NDArray
from onnx2wgsl.compiler.artifact import write_artifact
from onnx2wgsl.compiler.codegen import SNIPPETS, render_template
from onnx2wgsl.compiler.program import Program
from onnx2wgsl.runtime_py.adapters import choose_adapter, open_device
from onnx2wgsl.runtime_py.artifact import Artifact, load_artifact
from onnx2wgsl.runtime_py.executor import Executor

Feed = dict[str, NDArray[Any]]
VARIANTS = [
    dict(zip(SNIPPETS, chosen, strict=True))
    for chosen in itertools.product(*(SNIPPETS[name] for name in SNIPPETS))
]
"""All four: dot x requantize."""
_STORAGE = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST


@cache
def device() -> Any:
    """The device that all tests of this folder share."""
    return open_device(choose_adapter(None), {})


def snippet(name: str, variant: str) -> str:
    """The WGSL of a variant of a snippet."""
    return render_template(SNIPPETS[name][variant], {})


class OnDevice:
    """A program on the shared device, to be run in any variant."""

    def __init__(self, model: onnx.ModelProto, program: Program) -> None:
        with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
            source = Path(folder) / "net.onnx"
            onnx.save(model, source)
            write_artifact(program, Path(folder) / "net", source=source)
            self.artifact: Artifact = load_artifact(Path(folder) / "net")
            self._executors = [Executor(device(), self.artifact, v) for v in self.variants()]

    def variants(self) -> list[dict[str, str]]:
        """All four where a kernel uses snippets; else one, the others being the same shaders."""
        used = any(kernel.uses for kernel in self.artifact.kernels)
        return VARIANTS if used else VARIANTS[:1]

    def run(self, feed: Feed) -> list[tuple[str, Feed]]:
        """The outputs of each variant, with its name."""
        results = []
        for variant, executor in zip(self.variants(), self._executors, strict=True):
            for name, array in feed.items():
                raw = np.frombuffer(array.tobytes() + bytes(-array.nbytes % 4), np.uint8)
                executor.write(f"input:{name}", raw)
            raw_outputs = executor.run(executor.steps, list(executor.outputs))
            outputs = {
                tensor.name: np.frombuffer(data, tensor.dtype, tensor.size).reshape(tensor.shape)
                for tensor, data in zip(self.artifact.outputs, raw_outputs, strict=True)
            }
            results.append((" + ".join(variant.values()), outputs))
        return results

    def close(self) -> None:
        """Frees the buffers."""
        for executor in self._executors:
            executor.destroy()


class Harness:
    """A compute shader, compiled once: from u32 words (binding 0) to u32 words (binding 1).

    The shader's `main` has workgroups of 64 and makes one result of `result_words` words for each
    case of `case_words`.
    """

    def __init__(self, code: str, case_words: int, result_words: int) -> None:
        self._words = (case_words, result_words)
        self._device = device()
        module = self._device.create_shader_module(code=code)
        self._pipeline = self._device.create_compute_pipeline(
            layout="auto", compute={"module": module, "entry_point": "main"}
        )

    def run(self, cases: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """u32 [count, result_words] for cases u32 [count, case_words]; count a multiple of 64."""
        count = len(cases)
        assert cases.shape == (count, self._words[0])
        assert count % 64 == 0
        source = self._device.create_buffer(size=cases.nbytes, usage=_STORAGE)
        result = self._device.create_buffer(size=count * self._words[1] * 4, usage=_STORAGE)
        try:
            self._device.queue.write_buffer(source, 0, np.ascontiguousarray(cases))
            group = self._device.create_bind_group(
                layout=self._pipeline.get_bind_group_layout(0),
                entries=[
                    {"binding": 0, "resource": {"buffer": source}},
                    {"binding": 1, "resource": {"buffer": result}},
                ],
            )
            encoder = self._device.create_command_encoder()
            compute = encoder.begin_compute_pass()
            compute.set_pipeline(self._pipeline)
            compute.set_bind_group(0, group)
            compute.dispatch_workgroups(count // 64)
            compute.end()
            self._device.queue.submit([encoder.finish()])
            raw = self._device.queue.read_buffer(result)
        finally:
            source.destroy()
            result.destroy()
        return np.frombuffer(raw, np.uint32).reshape(count, self._words[1])
