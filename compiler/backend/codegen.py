"""Emits WGSL and weights for a Program, from the jinja2 templates in templates/.

What a kernel computes is said in its template and nowhere else. The template sees the structure
(taps, tile, kinds of stores); sizes and offsets are pipeline-overridable constants, in words, so
that kernels of one structure share one shader. `generate` returns everything that the artifact
holds but the self-test, which `self_test.py` makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..ir.limits import WORKGROUPS
from ..ir.program import Kernel, OutputStore, Program, Store, WordStore, fills, output_words, outputs_filled
from ..ir.types import Array
from ..lowering.shader import Constants, Json, Shader, start_of
from ..operators.base import FamilyKernel, Grid
from .limits import check_limits
from .pictures import Picture, picture_front
from .templating import render_template, render_text

WORKGROUP = 64
SCHEDULE = ("shader", "constants", "uses", "workgroups")
"""What schedules of a kernel differ in."""
SNIPPETS = {
    "dot": {"packed": "dot_packed.wgsl", "emulated": "dot_emulated.wgsl"},
    "requantize": {"fast": "requantize_fast.wgsl", "integer": "requantize_integer.wgsl"},
}
PROBE_SHADER = "probe_requantize.wgsl"
RESIZE = {"buffer": "resize_buffer.wgsl", "texture": "resize_texture.wgsl"}
"""The passes that bring pictures to an input's size, by what holds their source."""

RARE = (SNIPPETS["dot"]["emulated"], SNIPPETS["requantize"]["integer"], *RESIZE.values())
"""What few devices or pictures need, as schedules do: a page loads these shaders when it does."""


@dataclass
class Code:
    """Kernels as model.json has them, shader texts by file name, the words of the weights.

    `stores`: what each kernel writes, and what a kernel that reads a picture does in its place. `files`: the
    file of each shader text, by template.
    """

    kernels: list[Json]
    pictures: dict[str, Json]
    shaders: dict[str, str]
    weights: Array
    stores: list[list[Json]] = field(default_factory=list)
    files: dict[str, dict[str, str]] = field(default_factory=dict)

    def rare(self) -> set[str]:
        """The shaders that few devices or pictures need."""
        return {*RARE, *(one["shader"] for one in self.schedules())}

    def all_kernels(self) -> list[Json]:
        """The kernels, then those that read pictures."""
        return self.kernels + [picture["kernel"] for picture in self.pictures.values()]

    def schedules(self) -> list[Json]:
        """The other schedules of all kernels, as records of kernels."""
        return [one | other for one in self.all_kernels() for other in one.get("schedules", {}).values()]


def generate(program: Program, pictures: dict[str, Picture]) -> Code:
    """Shaders, weights and kernel records of an allocated program; `pictures` by input name."""
    constants = Constants()
    code = Code([], {}, {}, np.zeros(0, np.uint32))
    fronts = {front.packer: (name, front) for name in pictures if (front := picture_front(program, name))}
    for index, kernel in enumerate(program.kernels):
        assert isinstance(kernel, FamilyKernel), f"{kernel.kind} is no kernel of a family"
        code.kernels.append(_emit(code, constants, program, kernel))
        code.stores.append(_stores(program, kernel))
        if index not in fronts:
            continue
        name, front = fronts[index]
        picture = pictures[name]
        reals = front.reals(picture.values())
        instead = kernel.of_picture(name, reals, picture.order, picture.channels_last)
        if instead is not None:
            assert _stores(program, instead) == code.stores[index]
            code.pictures[name] = {
                "size": list(picture.size(program.inputs[name])),
                "channels": picture.channels,
                "scale": list(picture.scale),
                "offset": list(picture.offset),
                "fit": picture.fit,
                "pad": list(picture.pad),
                "resize": RESIZE,
                "replaces": index,
                **({"skips": list(front.skips)} if front.skips else {}),
                "kernel": _emit(code, constants, program, instead),
            }
    check_limits(code.all_kernels() + code.schedules())
    for variants in SNIPPETS.values():
        for name in variants.values():
            code.shaders[name] = render_template(name, {})
    code.shaders[PROBE_SHADER] = render_template(PROBE_SHADER, {})
    if code.pictures:
        for source, name in RESIZE.items():
            code.shaders[name] = render_template("resize.wgsl", {"texture": source == "texture"})
    code.weights = constants.words()
    return code


def _emit(code: Code, weights: Constants, program: Program, kernel: FamilyKernel) -> Json:
    """Renders a kernel and its schedules into `code.shaders` and returns its record."""
    record = _record(code, weights, program, kernel)
    schedules = {}
    for variant, schedule in kernel.schedules().items():
        other = _record(code, weights, program, schedule)
        assert other["bindings"] == record["bindings"], f"{kernel.name}, {variant}"
        schedules[variant] = {key: other[key] for key in SCHEDULE}
    return record | ({"schedules": schedules} if schedules else {})


def _record(code: Code, weights: Constants, program: Program, kernel: FamilyKernel) -> Json:
    shader = Shader(weights)
    structure, invocations, workgroup = _structure(shader, kernel)
    stores = [_store(shader, program, kernel, n, store) for n, store in enumerate(kernel.stores)]
    structure |= {
        "bindings": shader.bindings,
        "constants": [{"name": n, "type": kind} for n, (kind, _) in shader.constants.items()],
        "stores": stores,
        "byte_tables": kernel.byte_tables or any(store["kind"] == "table" for store in stores),
        "title": kernel.title(),
    }
    return {
        "name": kernel.name,
        "op": kernel.template,
        "shader": _file(code, kernel.template, _text(kernel, structure)),
        "constants": {name: value for name, (_, value) in shader.constants.items()},
        "uses": kernel.uses,
        "workgroups": [-(-invocations[i] // workgroup[i]) for i in (0, 1)] + [1],
        "bindings": [
            {"binding": b["number"], "buffer": b["buffer"], "access": b["access"]} for b in shader.bindings
        ],
    }


def _text(kernel: FamilyKernel, structure: Json) -> str:
    """The shader of a kernel, from its own template or that of its name."""
    if kernel.template_text:
        return render_text(kernel.template_text, structure)
    return render_template(f"{kernel.template}.wgsl", structure)


def _file(code: Code, template: str, text: str) -> str:
    """The file that holds `text`: an earlier one where a kernel has the same structure."""
    files = code.files.setdefault(template, {})
    if text not in files:
        files[text] = f"{template}_{len(files) + 1}.wgsl" if files else f"{template}.wgsl"
        code.shaders[files[text]] = text
    return files[text]


def _stores(program: Program, kernel: Kernel) -> list[Json]:
    """The words that a kernel writes: of the arena, and of graph outputs that it fills alone."""
    rows: list[Json] = [
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
        rows.append({"buffer": f"output:{output}"} | whole)
    return rows


def _store(shader: Shader, program: Program, kernel: Kernel, number: int, store: Store) -> Json:
    """What the template needs of one store; its constants carry its number."""
    if isinstance(store, WordStore):
        return {"output": _output(shader, program, store.output), "kind": "words"}
    if isinstance(store, OutputStore):
        suffix = str(number)
        shader.define_planes(kernel.shape, store.total, suffix)
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
    real = sum(channel >= 0 for channel in channels)
    if channels[:real] == tuple(range(real)):
        shader.define(suffix=suffix, channels=real)
        return {"lanes": "in order"}
    shader.define(suffix=suffix, channels_at=shader.table(np.array(channels, np.int32)))
    return {"lanes": "table"}


def _output(shader: Shader, program: Program, output: str) -> str:
    """Bound as words: a float's bits are stored as they are, so no device can flush a subnormal."""
    number = list(program.outputs).index(output)
    return shader.bind(f"output{number}", f"output:{output}", "read_write", "u32")


def _structure(shader: Shader, kernel: FamilyKernel) -> tuple[Json, tuple[int, int], tuple[int, int]]:
    """Template structure, invocations (x, y) and workgroup size of a kernel."""
    structure = kernel.emit(shader)
    grid: Grid | None = structure.pop("grid", None)
    if grid is not None:
        return structure, grid.invocations, grid.workgroup
    count = structure.pop("invocations", kernel.pixels * kernel.words)
    groups = -(-count // WORKGROUP)
    rows = -(-groups // WORKGROUPS)
    row_length = -(-groups // rows) * WORKGROUP
    shader.define(row_length=row_length, pixels=kernel.pixels, words=kernel.words)
    return structure | {"workgroup": WORKGROUP}, (row_length, rows), (WORKGROUP, 1)
