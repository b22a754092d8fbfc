"""One WebGPU device for all property tests, and what runs many small things on it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import onnx
import wgpu
from numpy.typing import NDArray
from onnx2wgsl.compiler.backend.codegen import SNIPPETS
from onnx2wgsl.compiler.backend.templating import render_template
from onnx2wgsl.compiler.cli.on_device import run_artifact, temporary_artifact, variants_used
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.verify.compare import Feed
from onnx2wgsl.runtime_py.adapters import choose_adapter, open_device

from .profiles import DEEP

_STORAGE = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST


@cache
def device() -> Any:
    """The device that all tests of this folder share."""
    return open_device(choose_adapter(None), {})


def snippet(name: str, variant: str) -> str:
    """The WGSL of a variant of a snippet."""
    return render_template(SNIPPETS[name][variant], {})


def in_every_variant(model: onnx.ModelProto, program: Program, feed: Feed) -> list[tuple[str, Feed]]:
    """The outputs on the shared device with each variant of every snippet, and the variants' names.

    Two runs, as the snippets know nothing of each other; in `deep` all four combinations.
    """
    with temporary_artifact(model, program) as artifact:
        used = variants_used(artifact)
        return [
            (" + ".join(variant.values()), run_artifact(device(), artifact, feed, variant))
            for variant in (used if DEEP else used[:: len(used) - 1 or 1])
        ]


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
