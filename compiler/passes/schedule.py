"""Turns the packed graph into a Program: a kernel for each op, a buffer for each value.

Rules:
1. `packed_conv`, `quantize_by_thresholds`, `pack` and `unpack` become the kernel of that name.
2. `lookup`, `resize`, `pad` and each operand of `concat` become a `copy`; place_concat then
   removes those that move no pixel.
3. The tile of a convolution is chosen from its size: pixels along x while they divide the width
   well, and workgroups that spread over output channels where there are few pixels.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..arithmetic import pad_indices
from ..errors import CompileError
from ..ir import (
    Concat,
    Graph,
    Lookup,
    Op,
    Pack,
    PackedConv,
    Pad,
    QuantizeByThresholds,
    Resize,
    Unpack,
    Value,
    physical_channels,
)
from ..program import (
    Buffer,
    BufferStore,
    ConvKernel,
    CopyKernel,
    Kernel,
    OutputStore,
    PackKernel,
    Program,
    QuantizeKernel,
    Store,
    Tile,
    UnpackKernel,
    View,
)
from .canonicalize import resize_source

TILE_PIXELS = 8
WORKGROUP = 32


@dataclass(frozen=True)
class Schedule:
    """Graph to Program."""

    name: ClassVar[str] = "schedule"

    def apply(self, graph: Graph) -> Program:
        """A program whose buffers have no place yet."""
        return _Scheduler(graph).program()


class _Scheduler:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.views: dict[Value, View] = {}
        self.kernels: list[Kernel] = []
        self.names: set[str] = set()

    def program(self) -> Program:
        graph = self.graph
        for op in graph.ops:
            self.schedule(op)
        return Program(
            graph.name,
            {value.name: value.type for value in graph.inputs},
            {
                name: value.type
                for name, value in zip(graph.output_names, graph.outputs, strict=True)
            },
            self.kernels,
        )

    def make(self, value: Value) -> View:
        """A buffer of its own for a packed value."""
        batch, _, height, width = value.type.shape
        pixels, words = batch * height * width, value.type.words
        name = value.name.removesuffix(".packed")
        self.views[value] = View(Buffer(name, pixels * words), pixels, words, words)
        return self.views[value]

    def schedule(self, op: Op) -> None:
        match op:
            case QuantizeByThresholds():
                self.kernels.append(self._quantize(op))
            case Pack():
                flip = 0x80 if op.x.type.dtype == "u8" else 0
                channels, frame = _channels(op.result), self._frame(op)
                kernel = PackKernel(*frame, input=op.x.name, channels=channels, flip=flip)
                self.kernels.append(kernel)
            case Unpack():
                self.kernels += [self._unpack(op, output) for output in self._output_names(op)]
            case PackedConv():
                self.kernels.append(self._conv(op))
            case Lookup() if op.result.type.is_byte:
                self._copy(op.x, self._name(op), BufferStore(self.make(op.result), op.table.array))
            case Lookup():
                for output in self._output_names(op):
                    floats = OutputStore(output, op.table.array, _channels(op.x))
                    self._copy(op.x, self._name(op), floats)
            case Concat():
                first, whole = 0, self.make(op.result)
                for x in op.xs:
                    store = BufferStore(whole.slice(first, x.type.words))
                    self._copy(x, self._name(op), store)
                    first += x.type.words
            case Resize() | Pad():
                self.kernels.append(self._moved(op))
            case _:
                raise CompileError(f"internal error: {op.kind} %{op.result.name} has no kernel")

    def _name(self, op: Op) -> str:
        """A kernel name that no other kernel has."""
        plain = name = _kernel_name(op)
        number = 1
        while name in self.names:
            number += 1
            name = f"{plain}.{number}"
        self.names.add(name)
        return name

    def _frame(self, op: Op) -> tuple[str, tuple[int, int, int], int, list[Store]]:
        """Name, shape, words and store of a kernel that fills the buffer of its result."""
        view = self.make(op.result)
        return self._name(op), _pixel_shape(op.result), view.words, [BufferStore(view)]

    def _copy(self, x: Value, name: str, store: Store) -> None:
        """A copy of all of `x` to a store."""
        shape, words = _pixel_shape(x), x.type.words
        self.kernels.append(CopyKernel(name, shape, words, [store], source=self.views[x]))

    def _output_names(self, op: Op) -> list[str]:
        """The graph outputs that the result of `op` is."""
        pairs = zip(self.graph.output_names, self.graph.outputs, strict=True)
        return [name for name, output in pairs if output is op.result]

    def _quantize(self, op: QuantizeByThresholds) -> QuantizeKernel:
        quantization = op.result.type.quantization
        assert quantization is not None
        return QuantizeKernel(
            *self._frame(op),
            input=op.x.name,
            channels=_channels(op.result),
            thresholds=op.thresholds.array,
            scale=quantization.scale,
            zero_point=quantization.zero_point,
        )

    def _unpack(self, op: Unpack, output: str) -> UnpackKernel:
        return UnpackKernel(
            self._name(op),
            _pixel_shape(op.x),
            op.x.type.words,
            [],
            source=self.views[op.x],
            output=output,
            channels=_channels(op.x),
            flip=0x80 if op.result.type.dtype == "u8" else 0,
        )

    def _moved(self, op: Resize | Pad) -> CopyKernel:
        height, width = op.x.type.shape[2:]
        if isinstance(op, Resize):
            rows, columns = resize_source(op, 0), resize_source(op, 1)
            fill = 0
        else:
            rows = pad_indices(height, op.pads[0], op.pads[2], op.mode)
            columns = pad_indices(width, op.pads[1], op.pads[3], op.mode)
            fill = int(op.value)
        return CopyKernel(
            *self._frame(op),
            source=self.views[op.x],
            source_shape=(height, width),
            rows=rows,
            columns=columns,
            fill=fill,
        )

    def _conv(self, op: PackedConv) -> ConvKernel:
        quantization = op.result.type.quantization
        assert quantization is not None
        assert op.bias is not None
        zero_point = op.weight_zero_point
        return ConvKernel(
            *self._frame(op),
            source=self.views[op.x],
            x_type=op.x.type,
            weight=op.weight.array,
            bias=op.bias.array,
            multiplier=op.multiplier.array,
            weight_zero_point=None if zero_point is None else zero_point.array,
            zero_point=quantization.zero_point,
            out_channels=op.result.type.shape[1],
            strides=op.strides,
            pads=op.pads,
            dilations=op.dilations,
            upsample=op.upsample,
            tile=choose_tile(_pixel_shape(op.result), op.result.type.words, op.upsample[1]),
        )


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


def _pixel_shape(value: Value) -> tuple[int, int, int]:
    batch, _, height, width = value.type.shape
    return batch, height, width


def _channels(value: Value) -> tuple[int, ...]:
    assert value.type.segments is not None
    return tuple(physical_channels(value.type.segments))


def _kernel_name(op: Op) -> str:
    """A short name: the ONNX tensor's, without what exporters and quantizers append."""
    name = op.result.name
    if isinstance(op, PackedConv):
        name = op.weight.name.removesuffix(".packed")
    for suffix in (".packed", ".unpacked", "_QuantizeLinear_Output", "_quantized", ".weight"):
        name = name.removesuffix(suffix)
    return name
