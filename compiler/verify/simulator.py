"""Evaluates a Program exactly in numpy, on the words of its arena: the meaning of what codegen
emits.

It sees what the device sees: packed words, slices, padding lanes, buffers that share memory once
they are allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..arithmetic import convolve, float_order, requantize, wrap_i32
from ..errors import CompileError
from ..ir.layout import physical_channels
from ..ir.program import (
    BufferStore,
    ConvKernel,
    CopyKernel,
    Kernel,
    OutputStore,
    PackKernel,
    Program,
    QuantizeKernel,
    Store,
    UnpackKernel,
    View,
    fills,
    outputs_filled,
)
from ..ir.types import NUMPY_DTYPES, Array
from ..lowering.memory import Memory
from ..operators.base import FamilyKernel

Observer = Callable[[Kernel, list[Array]], None]
Replace = Callable[[Kernel, list[Array]], list[Array] | None]
"""Gets what a kernel wrote, and may give what its readers are to read instead."""


def run_program(
    program: Program,
    inputs: Mapping[str, Array],
    observe: Observer | None = None,
    *,
    given: Mapping[str, Array] | None = None,
    replace: Replace | None = None,
) -> dict[str, Array]:
    """Outputs by name; `observe` gets the words each kernel wrote: u32 [pixels, words] a store into
    a buffer, then u32 [1, words] a graph output that the kernel fills alone.

    `given`: tensors by the names of the values that `quantize` kernels make, taken instead of what
    they make. `replace` is asked after every kernel.
    """
    memory = Memory(program)
    outputs = {
        name: np.zeros(type_.shape, NUMPY_DTYPES[type_.dtype]) for name, type_ in program.outputs.items()
    }
    for kernel in program.kernels:
        if isinstance(kernel, UnpackKernel):
            lanes = memory.read(kernel.source) ^ np.uint8(kernel.flip)
            tensor = outputs[kernel.output].view(np.uint8)
            _scatter(lanes, kernel.channels, kernel.shape, _total(kernel.channels), tensor)
        else:
            lanes = _compute(kernel, memory, inputs)
            if isinstance(kernel, QuantizeKernel) and given and kernel.result in given:
                lanes = _given(kernel, given[kernel.result])
            for store in kernel.stores:
                _store(store, lanes, kernel, memory, outputs)
        if observe is None and replace is None:
            continue
        written = [memory.words(view).copy() for view in fills(kernel)]
        written += [_as_words(outputs[name]) for name in outputs_filled(kernel)]
        if observe is not None:
            observe(kernel, written)
        if replace is not None:
            instead = replace(kernel, written) or []
            for view, words in zip(fills(kernel), instead, strict=False):
                memory.words(view)[:] = words
    return outputs


def _as_words(output: Array) -> Array:
    """An output as the words of its buffer, u32 [1, words]; padding bytes are zero."""
    raw = output.tobytes()
    return np.frombuffer(raw + bytes(-len(raw) % 4), "<u4").reshape(1, -1).copy()


def _compute(kernel: Kernel, memory: Memory, inputs: Mapping[str, Array]) -> Array:
    """The packed bytes that a kernel makes, u8 [pixels, words * 4]."""
    match kernel:
        case FamilyKernel():
            return kernel.simulate(memory, inputs)
        case QuantizeKernel():
            reals = memory.row_major(kernel.source or kernel.input, inputs).view(np.float32)
            levels = np.searchsorted(kernel.thresholds, float_order(reals), side="right") - 128
            levels = np.where(np.isnan(reals), -128, levels)
            return _lanes(levels, kernel, kernel.zero_point)
        case PackKernel():
            x = np.ascontiguousarray(inputs[kernel.input]).view(np.uint8) ^ np.uint8(kernel.flip)
            return _lanes(x, kernel, 0)
        case CopyKernel():
            if isinstance(kernel.source, View):
                return memory.words(kernel.source)
            return memory.row_major(kernel.source, inputs).reshape(kernel.pixels, kernel.words)
        case ConvKernel():
            zero = None
            if kernel.zero_source is not None:
                zero = int(memory.read(kernel.zero_source).view(np.int8)[0, 0])
            return _conv(kernel, memory.read(kernel.source).view(np.int8), zero)
    raise CompileError(f"internal error: the simulator does not know {kernel.op}")


def _given(kernel: QuantizeKernel, tensor: Array) -> Array:
    """A quantized tensor in the model's own bytes as what the kernel would make."""
    flip = np.uint8(0x80 if tensor.dtype == np.uint8 else 0)
    levels = (np.ascontiguousarray(tensor).view(np.uint8) ^ flip).view(np.int8)
    return _lanes(levels.astype(np.int64), kernel, kernel.zero_point)


def _lanes(x: Array, kernel: QuantizeKernel | PackKernel, padding: int) -> Array:
    """Row-major values as bytes u8 [pixels, lanes]."""
    outer, inner = kernel.shape[0], kernel.shape[1] * kernel.shape[2]
    last = np.moveaxis(x.reshape(outer, -1, inner), 1, -1).reshape(kernel.pixels, -1)
    physical = np.array(kernel.channels)
    lanes = np.full((len(last), len(physical)), padding)
    lanes[:, physical >= 0] = last[:, physical[physical >= 0]]
    return lanes.astype(np.int64).astype(np.uint8)


def _conv(kernel: ConvKernel, lanes: Array, computed: int | None = None) -> Array:
    """`computed`: the zero point of x where it is computed."""
    batch, _, height, width = kernel.x_type.shape
    x = np.moveaxis(lanes.reshape(batch, height, width, -1), -1, 1).astype(np.int64)
    x = x.repeat(kernel.upsample[0], 2).repeat(kernel.upsample[1], 3)
    quantization = kernel.x_type.quantization
    assert quantization is not None
    zero_point = quantization.zero_point if computed is None else computed
    top, left, bottom, right = kernel.pads
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    x = np.pad(x, widths, constant_values=zero_point)
    weight = _physical_weights(kernel)
    group = len(weight) if kernel.depthwise else kernel.group
    sums = convolve(x, weight, kernel.strides, kernel.dilations, group).astype(np.int64)
    sums += kernel.bias.reshape(-1, 1, 1)
    if kernel.weight_sums is not None:
        sums -= zero_point * kernel.weight_sums.astype(np.int64).reshape(-1, 1, 1)
    if kernel.weight_zero_point is not None:
        assert kernel.x_type.segments is not None
        real = np.array(physical_channels(kernel.x_type.segments)) >= 0
        ones = real.reshape(group, -1, 1, 1) * np.ones((1, 1, *weight.shape[2:]), np.int64)
        centred = x - zero_point
        window = convolve(centred, ones, kernel.strides, kernel.dilations, group)
        window = window.repeat(len(weight) // group, 1).astype(np.int64)
        sums -= window * kernel.weight_zero_point.reshape(-1, 1, 1)
    multiplier, total = kernel.multiplier.reshape(-1, 1, 1), wrap_i32(sums)
    if kernel.made != "bytes":
        if kernel.made == "floats":
            total = (total.astype(np.float32) * multiplier).view(np.int32)
        image = np.moveaxis(total[:, : kernel.out_channels], 1, -1)
        image = image.reshape(kernel.shape[0], -1, kernel.out_channels)
        return np.moveaxis(image, -1, 1).reshape(-1).view(np.uint32)
    levels = requantize(total, multiplier, kernel.zero_point, (-128, 127))
    return np.moveaxis(levels, 1, -1).reshape(kernel.pixels, -1).astype(np.uint8)


def _physical_weights(kernel: ConvKernel) -> Array:
    """i64 [4 * OW, 4 * CW, KH, KW] from packed words [OW, KH, CW, KW, 4]; CW words of a group."""
    words = kernel.weight
    if kernel.depthwise:  # [OW, KH, 1, KW, 4], one integer a weight
        return np.moveaxis(words, -1, 1)[:, :, :, 0].reshape(-1, 1, *kernel.kernel_size)
    lanes = np.ascontiguousarray(words.astype("<u4"))[..., None].view(np.int8)
    out_words, kernel_h, in_words, kernel_w = words.shape[:4]
    ordered = lanes.transpose(0, 4, 2, 5, 1, 3)
    return ordered.reshape(out_words * 4, in_words * 4, kernel_h, kernel_w).astype(np.int64)


def _store(store: Store, made: Array, kernel: Kernel, memory: Memory, outputs: dict[str, Array]) -> None:
    """Stores what a kernel made: u8 lanes [pixels, words * 4], or u32 words of any shape."""
    if isinstance(store, BufferStore):
        view = memory.words(store.view)
        if store.table is not None:
            made = store.table.view(np.uint8)[_bytes(made)]
        view[:] = np.ascontiguousarray(made).view(np.uint32).reshape(view.shape)
    elif isinstance(store, OutputStore):
        found = store.table.view(np.uint32)[_bytes(made)]
        if store.view is None:
            tensor = outputs[store.output].view(np.uint32)
            _scatter(found, store.channels, kernel.shape, store.total, tensor)
        else:
            tensor = memory.words(store.view).copy()
            _scatter(found, store.channels, kernel.shape, store.total, tensor)
            memory.words(store.view)[:] = tensor
    else:
        output = outputs[store.output]
        values = np.ascontiguousarray(made).view(output.dtype).reshape(-1)[: output.size]
        output[...] = values.reshape(output.shape)


def _bytes(made: Array) -> Array:
    return made if made.dtype == np.uint8 else np.ascontiguousarray(made).view(np.uint8)


def _total(channels: tuple[int, ...]) -> int:
    return sum(channel >= 0 for channel in channels)


def _scatter(
    lanes: Array,
    channels: tuple[int, ...],
    shape: tuple[int, int, int],
    total: int,
    tensor: Array,
) -> None:
    """Lanes [pixels, lanes] into a row-major tensor of `total` channels."""
    outer, inner = shape[0], shape[1] * shape[2]
    image = np.moveaxis(lanes.reshape(outer, inner, -1), -1, 1)
    physical = np.array(channels)
    tensor.reshape(outer, total, inner)[:, physical[physical >= 0]] = image[:, physical >= 0]
