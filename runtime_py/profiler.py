"""Times each kernel on the device: timestamp queries at both ends of a pass of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import wgpu
from wgpu.backends.wgpu_native import lib

from .artifact import Kernel
from .errors import from_gpu
from .executor import Copy, Readback, Step, dispatch
from .process import uninterrupted

_STAMP_BYTES = 8


@dataclass(frozen=True)
class KernelTime:
    """The time of one kernel on the device, in microseconds."""

    kernel: Kernel
    microseconds: float


class Profiler:
    """The query set and buffers for `count` kernels, made once."""

    def __init__(self, device: Any, count: int) -> None:
        self._device = device
        size = 2 * count * _STAMP_BYTES
        usage = wgpu.BufferUsage.QUERY_RESOLVE | wgpu.BufferUsage.COPY_SRC
        self._queries = device.create_query_set(type="timestamp", count=2 * count)
        self._stamps = {"stamps": device.create_buffer(size=size, usage=usage)}
        self._copy = Copy("stamps", 0, size)
        self._readback = Readback(device, [self._copy])
        # Nanoseconds a tick. wgpu-py has no name for it yet, only the library that it wraps.
        self._period = float(lib.wgpuQueueGetTimestampPeriod(device.queue._internal))

    @uninterrupted()
    def measure(self, steps: Sequence[Step]) -> list[KernelTime]:
        """Runs the steps once, each in its own pass."""
        try:
            encoder = self._device.create_command_encoder()
            for index, step in enumerate(steps):
                compute = encoder.begin_compute_pass(
                    timestamp_writes={
                        "query_set": self._queries,
                        "beginning_of_pass_write_index": 2 * index,
                        "end_of_pass_write_index": 2 * index + 1,
                    }
                )
                dispatch(compute, step)
                compute.end()
            encoder.resolve_query_set(self._queries, 0, 2 * len(steps), self._stamps["stamps"], 0)
            self._readback.encode(encoder, self._stamps, [self._copy])
            self._device.queue.submit([encoder.finish()])
            (raw,) = self._readback.read([self._copy])
        except (wgpu.GPUError, RuntimeError) as error:
            raise from_gpu(error, "profiling") from None
        stamps = np.frombuffer(raw, dtype="<u8").reshape(-1, 2).astype(np.int64)
        spans = (stamps[:, 1] - stamps[:, 0]) * self._period / 1000
        return [KernelTime(s.kernel, float(t)) for s, t in zip(steps, spans, strict=True)]

    def destroy(self) -> None:
        """Frees the buffers."""
        self._stamps["stamps"].destroy()
        self._readback.destroy()
