"""The passes of a resize in WGSL, by another compiler of it than browsers have, against runtime_py."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import wgpu
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.compiler.backend.codegen import RESIZE
from onnx2wgsl.compiler.backend.templating import render_template
from onnx2wgsl.runtime_py.pictures import FITS, fitted, placement, taps

from .gpu import device
from .profiles import examples

PAD = (7, 99, 201, 255)
SIDES = st.one_of(st.integers(1, 9), st.integers(1, 120))
SIZES = st.tuples(SIDES, SIDES)
Words = NDArray[np.uint32]


@cache
def pipeline(holder: str) -> Any:
    code = render_template("resize.wgsl", {"texture": holder == "texture"})
    module = device().create_shader_module(code=code)
    return device().create_compute_pipeline(layout="auto", compute={"module": module, "entry_point": "main"})


def storage(data: NDArray[Any]) -> Any:
    usage = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC
    return device().create_buffer_with_data(data=np.ascontiguousarray(data), usage=usage)


def texture(picture: NDArray[np.uint8]) -> Any:
    height, width, _ = picture.shape
    usage = wgpu.TextureUsage.TEXTURE_BINDING | wgpu.TextureUsage.COPY_DST
    result = device().create_texture(size=(width, height, 1), format="rgba8unorm", usage=usage)
    layout = {"bytes_per_row": 4 * width, "rows_per_image": height}
    device().queue.write_texture({"texture": result}, picture, layout, (width, height, 1))
    return result.create_view()


def plan(head: list[int], first: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.int32]:
    """The words of `Plan` in the shader; `head` as far as the pitch."""
    pad = sum(byte << (8 * k) for k, byte in enumerate(PAD))
    words = np.array([*head, weights.shape[1], pad], np.int64).astype(np.uint32).view(np.int32)
    return np.concatenate([words, np.column_stack([first, weights]).astype(np.int32).ravel()])


def on_device(picture: NDArray[np.uint8], size: tuple[int, int], fit: Any, holder: str) -> NDArray[np.uint8]:
    """Both passes, as runtime_js/pictures.js runs them."""
    (height, width, _), (w, h) = picture.shape, size
    place = placement(width, height, w, h, fit)
    left, top, right, bottom = place.box
    x, y, columns, lines = place.target
    across, (first, weights) = taps(width, left, right, columns), taps(height, top, bottom, lines)
    begin = int(first[0])
    rows = min(height, int(first[-1]) + weights.shape[1]) - begin
    band, target = (storage(np.zeros(count, np.uint32)) for count in (columns * rows, w * h))
    source = texture(picture) if holder == "texture" else {"buffer": storage(picture)}
    encoder = device().create_command_encoder()
    compute = encoder.begin_compute_pass()
    passes = [
        (holder, plan([columns, rows, 0, 0, columns, rows, 1, 0, 0, begin, width], *across), band, source),
        (
            "buffer",
            plan([w, h, x, y, columns, lines, 0, 1, 0, 0, columns], first - begin, weights),
            target,
            {"buffer": band},
        ),
    ]
    for (kind, words, result, origin), (wide, high) in zip(passes, ((columns, rows), size), strict=True):
        resources = [{"buffer": storage(words)}, {"buffer": result}, origin]
        entries = [{"binding": k, "resource": resource} for k, resource in enumerate(resources)]
        group = device().create_bind_group(layout=pipeline(kind).get_bind_group_layout(0), entries=entries)
        compute.set_pipeline(pipeline(kind))
        compute.set_bind_group(0, group)
        compute.dispatch_workgroups(-(-wide // 8), -(-high // 8))
    compute.end()
    device().queue.submit([encoder.finish()])
    return np.frombuffer(device().queue.read_buffer(target), np.uint8).reshape(h, w, 4)


@pytest.mark.parametrize("holder", RESIZE)
@examples(60)
@given(source=SIZES, size=SIZES, fit=st.sampled_from(FITS), seed=st.integers(0, 2**32 - 1))
def test_it_gives_the_bits_of_the_runtime_in_python(
    holder: str, source: tuple[int, int], size: tuple[int, int], fit: Any, seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (source[1], source[0], 4), np.uint8)
    assert np.array_equal(on_device(picture, size, fit, holder), fitted(picture, *size, fit, PAD))
