"""Emits WGSL and weights for a Program: one shader a kernel, from the jinja2 templates in templates/.

Templates get plain numbers, all offsets in words; what a kernel computes is said there and nowhere
else. `generate` returns everything that the artifact holds but the self-test, which `artifact.py`
adds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jinja2
import numpy as np

from .errors import CompileError
from .ir import Array, TensorType, physical_channels
from .program import (
    BufferStore,
    ConvKernel,
    CopyKernel,
    Kernel,
    OutputStore,
    PackKernel,
    Program,
    QuantizeKernel,
    UnpackKernel,
    output_words,
    outputs_filled,
)

WORKGROUP = 64
MAX_WORKGROUPS = 65535
"""WebGPU's default maxComputeWorkgroupsPerDimension."""
SNIPPETS = {
    "dot": {"packed": "dot_packed.wgsl", "emulated": "dot_emulated.wgsl"},
    "requantize": {"fast": "requantize_fast.wgsl", "integer": "requantize_integer.wgsl"},
}
PROBE_SHADER = "probe_requantize.wgsl"
Json = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A graph input given as RGBA bytes: value = byte * scale + offset, evaluated in f64 and rounded
    to f32.
    """

    scale: float
    offset: float

    def values(self) -> Array:
        """The f32 of each byte."""
        return (np.arange(256, dtype=np.float64) * self.scale + self.offset).astype(np.float32)


@dataclass
class Code:
    """Kernels as model.json has them, shader texts by file name, the words of weights.bin."""

    kernels: list[Json]
    pictures: dict[str, Json]
    shaders: dict[str, str]
    weights: Array


class Constants:
    """weights.bin: sections of words on 16-byte boundaries; equal ones are kept once."""

    def __init__(self) -> None:
        self._sections: list[Array] = []
        self._offsets: dict[bytes, int] = {}
        self._size = 0

    def add(self, data: Array) -> int:
        """Word offset of `data`, an array of bytes or of 4-byte elements."""
        raw = np.ascontiguousarray(data).tobytes()
        raw += bytes(-len(raw) % 16)
        key = hashlib.sha256(raw).digest()
        if key not in self._offsets:
            self._offsets[key] = self._size
            self._sections.append(np.frombuffer(raw, "<u4"))
            self._size += len(raw) // 4
        return self._offsets[key]

    def words(self) -> Array:
        """All sections in a row; never empty, since WebGPU has no empty binding."""
        return np.concatenate([*self._sections, np.zeros(0 if self._sections else 4, "<u4")])


@dataclass
class _Shader:
    """One kernel on its way to text: the bindings it needs, in order of first request."""

    constants: Constants
    bindings: list[Json] = field(default_factory=list)

    def bind(self, name: str, buffer: str, access: str, type_: str) -> str:
        """The WGSL name of a buffer, bound once."""
        for binding in self.bindings:
            if binding["name"] == name:
                return name
        number = len(self.bindings)
        self.bindings.append(
            {"number": number, "name": name, "buffer": buffer, "access": access, "type": type_}
        )
        return name

    def arena(self) -> str:
        return self.bind("arena", "arena", "read_write", "u32")

    def table(self, data: Array) -> int:
        """Offset of a table, which the shader reads word by word."""
        self.bind("tables", "weights", "read", "u32")
        return self.constants.add(data)

    def vectors(self, data: Array) -> int:
        """Offset in vec4 of an array that the shader reads four words at a time."""
        self.bind("weights", "weights", "read", "vec4u")
        return self.constants.add(data) // 4


def generate(program: Program, pictures: dict[str, Picture]) -> Code:
    """Shaders, weights and kernel records of an allocated program; `pictures` by input name."""
    constants = Constants()
    code = Code([], {}, {}, np.zeros(0, np.uint32))
    for index, kernel in enumerate(program.kernels):
        record = _emit(code, constants, program, kernel, f"{index:02d}_{kernel.op}.wgsl")
        code.kernels.append(record)
        if isinstance(kernel, QuantizeKernel) and kernel.input in pictures:
            picture = pictures[kernel.input]
            name = f"{index:02d}_picture.wgsl"
            alternative = _emit(code, constants, program, kernel, name, picture)
            code.pictures[kernel.input] = {
                "scale": picture.scale,
                "offset": picture.offset,
                "replaces": index,
                "kernel": alternative,
            }
    for variants in SNIPPETS.values():
        for name in variants.values():
            code.shaders[name] = render_template(name, {})
    code.shaders[PROBE_SHADER] = render_template(PROBE_SHADER, {})
    code.weights = constants.words()
    return code


def _emit(
    code: Code,
    constants: Constants,
    program: Program,
    kernel: Kernel,
    file: str,
    picture: Picture | None = None,
) -> Json:
    """Renders one kernel into `code.shaders` and returns its record."""
    shader = _Shader(constants)
    context, invocations, workgroup = _context(shader, program, kernel, picture)
    stores = [_store(shader, program, kernel, store) for store in kernel.stores]
    template = "picture" if picture else kernel.op
    uses = ["dot", "requantize"] if isinstance(kernel, ConvKernel) else []
    context |= {
        "bindings": shader.bindings,
        "stores": stores,
        "byte_tables": bool(picture)
        or any(not s["output"] and s["table"] is not None for s in stores),
        "pack": isinstance(kernel, ConvKernel),
        "title": _title(program, kernel, picture),
    }
    code.shaders[file] = render_template(f"{template}.wgsl", context)
    return {
        "name": kernel.name,
        "op": template,
        "shader": file,
        "uses": uses,
        "workgroups": [-(-invocations[i] // workgroup[i]) for i in (0, 1)] + [1],
        "bindings": [
            {"binding": b["number"], "buffer": b["buffer"], "access": b["access"]}
            for b in shader.bindings
        ],
        "stores": _written(program, kernel),
        "macs": kernel.macs,
    }


def _written(program: Program, kernel: Kernel) -> list[Json]:
    """The words that a kernel writes: of the arena, and of graph outputs that it fills alone."""
    written: list[Json] = [
        {
            "buffer": "arena",
            "offset": (store.view.buffer.offset or 0) + store.view.first,
            "rows": store.view.pixels,
            "pitch": store.view.pitch,
            "width": store.view.words,
        }
        for store in kernel.stores
        if isinstance(store, BufferStore)
    ]
    for output in outputs_filled(program, kernel):
        words = output_words(program.outputs[output])
        whole = {"offset": 0, "rows": 1, "pitch": words, "width": words}
        written.append({"buffer": f"output:{output}"} | whole)
    return written


def _title(program: Program, kernel: Kernel, picture: Picture | None) -> str:
    height, width = kernel.shape[1:]
    if isinstance(kernel, ConvKernel):
        _, channels, rows, columns = kernel.x_type.shape
        upsample = (
            ""
            if kernel.upsample == (1, 1)
            else f", upsampled {kernel.upsample[0]}x{kernel.upsample[1]}"
        )
        detail = (
            f"convolution {kernel.kernel_size[0]}x{kernel.kernel_size[1]}, "
            f"{channels} channels of {rows}x{columns}{upsample} -> {kernel.out_channels} of {height}x{width}"
        )
    else:
        detail = f"{'picture' if picture else kernel.op}, {height}x{width}"
    name = "".join(c if c.isprintable() else "?" for c in f"{program.name}: {kernel.name}")
    return f"{name}, {detail}"


def _store(shader: _Shader, program: Program, kernel: Kernel, store: Any) -> Json:
    """What the template needs of one store."""
    if isinstance(store, OutputStore):
        channels = program.outputs[store.output].shape[1]
        plane = kernel.shape[1] * kernel.shape[2]
        return {
            "output": _output(shader, program, store.output, "f32"),
            "table": shader.table(store.table),
            "channels": list(store.channels),
            "plane": plane,
            "image": plane * channels,
        }
    view = store.view
    shader.arena()
    return {
        "output": "",
        "table": None if store.table is None else shader.table(store.table),
        "offset": (view.buffer.offset or 0) + view.first,
        "pitch": view.pitch,
    }


def _output(shader: _Shader, program: Program, output: str, type_: str) -> str:
    number = list(program.outputs).index(output)
    return shader.bind(f"output{number}", f"output:{output}", "read_write", type_)


def _byte_word(value: int) -> int:
    """A word of four equal bytes."""
    return (value & 0xFF) * 0x01010101


def _context(
    shader: _Shader, program: Program, kernel: Kernel, picture: Picture | None
) -> tuple[Json, tuple[int, int], tuple[int, int]]:
    """Template context, invocations (x, y) and workgroup size of a kernel."""
    match kernel:
        case ConvKernel():
            return _conv_context(shader, kernel)
        case QuantizeKernel() if picture is not None:
            context = _picture_context(shader, kernel, picture)
            count = kernel.pixels
        case QuantizeKernel():
            context = _quantize_context(shader, kernel)
            count = kernel.pixels * kernel.words
        case PackKernel():
            shader.bind("input", f"input:{kernel.input}", "read", "u32")
            real = sum(channel >= 0 for channel in kernel.channels)
            context = {"channel_count": real, "flip": kernel.flip}
            count = kernel.pixels * kernel.words
        case CopyKernel():
            context = _copy_context(shader, kernel)
            count = kernel.pixels * kernel.words
        case UnpackKernel():
            context = _unpack_context(shader, program, kernel)
            count = context["output_words"]
        case _:
            raise CompileError(f"internal error: {kernel.op} has no template")
    groups = -(-count // WORKGROUP)
    rows = -(-groups // MAX_WORKGROUPS)
    row_length = -(-groups // rows) * WORKGROUP
    plane = kernel.shape[1] * kernel.shape[2]
    channels = sum(channel >= 0 for channel in getattr(kernel, "channels", ()))
    common = {
        "row_length": row_length,
        "pixel_count": kernel.pixels,
        "words": kernel.words,
        "plane": plane,
        "image": plane * channels,
        "height": kernel.shape[1],
        "width": kernel.shape[2],
    }
    return common | context, (row_length, rows), (WORKGROUP, 1)


def _picture_context(shader: _Shader, kernel: QuantizeKernel, picture: Picture) -> Json:
    from .arithmetic import float_order

    keys = float_order(picture.values())
    table = (np.searchsorted(kernel.thresholds, keys, side="right") - 128).astype(np.int8)
    real = [channel >= 0 for channel in kernel.channels]
    mask = sum(0xFF << (8 * lane) for lane in range(4) if real[lane])
    shader.bind("picture", f"image:{kernel.input}", "read", "u32")
    padding = _byte_word(kernel.zero_point) & ~mask & 0xFFFFFFFF
    return {"table": shader.table(table), "mask": mask, "padding": padding}


def _quantize_context(shader: _Shader, kernel: QuantizeKernel) -> Json:
    shader.bind("input", f"input:{kernel.input}", "read", "u32")
    real = sum(channel >= 0 for channel in kernel.channels)
    return {
        "thresholds": shader.table(kernel.thresholds),
        "guess": 1e-30 < kernel.scale < 1e30,
        "inverse": f"{np.float32(1 / kernel.scale)!s}f",
        "offset": f"{kernel.zero_point + 128.5}f",
        "real_lanes": real - (kernel.words - 1) * 4,
        "padding": kernel.zero_point & 0xFF,
    }


def _copy_context(shader: _Shader, kernel: CopyKernel) -> Json:
    shader.arena()
    height, width = kernel.source_shape
    context = {
        "source": (kernel.source.buffer.offset or 0) + kernel.source.first,
        "source_pitch": kernel.source.pitch,
        "source_height": height,
        "source_width": width,
        "padding": _byte_word(kernel.fill),
        "rows": None,
    }
    if kernel.rows is not None and kernel.columns is not None:
        context["rows"] = shader.table(kernel.rows.astype(np.int32))
        context["columns"] = shader.table(kernel.columns.astype(np.int32))
    return context


def _unpack_context(shader: _Shader, program: Program, kernel: UnpackKernel) -> Json:
    shader.arena()
    real = [lane for lane, channel in enumerate(kernel.channels) if channel >= 0]
    in_order = real == list(range(len(real)))
    size = kernel.pixels * len(real)
    return {
        "source": (kernel.source.buffer.offset or 0) + kernel.source.first,
        "source_pitch": kernel.source.pitch,
        "lanes": None if in_order else shader.table(np.array(real, np.int32)),
        "channel_count": len(real),
        "flip": kernel.flip,
        "output": _output(shader, program, kernel.output, "u32"),
        "output_words": -(-size // 4),
        "output_bytes": size,
    }


@dataclass(frozen=True)
class _Column:
    """A source column that a tile's windows touch, relative to the tile's first.

    Guarded where it may lie outside.
    """

    number: int
    offset: int
    guarded: bool


def _conv_context(
    shader: _Shader, kernel: ConvKernel
) -> tuple[Json, tuple[int, int], tuple[int, int]]:
    tile, (kernel_h, kernel_w) = kernel.tile, kernel.kernel_size
    batch, height, width = kernel.shape
    _, _, source_height, source_width = kernel.x_type.shape
    top, left, _, _ = kernel.pads
    row_tiles = -(-width // tile.pixels)
    tiles = batch * height * row_tiles
    columns, taps = _columns(kernel, row_tiles)
    last_row = (height - 1) * kernel.strides[0] + (kernel_h - 1) * kernel.dilations[0] - top
    shader.arena()
    quantization = kernel.x_type.quantization
    assert quantization is not None
    context: Json = {
        "workgroup": tile.workgroup,
        "pixels": range(tile.pixels),
        "q_words": tile.words,
        "tiles": tiles,
        "row_tiles": row_tiles,
        "words": kernel.words,
        "height": height,
        "width": width,
        "ragged": row_tiles * tile.pixels != width,
        "source": (kernel.source.buffer.offset or 0) + kernel.source.first,
        "source_pitch": kernel.source.pitch,
        "source_height": source_height,
        "source_width": source_width,
        "in_words": kernel.source.words,
        "kernel": (kernel_h, kernel_w),
        "strides": kernel.strides,
        "pads": kernel.pads,
        "dilations": kernel.dilations,
        "upsample": kernel.upsample,
        "columns": columns,
        "taps": taps,
        "rows_guarded": top > 0 or last_row >= source_height * kernel.upsample[0],
        "padding": _byte_word(quantization.zero_point),
        "weights": shader.vectors(kernel.weight),
        "bias": shader.vectors(kernel.bias),
        "multiplier": shader.vectors(kernel.multiplier.astype(np.float32)),
        "zero_point": kernel.zero_point,
        "weight_zero_point": None,
    }
    if kernel.weight_zero_point is not None:
        context |= _window_context(shader, kernel, quantization.zero_point)
    word_tiles = -(-kernel.words // tile.words)
    return context, (tiles, word_tiles), tile.workgroup


def _columns(kernel: ConvKernel, row_tiles: int) -> tuple[list[_Column], list[list[int]]]:
    """The columns of a tile, and for pixel p and tap kx the number of its column."""
    tile, kernel_w = kernel.tile, kernel.kernel_size[1]
    stride, factor = kernel.strides[1], kernel.upsample[1]
    width = kernel.x_type.shape[3]
    offsets = [
        [
            (p * stride + kx * kernel.dilations[1] - kernel.pads[1]) // factor
            for kx in range(kernel_w)
        ]
        for p in range(tile.pixels)
    ]
    ordered = sorted({offset for row in offsets for offset in row})
    last_tile = (row_tiles - 1) * tile.pixels * stride // factor
    columns = [_Column(n, o, o < 0 or last_tile + o >= width) for n, o in enumerate(ordered)]
    return columns, [[ordered.index(offset) for offset in row] for row in offsets]


def _window_context(shader: _Shader, kernel: ConvKernel, zero_point: int) -> Json:
    """What the sum over the window needs, where weights have zero points."""
    assert kernel.weight_zero_point is not None
    type_: TensorType = kernel.x_type
    assert type_.segments is not None
    real = np.array([channel >= 0 for channel in physical_channels(type_.segments)], np.uint8)
    kernel_h, kernel_w = kernel.kernel_size
    return {
        "weight_zero_point": shader.vectors(kernel.weight_zero_point),
        "ones": None if real.all() else shader.table(real),
        "window_offset": zero_point * int(real.sum()) * kernel_h * kernel_w,
    }


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the output is WGSL
    )


def render_template(name: str, context: Json) -> str:
    """The text of a template; an error in it names the file and line."""
    try:
        return _environment().get_template(f"{name}.j2").render(context)
    except jinja2.TemplateSyntaxError as error:
        raise CompileError(f"internal error: {error.filename}:{error.lineno}: {error}") from error
    except jinja2.TemplateError as error:
        raise CompileError(f"internal error: template {name}: {error}") from error
