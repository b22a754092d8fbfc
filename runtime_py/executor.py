"""The GPU side of a session: buffers, pipelines, bind groups made once; a frame's commands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import wgpu

from .artifact import Artifact, Kernel, words_of
from .description import WORD
from .errors import from_gpu
from .process import uninterrupted

_STORAGE = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST
_READBACK = wgpu.BufferUsage.MAP_READ | wgpu.BufferUsage.COPY_DST
_BINDING_TYPES = {"read": "read-only-storage", "read_write": "storage"}
_SHADER_ADVICE = (
    "compile the model again; where that does not help, report it with what onnx2wgsl doctor shows"
)
_MAP_ALIGNMENT = 8  # bytes; where a mapped range may begin


@dataclass(frozen=True)
class Step:
    """A kernel ready to be dispatched."""

    kernel: Kernel
    pipeline: Any
    bind_group: Any


@dataclass(frozen=True)
class Copy:
    """Bytes of one buffer to be read back."""

    buffer: str
    offset: int
    size: int


def needed_limits(artifact: Artifact) -> dict[str, int]:
    """The limits that the artifact needs of a device: limit name -> value."""
    kernels = list(artifact.all_kernels())
    largest = max(artifact.buffers.values())
    return {
        "max-buffer-size": largest,
        "max-storage-buffer-binding-size": largest,
        "max-storage-buffers-per-shader-stage": max(len(k.bindings) for k in kernels),
        "max-compute-workgroups-per-dimension": max(max(k.workgroups) for k in kernels),
    }


class Readback:
    """A mappable buffer, made once, and where each copy lies in it."""

    def __init__(self, device: Any, copies: Iterable[Copy]) -> None:
        self._places: dict[Copy, int] = {}
        end = 0
        for copy in copies:
            self._places[copy] = end
            end += -(-copy.size // _MAP_ALIGNMENT) * _MAP_ALIGNMENT
        self._device, self._size = device, max(end, _MAP_ALIGNMENT)
        self._buffer = self._make()
        self._mapping: Any = None
        """Of a read that is under way, or was when an exception interrupted it."""

    def encode(self, encoder: Any, buffers: Mapping[str, Any], copies: Iterable[Copy]) -> None:
        """Copies from `buffers` into this one."""
        if self._mapping is not None:  # to submit a mapped buffer would abort the process
            self._mapping.sync_wait()
            self._buffer.destroy()
            self._buffer, self._mapping = self._make(), None
        for copy in copies:
            place = self._places[copy]
            source = buffers[copy.buffer]
            encoder.copy_buffer_to_buffer(source, copy.offset, self._buffer, place, copy.size)

    def read(self, copies: Sequence[Copy]) -> list[bytearray]:
        """Waits for the device, then returns what was copied."""
        # READ_NOSYNC: plain READ makes and submits an empty command buffer first.
        self._mapping = self._buffer.map_async("READ_NOSYNC")
        self._mapping.sync_wait()
        try:
            return [
                bytearray(self._buffer.read_mapped(self._places[copy], copy.size, copy=False))
                for copy in copies
            ]
        finally:
            self._buffer.unmap()
            self._mapping = None

    def _make(self) -> Any:
        return self._device.create_buffer(label="readback", size=self._size, usage=_READBACK)

    def destroy(self) -> None:
        """Frees the buffer."""
        self._buffer.destroy()


class Executor:
    """Holds every GPU object of one artifact on one device."""

    def __init__(self, device: Any, artifact: Artifact, variants: Mapping[str, str]) -> None:
        self.device = device
        self._artifact = artifact
        self._snippets = {
            snippet: artifact.shaders[artifact.description["snippets"][snippet][variant]]
            for snippet, variant in variants.items()
        }
        self._modules: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._layouts: dict[tuple[tuple[int, str], ...], Any] = {}
        try:
            self.buffers = {
                name: device.create_buffer(label=name, size=max(size, WORD), usage=_STORAGE)
                for name, size in artifact.buffers.items()
            }
            device.queue.write_buffer(self.buffers["weights"], 0, artifact.weights)
        except wgpu.GPUError as error:
            raise from_gpu(error, f"the buffers of {artifact.name}") from None
        dot = variants["dot"]
        self.steps = [self._step(kernel.scheduled(dot)) for kernel in artifact.kernels]
        self.image_steps = {
            name: self._step(image.kernel.scheduled(dot)) for name, image in artifact.image_kernels.items()
        }
        self.outputs = {t.name: Copy(f"output:{t.name}", 0, t.buffer_bytes) for t in artifact.outputs}
        self._readback = Readback(device, self.outputs.values())

    def steps_for(self, pictures: Iterable[str]) -> list[Step]:
        """The steps of a frame whose inputs `pictures` are given as pictures."""
        steps: list[Step | None] = list(self.steps)
        for name in pictures:
            image = self._artifact.image_kernels[name]
            for number in image.skips:
                steps[number] = None
            steps[image.replaces] = self.image_steps[name]
        return [step for step in steps if step is not None]

    @uninterrupted()
    def run(self, steps: Iterable[Step], outputs: Sequence[str]) -> list[bytearray]:
        """One command buffer, one compute pass, one submit; returns the bytes of `outputs`."""
        copies = [self.outputs[name] for name in outputs]
        try:
            encoder = self.device.create_command_encoder()
            compute = encoder.begin_compute_pass()
            for step in steps:
                dispatch(compute, step)
            compute.end()
            self._readback.encode(encoder, self.buffers, copies)
            self.device.queue.submit([encoder.finish()])
            return self._readback.read(copies) if copies else []
        except (wgpu.GPUError, RuntimeError) as error:
            raise from_gpu(error, f"running {self._artifact.name}") from None

    @uninterrupted()
    def run_one(self, step: Step, readback: Readback, copies: Sequence[Copy]) -> list[bytearray]:
        """Runs one kernel alone and returns the bytes that `copies` name."""
        try:
            encoder = self.device.create_command_encoder()
            compute = encoder.begin_compute_pass()
            dispatch(compute, step)
            compute.end()
            readback.encode(encoder, self.buffers, copies)
            self.device.queue.submit([encoder.finish()])
            return readback.read(copies)
        except (wgpu.GPUError, RuntimeError) as error:
            raise from_gpu(error, f"kernel {step.kernel.name}") from None

    @uninterrupted()
    def write(self, buffer: str, data: Any) -> None:
        """Writes whole words to a buffer, before the next submit."""
        try:
            self.device.queue.write_buffer(self.buffers[buffer], 0, data)
        except wgpu.GPUError as error:
            raise from_gpu(error, f"writing {buffer}") from None

    def destroy(self) -> None:
        """Frees the device's memory; the executor can't be used afterwards."""
        for buffer in self.buffers.values():
            buffer.destroy()
        self._readback.destroy()
        self.steps.clear()
        self.image_steps.clear()

    def _step(self, kernel: Kernel) -> Step:
        """The kernel's pipeline and bind group; an error from wgpu gets the kernel's name."""
        try:
            layout = self._layout(kernel)
            pipeline = self.device.create_compute_pipeline(
                label=kernel.name,
                layout=self.device.create_pipeline_layout(bind_group_layouts=[layout]),
                compute={
                    "module": self._module(kernel),
                    "entry_point": "main",
                    "constants": kernel.constants,
                },
            )
            entries = [
                {"binding": b.binding, "resource": {"buffer": self.buffers[b.buffer]}}
                for b in kernel.bindings
            ]
            group = self.device.create_bind_group(label=kernel.name, layout=layout, entries=entries)
        except wgpu.GPUError as error:
            failure = from_gpu(error, f"kernel {kernel.name} ({kernel.shader})")
            raise type(failure)(f"{failure}\n{_SHADER_ADVICE}") from None
        return Step(kernel, pipeline, group)

    def _layout(self, kernel: Kernel) -> Any:
        key = tuple((b.binding, _BINDING_TYPES[b.access]) for b in kernel.bindings)
        if key not in self._layouts:
            self._layouts[key] = self.device.create_bind_group_layout(
                entries=[
                    {"binding": i, "visibility": wgpu.ShaderStage.COMPUTE, "buffer": {"type": kind}}
                    for i, kind in key
                ]
            )
        return self._layouts[key]

    def _module(self, kernel: Kernel) -> Any:
        key = (kernel.shader, kernel.uses)
        if key not in self._modules:
            parts = [self._snippets[name] for name in kernel.uses]
            code = "\n".join([*parts, self._artifact.shaders[kernel.shader]])
            self._modules[key] = self.device.create_shader_module(label=kernel.shader, code=code)
        return self._modules[key]


def dispatch(compute: Any, step: Step) -> None:
    """Records one dispatch in a compute pass."""
    compute.set_pipeline(step.pipeline)
    compute.set_bind_group(0, step.bind_group)
    compute.dispatch_workgroups(*step.kernel.workgroups)


class Stores:
    """What one kernel writes: what to copy, and how to cut the copies into rows."""

    def __init__(self, kernel: Kernel) -> None:
        self._stores = kernel.stores
        self.copies = [Copy(s.buffer, s.offset * WORD, s.extent * WORD) for s in kernel.stores]

    def rows(self, data: Sequence[bytearray]) -> list[np.ndarray[Any, np.dtype[np.uint32]]]:
        """One u32 array [rows, width] for each store, from the bytes of `copies`."""
        arrays = []
        for store, raw in zip(self._stores, data, strict=True):
            words = np.zeros(store.rows * max(store.pitch, store.width), np.uint32)
            words[: store.extent] = words_of(raw)
            arrays.append(words.reshape(store.rows, -1)[:, : store.width].copy())
        return arrays
