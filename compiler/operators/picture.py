"""Graph inputs that are given as pictures: RGBA bytes to the packed bytes of a quantize or pack kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..ir.types import Array
from ..lowering.shader import Json, Shader, byte_word
from .base import FamilyKernel


@dataclass(eq=False)
class PictureKernel(FamilyKernel):
    """RGBA bytes to packed s8, by a table of `tables` s8 [C, 256] for each channel of the tensor; takes the
    place of the kernel that packs a graph input where it is given as the picture `image`.

    channels: of the tensor's packed axis, by lane, -1 where a lane is padding, which gets `padding`.
    order: the place in RGBA of each channel's byte. channels_last: the tensor is [1, H, W, C].
    """

    kind = "picture"
    byte_tables = True
    image: str = field(kw_only=True)
    channels: tuple[int, ...] = field(kw_only=True)
    tables: Array = field(kw_only=True)
    order: tuple[int, ...] = field(kw_only=True)
    channels_last: bool = field(kw_only=True)
    padding: int = field(kw_only=True)

    @classmethod
    def of(
        cls,
        kernel: Any,
        image: str,
        tables: Array,
        order: tuple[int, ...],
        channels_last: bool,
        padding: int,
    ) -> PictureKernel:
        """In the place of a `kernel` that packs a graph input."""
        return cls(
            kernel.name,
            kernel.shape,
            kernel.words,
            kernel.stores,
            image=image,
            channels=kernel.channels,
            tables=tables,
            order=order,
            channels_last=channels_last,
            padding=padding,
        )

    def title(self) -> str:
        return "picture: RGBA bytes to packed int8, by tables"

    def emit(self, shader: Shader) -> Json:
        shader.bind("picture", f"image:{self.image}", "read", "u32")
        colors, real = len(self.tables), sum(channel >= 0 for channel in self.channels)
        if self._is_plain:
            mask = sum(0xFF << (8 * lane) for lane in range(real))
            padding = byte_word(self.padding) & ~mask & 0xFFFFFFFF
            shader.define(levels=shader.table(self.tables[0]), mask=mask, padding=padding)
            return {"invocations": self.pixels, "plain": True}
        shader.define_planes(self.shape, real)
        shifts = sum(8 * place << (8 * color) for color, place in enumerate(self.order))
        shader.define(levels=shader.table(self.tables), padding=self.padding & 0xFF, channels=real)
        if self.channels_last:
            shader.define(order=shifts, colors=colors)
        else:
            shader.define(order=shifts, area=self._area)
        return {"plain": False, "channels_last": self.channels_last}

    @property
    def _is_plain(self) -> bool:
        """Whether a word of the picture is, by one table, a word of the result."""
        in_order = self.order == tuple(range(len(self.order))) and not self.channels_last
        by_pixel = self.words == 1 and self.shape[1] * self.shape[2] == self._area
        return in_order and by_pixel and bool((self.tables == self.tables[0]).all())

    @property
    def _area(self) -> int:
        """Pixels of the picture."""
        elements = self.pixels * sum(channel >= 0 for channel in self.channels)
        return elements // len(self.tables)
