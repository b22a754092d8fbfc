"""Shows a picture at any size as the page does: a cubic B-spline in linear light, then sharpening.

The WGSL is the page's own, runtime_js/display_shader.js.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import wgpu
from numpy.typing import NDArray
from onnx2wgsl.runtime_py.adapters import open_device
from onnx2wgsl.runtime_py.errors import from_gpu
from onnx2wgsl.runtime_py.process import uninterrupted

Picture = NDArray[np.uint8]

SHARPNESS = 0.5
"""The page's, where a visitor moves no slider."""
_ROW = 256
"""Bytes that rows of a copy begin at multiples of."""
_PICTURE, _TARGET = "rgba8unorm-srgb", "rgba8unorm"


def shader() -> str:
    """The WGSL between the backquotes of the page's module."""
    text = resources.files("onnx2wgsl.runtime_js").joinpath("display_shader.js").read_text("utf-8")
    return text.partition("`")[2].rpartition("`")[0]


class Display:
    """Makes pictures u8[size,size,3] of pictures u8[side,side,3]; what it needs is made once."""

    def __init__(self, adapter: Any, side: int, size: int, sharpness: float = SHARPNESS) -> None:
        self._device = open_device(adapter, {})
        self._side, self._size = side, size
        self._pitch = -(-4 * size // _ROW) * _ROW
        self._rgba = np.full((side, side, 4), 255, np.uint8)
        try:
            self._make(sharpness)
        except wgpu.GPUError as error:
            raise from_gpu(error, "the display") from None

    def _make(self, sharpness: float) -> None:
        device, usage = self._device, wgpu.TextureUsage
        self._picture = device.create_texture(
            size=(self._side, self._side, 1), format=_PICTURE, usage=usage.TEXTURE_BINDING | usage.COPY_DST
        )
        self._target = device.create_texture(
            size=(self._size, self._size, 1), format=_TARGET, usage=usage.RENDER_ATTACHMENT | usage.COPY_SRC
        )
        look = np.array([self._size, self._size, sharpness, 0], np.float32)
        module = device.create_shader_module(label="display", code=shader())
        self._pipeline = device.create_render_pipeline(
            layout="auto",
            vertex={"module": module, "entry_point": "corner"},
            fragment={"module": module, "entry_point": "bicubic", "targets": [{"format": _TARGET}]},
            primitive={"topology": "triangle-list"},
        )
        bound = (
            self._picture.create_view(),
            device.create_sampler(mag_filter="linear", min_filter="linear"),
            {"buffer": device.create_buffer_with_data(data=look, usage=wgpu.BufferUsage.UNIFORM)},
        )
        self._group = device.create_bind_group(
            layout=self._pipeline.get_bind_group_layout(0),
            entries=[{"binding": i, "resource": resource} for i, resource in enumerate(bound)],
        )
        self._readback = device.create_buffer(
            size=self._pitch * self._size, usage=wgpu.BufferUsage.MAP_READ | wgpu.BufferUsage.COPY_DST
        )

    def shown(self, picture: Picture) -> Picture:
        """The picture u8[side,side,3] as u8[size,size,3]."""
        self._rgba[..., :3] = picture
        try:
            rows = self._run()
        except (wgpu.GPUError, RuntimeError) as error:
            raise from_gpu(error, "the display") from None
        pixels = rows.reshape(self._size, self._pitch)[:, : 4 * self._size]
        return np.ascontiguousarray(pixels.reshape(self._size, self._size, 4)[..., :3])

    @uninterrupted()
    def _run(self) -> Picture:
        """The rows of the target, each `pitch` bytes, in a row."""
        side, size = (self._side, self._side, 1), (self._size, self._size, 1)
        queue = self._device.queue
        queue.write_texture({"texture": self._picture}, self._rgba, {"bytes_per_row": 4 * self._side}, side)
        encoder = self._device.create_command_encoder()
        attachment = {"view": self._target.create_view(), "load_op": "clear", "store_op": "store"}
        draw = encoder.begin_render_pass(color_attachments=[attachment])
        draw.set_pipeline(self._pipeline)
        draw.set_bind_group(0, self._group)
        draw.draw(3)
        draw.end()
        target = {"buffer": self._readback, "bytes_per_row": self._pitch}
        encoder.copy_texture_to_buffer({"texture": self._target}, target, size)
        queue.submit([encoder.finish()])
        self._readback.map_sync("READ")
        try:
            return np.frombuffer(self._readback.read_mapped(), np.uint8)
        finally:
            self._readback.unmap()
