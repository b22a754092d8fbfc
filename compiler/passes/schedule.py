"""Turns the packed graph into a Program: a kernel for each op, a buffer for each value.

Rules:
1. `packed_conv`, `quantize_by_thresholds`, `pack` and `unpack` become the kernel of that name.
2. `lookup` and each operand of `concat` become a `copy`; place_concat then removes those whose
   producers can write in their stead.
3. `resize`, `pad` and the other moves become a view of their operand, or a `gather`.
4. The other ops say themselves what they become (`operators.base.FamilyOp.schedule`).
5. Packed values get a buffer of packed words, row-major ones one word an element; a row-major
   result that is a graph output is written there directly.
6. The tile of a convolution is chosen from its size: pixels along x while they divide the width
   well, and workgroups that spread over output channels where there are few pixels.
7. Of the graph outputs that one value is, those that its kernel has no binding left for are copied.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..arithmetic import wrap_i32
from ..errors import CompileError
from ..ir.graph import Concat, Conv, Graph, Lookup, OnnxOp, Op, Pad, Resize, Value
from ..ir.layout import channels_of_lanes, pixel_shape, to_lanes
from ..ir.limits import STORAGE_BUFFERS, WEIGHTS
from ..ir.program import (
    Buffer,
    BufferStore,
    ConvKernel,
    CopyKernel,
    Kernel,
    OutputStore,
    PackKernel,
    Program,
    QuantizeKernel,
    Source,
    Store,
    Tile,
    UnpackKernel,
    View,
    WordStore,
    inputs_read,
    output_words,
    touches,
)
from ..ir.types import Quantization, TensorType
from ..operators.base import FamilyOp
from ..operators.float import nodes as floats
from ..operators.matmul.op import MADE
from ..operators.moves.op import Move, Moved, schedule_move
from ..operators.packed_ops import Pack, PackedConv, QuantizeByThresholds, Unpack

TILE_PIXELS = 8
WORKGROUP = 32


@dataclass(frozen=True)
class Schedule:
    """Graph to Program."""

    name: ClassVar[str] = "schedule"

    def apply(self, graph: Graph) -> Program:
        """A program whose buffers have no place yet."""
        program = Scheduler(graph).program()
        spread_outputs(program)
        return program


class Scheduler:
    """The program in the making: where each value lies, and the kernels so far."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.users = defaultdict(list, graph.users())
        self.origins: dict[Value, Op] = {}  # the float op that a part of it is of
        self.waiting: dict[Value, list[OnnxOp]] = {}  # nodes that their reader's kernel computes
        self.views: dict[Value, View] = {}
        self.moved: dict[Value, Moved] = {}  # results of moves that no kernel has made yet
        self.kernels: list[Kernel] = []
        self.names: set[str] = set()

    def program(self) -> Program:
        graph = self.graph
        for op in graph.ops:
            self.schedule(op)
        return Program(
            graph.name,
            {value.name: value.type for value in graph.inputs},
            {name: value.type for name, value in zip(graph.output_names, graph.outputs, strict=True)},
            self.kernels,
        )

    def make(self, value: Value) -> View:
        """A buffer of its own for a value: its pixels, or its row-major elements in one run."""
        name = value.name.removesuffix(".packed")
        if value.type.segments is None:
            size = value.type.size
            self.views[value] = View(Buffer(name, size), 1, size, size)
        else:
            pixels, words = value.type.pixels, value.type.words
            self.views[value] = View(Buffer(name, pixels * words), pixels, words, words)
        return self.views[value]

    def holds(self, value: Value) -> bool:
        """Whether a value lies in the arena, or will."""
        return value in self.views or value in self.moved

    def view(self, value: Value) -> View:
        """Where a value lies in the arena; what moves left for later is made now."""
        self.view_if_moved(value)
        return self.views[value]

    def view_if_moved(self, value: Value) -> None:
        """Makes a value that moves left for later."""
        waiting = self.moved.pop(value, None)
        if waiting is not None:
            waiting.make(self)

    def source(self, value: Value) -> Source:
        """Where a kernel reads an operand: a view, a graph input, or a constant's words."""
        if self.holds(value):
            return self.view(value)
        if value.data is not None and value.type.segments is None:
            narrow = value.array.itemsize != 4
            return value.array.astype(np.int32) if narrow else value.array
        if value.data is not None:
            lanes = to_lanes(value.array, value.type)
            return np.ascontiguousarray(lanes).view(np.uint32)
        assert value in self.graph.inputs, f"%{value.name} lies nowhere"
        return value.name

    def kernel(self, kernel: Kernel) -> None:
        self.kernels.append(kernel)

    def schedule(self, op: Op) -> None:
        match op:
            case FamilyOp():
                op.schedule(self)
            case QuantizeByThresholds():
                self.kernels.append(self._quantize(op))
            case Pack():
                flip = 0x80 if op.x.type.dtype == "u8" else 0
                channels = channels_of_lanes(op.result.type)
                kernel = PackKernel(*self.frame(op), input=op.x.name, channels=channels, flip=flip)
                self.kernels.append(kernel)
            case Unpack():
                self.kernels += [self._unpack(op, output) for output in self.output_names(op)]
            case PackedConv():
                self.kernels.append(self._conv(op))
            case Lookup() if op.result.type.is_byte:
                self._copy(op.x, self.name(op), BufferStore(self.make(op.result), op.table.array))
            case Lookup():
                self._float_lookup(op)
            case Concat():
                self._concat(op)
            case Resize() | Pad():
                schedule_move(op, self)
            case Conv() | OnnxOp():
                floats.schedule(op, self)
            case _:
                raise CompileError(f"internal error: {op.kind} %{op.result.name} has no kernel")

    def name(self, op: Op) -> str:
        """A kernel name that no other kernel has."""
        plain = name = _kernel_name(op)
        number = 1
        while name in self.names:
            number += 1
            name = f"{plain}.{number}"
        self.names.add(name)
        return name

    def frame(self, op: Op) -> tuple[str, tuple[int, int, int], int, list[Store]]:
        """Name, shape, words and stores of a kernel that makes the result of `op`."""
        value = op.result
        if value.type.segments is not None:
            view = self.make(value)
            return self.name(op), pixel_shape(value.type), view.words, [BufferStore(view)]
        stores: list[Store] = [WordStore(output) for output in self.output_names(op)]
        if not stores or self.users.get(value):
            stores.append(BufferStore(self.make(value)))
        return self.name(op), (1, 1, 1), value.type.size, stores

    def _copy(self, x: Value, name: str, store: Store) -> None:
        """A copy of all of `x` to a store."""
        shape, words = pixel_shape(x.type), x.type.words
        self.kernels.append(CopyKernel(name, shape, words, [store], source=self.source(x)))

    def output_names(self, op: Op) -> list[str]:
        """The graph outputs that the result of `op` is."""
        pairs = zip(self.graph.output_names, self.graph.outputs, strict=True)
        return [name for name, output in pairs if output is op.result]

    def _float_lookup(self, op: Lookup) -> None:
        """Floats by table into graph outputs, and into a buffer where an op reads them."""
        places: list[tuple[str, View | None]] = [(name, None) for name in self.output_names(op)]
        if not places or self.users.get(op.result):
            places.append(("", self.make(op.result)))
        channels = channels_of_lanes(op.x.type)
        for output, view in places:
            store = OutputStore(output, op.table.array, channels, op.x.type.channels, view)
            self._copy(op.x, self.name(op), store)

    def _concat(self, op: Concat) -> None:
        """Every operand into its slice of the result: words of a pixel, or a run of elements."""
        whole, first = self.make(op.result), 0
        if op.result.type.segments is not None:
            for x in op.xs:
                store = BufferStore(whole.slice(first, x.type.words))
                self._copy(x, self.name(op), store)
                first += x.type.words
            return
        rows = math.prod(op.result.type.shape[: op.axis])
        length = op.result.type.size // max(rows, 1)
        for x in op.xs:
            width = x.type.size // max(rows, 1)
            target = View(whole.buffer, rows, width, length, first)
            source = self._in_arena(x)
            source = View(source.buffer, rows, width, width, source.first)
            kernel = CopyKernel(self.name(op), (rows, 1, 1), width, [BufferStore(target)], source=source)
            self.kernels.append(kernel)
            first += width
        outputs: list[Store] = [WordStore(output) for output in self.output_names(op)]
        if outputs:
            size = op.result.type.size
            kernel = CopyKernel(self.name(op), (1, 1, 1), size, outputs, source=self.view(op.result))
            self.kernels.append(kernel)

    def _in_arena(self, value: Value) -> View:
        """The words of a row-major operand; of a graph input or a constant a copy is made."""
        if not self.holds(value):
            copy = Value(f"{value.name}.copy", value.type)
            schedule_move(Move(copy, value), self)
            self.views[value] = self.view(copy)
        return self.view(value)

    def _quantize(self, op: QuantizeByThresholds) -> QuantizeKernel:
        quantization = op.result.type.quantization
        assert quantization is not None
        return QuantizeKernel(
            *self.frame(op),
            input="" if self.holds(op.x) else op.x.name,
            source=self.view(op.x) if self.holds(op.x) else None,
            channels=channels_of_lanes(op.result.type),
            thresholds=op.thresholds.array,
            scale=quantization.scale,
            zero_point=quantization.zero_point,
            result=op.result.name.removesuffix(".packed"),
        )

    def _unpack(self, op: Unpack, output: str) -> UnpackKernel:
        return UnpackKernel(
            self.name(op),
            pixel_shape(op.x.type),
            op.x.type.words,
            [],
            source=self.view(op.x),
            output=output,
            channels=channels_of_lanes(op.x.type),
            flip=0x80 if op.result.type.dtype == "u8" else 0,
        )

    def _conv(self, op: PackedConv) -> ConvKernel:
        type_, zero_point = op.result.type, op.weight_zero_point
        assert op.bias is not None
        name, shape, words, stores = self.frame(op)
        if not type_.is_byte:
            shape, words = (
                pixel_shape(replace(type_, segments=(type_.shape[1],))),
                len(op.weight.array),
            )
        grouped = 1 if op.depthwise else words // op.group
        x_type, bias, given = _as_image(op.x.type), op.bias.array, op.x_zero_point
        sums = None if op.weight_sums is None else op.weight_sums.array
        if given is not None and given.data is not None:
            assert sums is not None
            zero = int(given.array.reshape(-1)[0])
            bias = wrap_i32(bias.astype(np.int64) - zero * sums.astype(np.int64))
            sums = None
            x_type = replace(x_type, quantization=Quantization(1.0, zero))
        elif given is not None:
            x_type = replace(x_type, quantization=Quantization(1.0, 0))
        return ConvKernel(
            name,
            shape,
            words,
            stores,
            source=self.view(op.x),
            zero_source=None if given is None or sums is None else self.view(given),
            weight_sums=sums,
            x_type=x_type,
            weight=op.weight.array,
            bias=bias,
            multiplier=op.multiplier.array,
            weight_zero_point=None if zero_point is None else zero_point.array,
            zero_point=0 if type_.quantization is None else type_.quantization.zero_point,
            out_channels=type_.channels,
            strides=op.strides,
            pads=op.pads,
            dilations=op.dilations,
            upsample=op.upsample,
            float_reference=op.float_reference,
            made=MADE[type_.dtype],
            group=op.group,
            depthwise=op.depthwise,
            tile=choose_tile(shape, grouped, op.upsample[1]),
        )


def spread_outputs(program: Program) -> None:
    """Rule 7, in place."""
    kernels: list[Kernel] = []
    for kernel in program.kernels:
        kernels.append(kernel)
        outputs = [store for store in kernel.stores if isinstance(store, WordStore)]
        free = STORAGE_BUFFERS - WEIGHTS - len(inputs_read(kernel))
        if len(outputs) + any(True for _ in touches(kernel)) > free:
            kernels += _copies(program, kernel, outputs[free - 1 :])  # one for the arena
    program.kernels = kernels


def _copies(program: Program, kernel: Kernel, outputs: list[WordStore]) -> Iterator[CopyKernel]:
    """Kernels that store `outputs` in the place of `kernel`, from a buffer that it stores."""
    kept = [store for store in kernel.stores if store not in outputs]
    views = [store.view for store in kept if isinstance(store, BufferStore)]
    if not views:
        size = output_words(program.outputs[outputs[0].output])
        views = [View(Buffer(kernel.name, size), 1, size, size)]
        kept.append(BufferStore(views[0]))
    kernel.stores = kept
    batch = STORAGE_BUFFERS - WEIGHTS - 1
    for first in range(0, len(outputs), batch):
        name, some = f"{kernel.name}.outputs{first // batch}", outputs[first : first + batch]
        yield CopyKernel(name, (1, 1, 1), views[0].words, list(some), source=views[0])


def choose_tile(shape: tuple[int, int, int], words: int, factor: int) -> Tile:
    """Tile of a convolution with result [N, H, W], that many output words a pixel, upsampled by
    `factor` along x.

    The pixels of a tile are whole groups of upsampled ones, so that source columns stand at fixed
    distances from the tile's first; at most an eighth of the width is computed in vain. Two words
    a tile where the rows are long; few pixels want many invocations.
    """
    batch, height, width = shape
    pixels = factor
    while pixels * 2 <= TILE_PIXELS and -width % (pixels * 2) * 8 <= width:
        pixels *= 2
    tiles = batch * height * -(-width // pixels)
    lanes = 1
    while lanes < WORKGROUP // 2 and lanes < tiles:
        lanes *= 2
    wide = words % 2 == 0 and pixels >= TILE_PIXELS
    return Tile(pixels, 2 if wide else 1, (lanes, WORKGROUP // lanes))


def _as_image(type_: TensorType) -> TensorType:
    """The type of [N,C,W] as the picture of one row [N,C,1,W]."""
    if len(type_.shape) == 4:
        return type_
    batch, channels, width = type_.shape
    return replace(type_, shape=(batch, channels, 1, width))


def _kernel_name(op: Op) -> str:
    """A short name: the ONNX tensor's, without what exporters and quantizers append."""
    name = op.result.name
    if isinstance(op, PackedConv):
        name = op.weight.name.removesuffix(".packed")
    for suffix in (".packed", ".unpacked", "_QuantizeLinear_Output", "_quantized", ".weight"):
        name = name.removesuffix(suffix)
    return name
