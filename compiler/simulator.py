"""Evaluates a Program exactly in numpy, on the words of its arena: the meaning of what codegen
emits.

It sees what the device sees: packed words, slices, padding lanes, buffers that share memory once
they are allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .arithmetic import convolve, float_order, requantize, wrap_i32
from .errors import CompileError
from .ir import NUMPY_DTYPES, Array, physical_channels
from .program import (
    Buffer,
    BufferStore,
    ConvKernel,
    CopyKernel,
    Kernel,
    PackKernel,
    Program,
    QuantizeKernel,
    Store,
    UnpackKernel,
    View,
    outputs_filled,
    writes,
)

Observer = Callable[[Kernel, list[Array]], None]


def run_program(
    program: Program, inputs: Mapping[str, Array], observe: Observer | None = None
) -> dict[str, Array]:
    """Outputs by name; `observe` gets the words each kernel wrote: u32 [pixels, words] a store into
    a buffer, then u32 [1, words] a graph output that the kernel fills alone.
    """
    memory = _Memory(program)
    outputs = {
        name: np.zeros(type_.shape, NUMPY_DTYPES[type_.dtype])
        for name, type_ in program.outputs.items()
    }
    for kernel in program.kernels:
        if isinstance(kernel, UnpackKernel):
            lanes = memory.read(kernel.source) ^ np.uint8(kernel.flip)
            _to_output(lanes, kernel.channels, kernel.shape, outputs[kernel.output])
        else:
            lanes = _compute(kernel, memory, inputs)
            for store in kernel.stores:
                _store(store, lanes, kernel, memory, outputs)
        if observe is not None:
            written = [memory.words(view).copy() for view in writes(kernel)]
            filled = [_as_words(outputs[name]) for name in outputs_filled(program, kernel)]
            observe(kernel, written + filled)
    return outputs


def _as_words(output: Array) -> Array:
    """An output as the words of its buffer, u32 [1, words]; padding bytes are zero."""
    raw = output.tobytes()
    return np.frombuffer(raw + bytes(-len(raw) % 4), "<u4").reshape(1, -1).copy()


class _Memory:
    """Buffers as slices of one arena, or apart where they have no place yet."""

    def __init__(self, program: Program) -> None:
        arena = np.full(program.arena_words or 0, 0xA5A5A5A5, np.uint32)
        self.arrays: dict[Buffer, Array] = {}
        for buffer in program.buffers():
            if buffer.offset is None:
                self.arrays[buffer] = np.full(buffer.words, 0xA5A5A5A5, np.uint32)
            else:
                self.arrays[buffer] = arena[buffer.offset : buffer.offset + buffer.words]

    def words(self, view: View) -> Array:
        """The view's words, u32 [pixels, words], to read or assign."""
        rows = self.arrays[view.buffer].reshape(-1, view.pitch)
        return rows[: view.pixels, view.first : view.first + view.words]

    def read(self, view: View) -> Array:
        """The view's lanes as bytes, u8 [pixels, words * 4]."""
        return np.ascontiguousarray(self.words(view)).view(np.uint8)


def _compute(kernel: Kernel, memory: _Memory, inputs: Mapping[str, Array]) -> Array:
    """The packed bytes that a kernel makes, u8 [pixels, words * 4]."""
    match kernel:
        case QuantizeKernel():
            x = np.asarray(inputs[kernel.input])
            levels = np.searchsorted(kernel.thresholds, float_order(x), side="right") - 128
            levels = np.where(np.isnan(x), -128, levels)
            return _lanes(levels, kernel.channels, kernel.zero_point)
        case PackKernel():
            x = np.ascontiguousarray(inputs[kernel.input]).view(np.uint8) ^ np.uint8(kernel.flip)
            return _lanes(x, kernel.channels, 0)
        case CopyKernel():
            return _copy(kernel, memory)
        case ConvKernel():
            return _conv(kernel, memory.read(kernel.source).view(np.int8))
    raise CompileError(f"internal error: the simulator does not know {kernel.op}")


def _lanes(x: Array, channels: tuple[int, ...], padding: int) -> Array:
    """Row-major [N,C,H,W] as bytes u8 [pixels, lanes]."""
    last = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    lanes = np.full((len(last), len(channels)), padding)
    physical = np.array(channels)
    lanes[:, physical >= 0] = last[:, physical[physical >= 0]]
    return lanes.astype(np.int64).astype(np.uint8)


def _copy(kernel: CopyKernel, memory: _Memory) -> Array:
    lanes = memory.read(kernel.source)
    if kernel.rows is None or kernel.columns is None:
        return lanes
    batch = kernel.shape[0]
    image = lanes.reshape(batch, *kernel.source_shape, -1)
    moved = image[:, kernel.rows][:, :, kernel.columns]
    outside = (kernel.rows < 0)[:, None] | (kernel.columns < 0)[None, :]
    moved = np.where(outside[None, :, :, None], np.uint8(kernel.fill & 0xFF), moved)
    return moved.reshape(kernel.pixels, -1)


def _conv(kernel: ConvKernel, lanes: Array) -> Array:
    batch, _, height, width = kernel.x_type.shape
    x = np.moveaxis(lanes.reshape(batch, height, width, -1), -1, 1).astype(np.int64)
    x = x.repeat(kernel.upsample[0], 2).repeat(kernel.upsample[1], 3)
    quantization = kernel.x_type.quantization
    assert quantization is not None
    top, left, bottom, right = kernel.pads
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    x = np.pad(x, widths, constant_values=quantization.zero_point)
    weight = _physical_weights(kernel.weight)
    sums = convolve(x, weight, kernel.strides, kernel.dilations).astype(np.int64)
    sums += kernel.bias.reshape(-1, 1, 1)
    if kernel.weight_zero_point is not None:
        assert kernel.x_type.segments is not None
        real = np.array(physical_channels(kernel.x_type.segments)) >= 0
        ones = np.broadcast_to(real[None, :, None, None], (1, *weight.shape[1:])).astype(np.int64)
        window = convolve(x - quantization.zero_point, ones, kernel.strides, kernel.dilations)
        sums -= window.astype(np.int64) * kernel.weight_zero_point.reshape(-1, 1, 1)
    multiplier = kernel.multiplier.reshape(-1, 1, 1)
    levels = requantize(wrap_i32(sums), multiplier, kernel.zero_point, (-128, 127))
    return np.moveaxis(levels, 1, -1).reshape(kernel.pixels, -1).astype(np.uint8)


def _physical_weights(words: Array) -> Array:
    """i8 [4 * OW, 4 * CW, KH, KW] from packed words [OW, KH, CW, KW, 4]."""
    lanes = np.ascontiguousarray(words.astype("<u4"))[..., None].view(np.int8)
    out_words, kernel_h, in_words, kernel_w = words.shape[:4]
    ordered = lanes.transpose(0, 4, 2, 5, 1, 3)
    return ordered.reshape(out_words * 4, in_words * 4, kernel_h, kernel_w).astype(np.int64)


def _store(
    store: Store, lanes: Array, kernel: Kernel, memory: _Memory, outputs: dict[str, Array]
) -> None:
    if isinstance(store, BufferStore):
        stored = lanes if store.table is None else store.table.view(np.uint8)[lanes]
        memory.words(store.view)[:] = np.ascontiguousarray(stored).view(np.uint32)
    else:
        _to_output(store.table[lanes], store.channels, kernel.shape, outputs[store.output])


def _to_output(
    lanes: Array, channels: tuple[int, ...], shape: tuple[int, int, int], output: Array
) -> None:
    image = np.moveaxis(lanes.reshape(*shape, -1), -1, 1)
    physical = np.array(channels)
    kept = image[:, physical >= 0]
    output[:, physical[physical >= 0]] = (
        kept if kept.dtype == output.dtype else kept.view(output.dtype)
    )
