"""Emits WGSL and weights for a Program, from the jinja2 templates in templates/.

What a kernel computes is said in its template and nowhere else. The template sees the structure
(taps, tile, kinds of stores); sizes and offsets are pipeline-overridable constants, in words, so
that kernels of one structure share one shader. `generate` returns everything that the artifact
holds but the self-test, which `artifact.py` adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic import float_order
from ..errors import CompileError
from ..ir.limits import WORKGROUPS
from ..ir.program import (
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
    WordStore,
    fills,
    output_words,
    outputs_filled,
)
from ..ir.types import Array
from ..lowering.shader import Constants, Json, Shader, byte_word, start_of
from ..operators.base import FamilyKernel
from ..operators.convolution.tile import emit_convolution
from .limits import check_limits
from .templating import render_template

WORKGROUP = 64
SNIPPETS = {
    "dot": {"packed": "dot_packed.wgsl", "emulated": "dot_emulated.wgsl"},
    "requantize": {"fast": "requantize_fast.wgsl", "integer": "requantize_integer.wgsl"},
}
PROBE_SHADER = "probe_requantize.wgsl"


@dataclass(frozen=True)
class Picture:
    """A graph input given as RGBA bytes: value = byte * scale + offset, in f64, rounded to f32."""

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


def generate(program: Program, pictures: dict[str, Picture]) -> Code:
    """Shaders, weights and kernel records of an allocated program; `pictures` by input name."""
    constants = Constants()
    code = Code([], {}, {}, np.zeros(0, np.uint32))
    for index, kernel in enumerate(program.kernels):
        code.kernels.append(_emit(code, constants, program, kernel))
        if isinstance(kernel, QuantizeKernel) and kernel.input in pictures:
            picture = pictures[kernel.input]
            code.pictures[kernel.input] = {
                "scale": picture.scale,
                "offset": picture.offset,
                "replaces": index,
                "kernel": _emit(code, constants, program, kernel, picture),
            }
    check_limits(code.kernels + [picture["kernel"] for picture in code.pictures.values()])
    for variants in SNIPPETS.values():
        for name in variants.values():
            code.shaders[name] = render_template(name, {})
    code.shaders[PROBE_SHADER] = render_template(PROBE_SHADER, {})
    code.weights = constants.words()
    return code


def _emit(
    code: Code,
    weights: Constants,
    program: Program,
    kernel: Kernel,
    picture: Picture | None = None,
) -> Json:
    """Renders one kernel into `code.shaders` and returns its record."""
    shader = Shader(weights)
    op = "picture" if picture else kernel.op
    structure, invocations, workgroup = _structure(shader, program, kernel, picture)
    stores = [_store(shader, program, kernel, n, store) for n, store in enumerate(kernel.stores)]
    structure |= {
        "bindings": shader.bindings,
        "constants": [{"name": n, "type": kind} for n, (kind, _) in shader.constants.items()],
        "stores": stores,
        "byte_tables": bool(picture) or any(store["kind"] == "table" for store in stores),
        "title": _title(kernel, op),
    }
    return {
        "name": kernel.name,
        "op": op,
        "shader": _file(code, op, render_template(f"{op}.wgsl", structure)),
        "constants": {name: value for name, (_, value) in shader.constants.items()},
        "uses": kernel.uses,
        "workgroups": [-(-invocations[i] // workgroup[i]) for i in (0, 1)] + [1],
        "bindings": [
            {"binding": b["number"], "buffer": b["buffer"], "access": b["access"]} for b in shader.bindings
        ],
        "stores": _written(program, kernel),
        "macs": kernel.macs,
    }


def _file(code: Code, op: str, text: str) -> str:
    """The file that holds `text`: an earlier one where a kernel has the same structure."""
    number = 1
    name = f"{op}.wgsl"
    while code.shaders.get(name, text) != text:
        number += 1
        name = f"{op}_{number}.wgsl"
    code.shaders[name] = text
    return name


def _written(program: Program, kernel: Kernel) -> list[Json]:
    """The words that a kernel writes: of the arena, and of graph outputs that it fills alone."""
    written: list[Json] = [
        {
            "buffer": "arena",
            "offset": start_of(view),
            "rows": view.pixels,
            "pitch": view.pitch,
            "width": view.words,
        }
        for view in fills(kernel)
    ]
    for output in outputs_filled(kernel):
        words = output_words(program.outputs[output])
        whole = {"offset": 0, "rows": 1, "pitch": words, "width": words}
        written.append({"buffer": f"output:{output}"} | whole)
    return written


TITLES = {
    "quantize": "row-major floats to packed int8, by thresholds",
    "picture": "RGBA bytes to packed int8, by a table",
    "pack": "row-major bytes to packed int8",
    "unpack": "packed int8 to row-major bytes",
    "copy": "words as they are",
}


def _title(kernel: Kernel, op: str) -> str:
    if isinstance(kernel, FamilyKernel):
        return kernel.title()
    if isinstance(kernel, ConvKernel):
        return kernel.title()
    return f"{op}: {TITLES[op]}"


def _store(shader: Shader, program: Program, kernel: Kernel, number: int, store: Store) -> Json:
    """What the template needs of one store; its constants carry its number."""
    if isinstance(store, WordStore):
        return {"output": _output(shader, program, store.output), "kind": "words"}
    if isinstance(store, OutputStore):
        plane = kernel.shape[1] * kernel.shape[2]
        suffix = str(number)
        shader.define(suffix=suffix, plane=plane, image=plane * store.total)
        shader.define(suffix=suffix, table=shader.table(store.table))
        base = 0
        if store.view is not None:
            output, base = shader.arena(), start_of(store.view)
        else:
            output = _output(shader, program, store.output)
        if base:
            shader.define(suffix=suffix, base=base)
        lanes = _float_lanes(shader, suffix, store.channels)
        return {"output": output, "kind": "floats", "based": bool(base), **lanes}
    view = store.view
    shader.arena()
    shader.define(suffix=str(number), offset=start_of(view), pitch=view.pitch)
    if store.table is not None:
        shader.define(suffix=str(number), table=shader.table(store.table))
    return {"output": "", "kind": "table" if store.table is not None else "packed"}


def _float_lanes(shader: Shader, suffix: str, channels: tuple[int, ...]) -> Json:
    """Which channel each lane is: told one by one of a single word, in order, or by a table."""
    if len(channels) == 4:
        return {"lanes": "single", "channels": list(channels)}
    real = _real(channels)
    if channels[:real] == tuple(range(real)):
        shader.define(suffix=suffix, channels=real)
        return {"lanes": "in order"}
    shader.define(suffix=suffix, channels_at=shader.table(np.array(channels, np.int32)))
    return {"lanes": "table"}


def _output(shader: Shader, program: Program, output: str) -> str:
    """Bound as words: a float's bits are stored as they are, so no device can flush a subnormal."""
    number = list(program.outputs).index(output)
    return shader.bind(f"output{number}", f"output:{output}", "read_write", "u32")


def _structure(
    shader: Shader, program: Program, kernel: Kernel, picture: Picture | None
) -> tuple[Json, tuple[int, int], tuple[int, int]]:
    """Template structure, invocations (x, y) and workgroup size of a kernel."""
    count = kernel.pixels * kernel.words
    match kernel:
        case ConvKernel():
            return emit_convolution(shader, kernel)
        case QuantizeKernel() if picture is not None:
            structure = _picture(shader, kernel, picture)
            count = kernel.pixels
        case QuantizeKernel():
            structure = _quantize(shader, kernel)
        case PackKernel():
            structure = _pack(shader, kernel)
        case FamilyKernel():
            structure = kernel.emit(shader)
            count = structure.pop("invocations", count)
        case CopyKernel():
            structure = _copy(shader, kernel)
        case UnpackKernel():
            structure = _unpack(shader, program, kernel)
            count = output_words(program.outputs[kernel.output])
        case _:
            raise CompileError(f"internal error: {kernel.op} has no template")
    groups = -(-count // WORKGROUP)
    rows = -(-groups // WORKGROUPS)
    row_length = -(-groups // rows) * WORKGROUP
    shader.define(row_length=row_length, pixels=kernel.pixels, words=kernel.words)
    return structure | {"workgroup": WORKGROUP}, (row_length, rows), (WORKGROUP, 1)


def _real(channels: tuple[int, ...]) -> int:
    """How many lanes hold a channel."""
    return sum(channel >= 0 for channel in channels)


def _define_planes(shader: Shader, kernel: Kernel, channels: int) -> None:
    """Strides of a row-major tensor [N,C,H,W]."""
    plane = kernel.shape[1] * kernel.shape[2]
    shader.define(plane=plane, image=plane * channels)


def _picture(shader: Shader, kernel: QuantizeKernel, picture: Picture) -> Json:
    keys = float_order(picture.values())
    table = (np.searchsorted(kernel.thresholds, keys, side="right") - 128).astype(np.int8)
    mask = sum(0xFF << (8 * lane) for lane in range(4) if kernel.channels[lane] >= 0)
    shader.bind("picture", f"image:{kernel.input}", "read", "u32")
    padding = byte_word(kernel.zero_point) & ~mask & 0xFFFFFFFF
    shader.define(levels=shader.table(table), mask=mask, padding=padding)
    return {}


def _quantize(shader: Shader, kernel: QuantizeKernel) -> Json:
    name, base = shader.operand(kernel.source or kernel.input)
    real = _real(kernel.channels)
    _define_planes(shader, kernel, real)
    shader.define(thresholds=shader.table(kernel.thresholds), padding=kernel.zero_point & 0xFF)
    guess = 1e-30 < kernel.scale < 1e30
    if guess:
        inverse = float(np.float32(1 / kernel.scale))
        shader.define("f32", inverse_scale=inverse, level_offset=kernel.zero_point + 128.5)
    if base:
        shader.define(base=base)
    return {
        "input": name,
        "based": bool(base),
        "guess": guess,
        "real_lanes": real - (kernel.words - 1) * 4,
        "single_word": kernel.words == 1,
    }


def _pack(shader: Shader, kernel: PackKernel) -> Json:
    name, _ = shader.operand(kernel.input)
    _define_planes(shader, kernel, _real(kernel.channels))
    shader.define(channels=_real(kernel.channels), flip=kernel.flip)
    return {"input": name}


def _copy(shader: Shader, kernel: CopyKernel) -> Json:
    name, start = shader.operand(kernel.source)
    pitch = kernel.source.pitch if isinstance(kernel.source, View) else kernel.words
    shader.define(source=start, source_pitch=pitch)
    return {"source_name": name}


def _unpack(shader: Shader, program: Program, kernel: UnpackKernel) -> Json:
    shader.arena()
    real = [lane for lane, channel in enumerate(kernel.channels) if channel >= 0]
    scattered = real != list(range(len(real)))
    _define_planes(shader, kernel, len(real))
    shader.define(source=start_of(kernel.source), source_pitch=kernel.source.pitch)
    shader.define(channels=len(real), flip=kernel.flip)
    shader.define(
        output_words=output_words(program.outputs[kernel.output]),
        output_bytes=kernel.pixels * len(real),
    )
    if scattered:
        shader.define(lanes_at=shader.table(np.array(real, np.int32)))
    return {"scattered": scattered, "output": _output(shader, program, kernel.output)}
