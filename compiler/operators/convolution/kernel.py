"""The kernel of a convolution, and of a matrix product with constant weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...arithmetic import blocks, requantize
from ...ir.layout import physical_channels
from ...ir.program import View
from ...ir.types import Array, TensorType
from ...lowering.memory import Memory
from ...lowering.shader import Json, Shader, byte_word, start_of
from ..base import FamilyKernel, Grid
from .tile import Column, Tile, columns_of
from .window import IntegerWindow


@dataclass(eq=False)
class ConvKernel(IntegerWindow, FamilyKernel):
    """Convolution; operands as in `PackedConv`.

    `zero_source`: a byte, the zero point of x where it is computed; then the sum of the weights of
    each lane, `weight_sums` i32 [4 * OW], is taken that many times from each sum.
    `elements`: what becomes of a sum (`sums.ELEMENTS`). `flat`: all pixels, those of x too, are one
    row of one picture, whatever `shape` is. `group`: groups whose channels are whole words of their
    own; `depthwise`: every channel by itself, `weight` then i32 [OW, KH, 1, KW, 4].
    """

    source: View = field(kw_only=True)
    kind = "conv"
    x_type: TensorType = field(kw_only=True)
    weight: Array = field(kw_only=True)
    bias: Array = field(kw_only=True)
    multiplier: Array = field(kw_only=True)
    weight_zero_point: Array | None = None
    zero_point: int = 0
    out_channels: int = 0
    zero_source: View | None = None
    weight_sums: Array | None = None
    elements: str = "bytes"
    flat: bool = False
    depthwise: bool = False
    tile: Tile = field(default_factory=Tile)

    @property
    def template(self) -> str:
        return "conv_depthwise" if self.depthwise else "conv"

    @property
    def uses(self) -> list[str]:
        dot = [] if self.depthwise else ["dot"]
        return dot + (["requantize"] if self.elements == "bytes" else [])

    @property
    def picture(self) -> tuple[int, int, int]:
        """Batch, height and width that are tiled."""
        return (1, 1, self.pixels) if self.flat else self.shape

    @property
    def kernel_size(self) -> tuple[int, int]:
        return int(self.weight.shape[1]), int(self.weight.shape[3])

    @property
    def macs(self) -> int:
        """Multiplications of the logical convolution, padding lanes left out."""
        kernel_h, kernel_w = self.kernel_size
        channels = self.x_type.shape[1] // self.group
        return self.pixels * self.out_channels * channels * kernel_h * kernel_w

    def title(self) -> str:
        factor = self.upsample[1]
        return (
            f"conv {self.kernel_size[0]}x{self.kernel_size[1]}, stride {self.strides[1]}"
            + (f", upsampled {factor} times" if factor > 1 else "")
            + (", of a transposed one" if self.float_reference else "")
            + (", depthwise" if self.depthwise else f", {self.group} groups" * (self.group > 1))
            + f", tiles of {self.tile.pixels} pixels x {self.tile.words * 4} channels"
        )

    # ------------------------------------------------------------------------------ simulation

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del inputs
        total, multiplier = self._sums(memory), self.multiplier.reshape(-1, 1, 1)
        if self.elements == "bytes":
            levels = np.empty(total.shape, np.uint8)
            for some in blocks(total.shape[1], self.pixels):
                sums, factors = total[:, some], multiplier[some]
                levels[:, some] = requantize(sums, factors, self.zero_point, (-128, 127)).astype(np.uint8)
            return np.moveaxis(levels, 1, -1).reshape(self.pixels, -1)
        if self.elements == "floats":
            total = (total.astype(np.float32) * multiplier).view(np.int32)
        image = np.moveaxis(total[:, : self.out_channels], 1, -1)
        image = image.reshape(self.shape[0], -1, self.out_channels)
        return np.moveaxis(image, -1, 1).reshape(-1).view(np.uint32)

    def _sums(self, memory: Memory) -> Array:
        """i32 [N, 4 * OW, H, W]."""
        batch, _, height, width = self.x_type.shape
        lanes = memory.read(self.source).view(np.int8)
        x = np.moveaxis(lanes.reshape(batch, height, width, -1), -1, 1).astype(np.int16)
        zero_point = self._zero_point(memory)
        weight = self._physical_weights()
        group = len(weight) if self.depthwise else self.group
        sums = self.sums(x, weight, zero_point, group)  # i32 that wraps, from here on as well
        sums += self.bias.reshape(-1, 1, 1)
        if self.weight_sums is not None:
            sums -= zero_point * self.weight_sums.reshape(-1, 1, 1)
        if self.weight_zero_point is not None:
            assert self.x_type.segments is not None
            real = np.array(physical_channels(self.x_type.segments)) >= 0
            ones = real.reshape(group, -1, 1, 1) * np.ones((1, 1, *weight.shape[2:]), np.int16)
            window = self.sums(x - np.int16(zero_point), ones, 0, group)
            window = window.repeat(len(weight) // group, 1)
            sums -= window * self.weight_zero_point.reshape(-1, 1, 1)
        return sums

    def _zero_point(self, memory: Memory) -> int:
        """The zero point of x, of its type or computed."""
        if self.zero_source is not None:
            return int(memory.read(self.zero_source).view(np.int8)[0, 0])
        return self._constant_zero_point

    @property
    def _constant_zero_point(self) -> int:
        assert self.x_type.quantization is not None
        return self.x_type.quantization.zero_point

    def _physical_weights(self) -> Array:
        """Integers [4 * OW, 4 * CW, KH, KW] from packed words [OW, KH, CW, KW, 4]; CW words of a group."""
        words = self.weight
        if self.depthwise:  # [OW, KH, 1, KW, 4], one integer a weight
            return np.moveaxis(words, -1, 1)[:, :, :, 0].reshape(-1, 1, *self.kernel_size)
        lanes = np.ascontiguousarray(words.astype("<u4"))[..., None].view(np.int8)
        out_words, kernel_h, in_words, kernel_w = words.shape[:4]
        channels_first = lanes.transpose(0, 4, 2, 5, 1, 3)
        return channels_first.reshape(out_words * 4, in_words * 4, kernel_h, kernel_w)

    # ------------------------------------------------------------------------------ shader

    def emit(self, shader: Shader) -> Json:
        tile = self.tile
        assert self.words % tile.words == 0, "a tile's words must divide the result's"
        assert not self.depthwise or tile.words == 1, "a depthwise tile has one input word, its own"
        batch, height, width = self.picture
        row_tiles = -(-width // tile.pixels)
        tiles = batch * height * row_tiles
        shader.arena()
        shader.define(tiles=tiles, row_tiles=row_tiles)
        shader.define(lanes=tile.workgroup[0], groups=tile.workgroup[1])
        shader.define(words=self.words, height=height, width=width)
        self._define_source(shader)
        self._define_sums(shader)
        structure = self._structure(row_tiles)
        if self.weight_zero_point is not None:
            structure |= self._window(shader, self.weight_zero_point)
        return structure | {"grid": Grid((tiles, -(-self.words // tile.words)), tile.workgroup)}

    def _define_source(self, shader: Shader) -> None:
        """Where x lies, its size, and what padding reads."""
        _, _, height, width = self.x_type.shape
        shader.define(source=start_of(self.source), pitch=self.source.pitch)
        shader.define(source_height=height, source_width=width)
        shader.define(in_words=self.weight.shape[2])
        if self.zero_source is None:
            shader.define(padding=byte_word(self._constant_zero_point))
            return
        assert self.weight_sums is not None
        shader.define(zero_at=start_of(self.zero_source))
        shader.define(weight_sums_at=shader.vectors(self.weight_sums))

    def _define_sums(self, shader: Shader) -> None:
        """Weights, and what makes elements of sums."""
        if self.elements == "bytes":
            shader.define("i32", zero_point=self.zero_point)
        else:
            shader.define(plane=self.shape[1] * self.shape[2], channels=self.out_channels)
        shader.define(weights_at=shader.vectors(self.weight), bias_at=shader.vectors(self.bias))
        if self.elements != "integers":
            shader.define(multiplier_at=shader.vectors(self.multiplier.astype(np.float32)))
        if self._has_groups:
            shader.define(group_words=self.words // self.group)

    def _structure(self, row_tiles: int) -> Json:
        """What the template unrolls."""
        kernel_h, kernel_w = self.kernel_size
        columns, taps = self._columns(row_tiles)
        last_row = (self.picture[1] - 1) * self.strides[0] + (kernel_h - 1) * self.dilations[0]
        rows = self.x_type.shape[2] * self.upsample[0]
        return {
            "pixels": range(self.tile.pixels),
            "q_words": self.tile.words,
            "kernel_height": kernel_h,
            "kernel_width": kernel_w,
            "stride_y": self.strides[0],
            "stride": self.strides[1],
            "dilation_y": self.dilations[0],
            "pad_top": self.pads[0],
            "upsample_y": self.upsample[0],
            "upsample": self.upsample[1],
            "columns": columns,
            "taps": taps,
            "rows_guarded": self.pads[0] > 0 or last_row - self.pads[0] >= rows,
            "window": False,
            "elements": self.elements,
            "first": " + first" if self._has_groups else "",
            "computed": self.zero_source is not None,
        }

    @property
    def _has_groups(self) -> bool:
        """Whether the channels of x are read by groups of whole words."""
        return self.group > 1 and not self.depthwise

    def _columns(self, row_tiles: int) -> tuple[list[Column], list[list[int]]]:
        stride, factor = self.strides[1], self.upsample[1]
        last = (row_tiles - 1) * self.tile.pixels * stride // factor
        return columns_of(
            self.tile.pixels,
            self.kernel_size[1],
            stride,
            self.dilations[1],
            self.pads[1],
            factor,
            last,
            self.x_type.shape[3],
        )

    def _window(self, shader: Shader, weight_zero_point: Array) -> Json:
        """What the sum over the window needs, where weights have zero points."""
        assert self.x_type.segments is not None
        real = np.array([c >= 0 for c in physical_channels(self.x_type.segments)], np.uint8)
        kernel_h, kernel_w = self.kernel_size
        channels = int(real.sum()) // self.group
        if self.zero_source is None:
            shader.define("i32", window_offset=self._constant_zero_point * channels * kernel_h * kernel_w)
        else:
            shader.define("i32", window_size=channels * kernel_h * kernel_w)
        shader.define(weight_zero_point_at=shader.vectors(weight_zero_point))
        if not real.all():
            shader.define(ones_at=shader.table(real))
        return {"window": True, "masked": not real.all()}
