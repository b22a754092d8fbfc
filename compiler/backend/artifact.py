"""Writes the artifact: model.json, weights, shaders, test vectors, the JS runtime, types, a bundle. Its form
is docs/artifact.md.

The same program gives the same bytes. The folder appears whole or not at all. model.json has the SHA-256 of
what runtimes load, and its own; files.json that of every file, for who writes to the folder next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CompileError
from ..folders.manifest import LIMIT, SEAL, record, seal, sha256
from ..folders.writer import write_folder
from ..ir.program import Program
from ..ir.types import NUMPY_DTYPES, TensorType
from ..lowering.shader import Json
from ..reference.oracle import Oracle
from .codegen import PROBE_SHADER, SNIPPETS, Code, generate
from .model_types import model_types
from .names import MANIFEST, MODEL, PARTS, TYPES, bundle_name, scripts_and_page
from .pictures import Picture, picture_inputs, picture_output
from .self_test import Progress, no_self_test, probe_cases, self_test

FORMAT_VERSION = 5
PICTURE_HEADS = {".png": rb"\x89PNG", ".jpg": rb"\xff\xd8\xff", ".webp": rb"RIFF....WEBP", ".bmp": rb"BM"}
"""How files of pictures begin."""
SAMPLE_BYTES = 1 << 24
"""As many as a sample may have."""
_BUNDLE_MAGIC = b"onnx2wgsl\0\0\0"
# A line of a shader that is a comment, or the end of one that is.
_COMMENT = re.compile(r"[ \t]*//.*")
# Blanks that part nothing: around an operator between two operands, but for `<` and `>`, which may also be
# those of a template; and beside a bracket or comma.
_OPERATOR = re.compile(r"(?<=[\w)\]]) ([-+*/%&|^!=]+) (?=[\w(])")
_BLANK = re.compile(r" ?([,;:(){}\[\]]) ?")
_CONSTANT = re.compile(r"\boverride (\w+)")
_WORD = re.compile(r"(?<![.\w])[A-Za-z_]\w*")
"""But for members, which stand behind a point."""


@dataclass(frozen=True)
class ArtifactFiles:
    """An artifact in memory. `model`: model.json without its hash. `parts`: what runtimes
    load, by the member of model.json that records it, name and bytes. `others`: all else, by name; `bundle`:
    the name of the bundle, empty where there is none.
    """

    model: Json
    parts: Mapping[str, tuple[str, bytes]]
    others: Mapping[str, bytes]
    bundle: str = ""

    def bundled(self) -> bytes:
        """The bundle: all that a runtime needs."""
        model = {key: value for key, value in self.model.items() if key not in ("sample", "onnx")}
        sealed = _sealed(model)
        head = _BUNDLE_MAGIC + len(sealed).to_bytes(4, "little")
        return b"".join([head, sealed, *(self.parts[key][1] for key in PARTS)])

    def write(self, folder: Path, force: bool = False) -> Json:
        """Writes the folder and returns the content of model.json; raises CompileError where it can't be."""
        text = _sealed(self.model)
        files = dict(self.others) | dict(self.parts.values()) | {MODEL: text}
        if self.bundle:
            files[self.bundle] = self.bundled()
        records = [record(name, data) for name, data in sorted(files.items())]
        manifest = seal({"format": "onnx2wgsl", "files": records})
        write_folder(folder, files | {MANIFEST: manifest}, MANIFEST, force)
        return self.model | {"sha256": sha256(text.rpartition(SEAL)[0])}


def write_artifact(program: Program, folder: Path, *, force: bool = False, **options: Any) -> Json:
    """Writes `program` to `folder` and returns the content of model.json.

    `options` are those of `make_artifact`, `force` is that of `write_folder`. Raises CompileError where the
    folder can't be written, and what `make_artifact` raises.
    """
    return make_artifact(program, **options).write(folder, force)


def make_artifact(
    program: Program,
    *,
    source: Path,
    pictures: Mapping[str, Picture] | None = None,
    labels: Sequence[str] = (),
    sample: bytes = b"",
    oracle: Oracle | None = None,
    with_self_test: bool = True,
    with_bundle: bool = False,
    onnx: bytes = b"",
    progress: Progress | None = None,
) -> ArtifactFiles:
    """The artifact of `program`.

    `source` is the model's file, recorded by name and SHA-256; `pictures` overrides the
    normalisation of picture inputs; `labels` are the names of its classes, `sample` is a picture's file to
    show it on; `oracle` says what the self-test's outputs must be, else the simulator does; `with_bundle`:
    whether all that a runtime needs is written into one more file; `onnx` is the model itself in one file,
    for where there is no WebGPU, and no part of the bundle; `progress` is told what is being done. Raises
    CompileError where the program's outputs are others.
    """
    normalisations = picture_inputs(program) | dict(pictures or {})
    code = generate(program, normalisations)
    cases = probe_cases(program)
    test = (
        self_test(program, normalisations, oracle, progress)
        if with_self_test
        else no_self_test(program, normalisations)
    )
    test |= {"stores": code.stores, "macs": [kernel.macs for kernel in program.kernels]}
    seldom = code.rare()
    rare = {name: text for name, text in code.shaders.items() if name in seldom}
    usual = {name: text for name, text in code.shaders.items() if name not in rare}
    parts = {
        "shaders": _named("shaders", "txt", _sections(usual)),
        "rare_shaders": _named("rare_shaders", "txt", _sections(rare)),
        "self_test": _named("self_test", "json", json.dumps(test, separators=(",", ":")).encode()),
        "weights": _named("weights", "bin", np.append(code.weights, cases).astype("<u4").tobytes()),
    }
    if onnx:
        parts["onnx"] = _named("model", "onnx", onnx)
    inputs = _inputs(program, code)
    for kernel in code.all_kernels():
        for schedule in (kernel, *kernel.get("schedules", {}).values()):
            assert list(schedule["constants"]) == _CONSTANT.findall(code.shaders[schedule["shader"]])
            schedule["constants"] = list(schedule["constants"].values())
    others = scripts_and_page(bool(onnx))
    extras = _extras(program, labels, sample, others)
    model: Json = {
        "format": "onnx2wgsl",
        "version": FORMAT_VERSION,
        "name": _readable(program.name),
        "generator": f"onnx2wgsl {metadata.version('onnx2wgsl')}",
        "reference": {
            "runtime": f"onnxruntime {metadata.version('onnxruntime')}",
            "qdqisint8allowed": program.signed,
        },
        "source": {"file": _readable(source.name), "sha256": sha256(source.read_bytes())},
        "arena": _arena(program),
        **{key: record(name, data) for key, (name, data) in parts.items()},
        "inputs": inputs,
        "outputs": [
            _tensor(name, type_) | picture_output(program, name) for name, type_ in program.outputs.items()
        ],
        **extras,
        "kernels": code.kernels,
        "snippets": SNIPPETS,
        "probe": {"shader": PROBE_SHADER, "offset": code.weights.size, "count": len(cases)},
    }
    others[TYPES] = model_types(model)
    return ArtifactFiles(model, parts, others, bundle_name(source.stem) if with_bundle else "")


def _named(stem: str, suffix: str, data: bytes) -> tuple[str, bytes]:
    """A file whose name changes with its content, so that caches may keep it for ever."""
    return f"{stem}-{sha256(data)[:16]}.{suffix}", data


def _sections(shaders: Mapping[str, str]) -> bytes:
    """The texts without comments and blanks, each below its name."""
    return "\n".join(f"//// {name}\n{compact(text)}" for name, text in shaders.items()).encode()


def compact(shader: str) -> str:
    """A shader without comments, and without blanks that part no two words; its pipeline-overridable
    constants are K0, K1, ... in their order.
    """
    plain = _COMMENT.sub("", shader)
    short = {name: f"K{i}" for i, name in enumerate(_CONSTANT.findall(plain))}
    named = _WORD.sub(lambda word: short.get(word[0], word[0]), plain)
    lines = map(str.strip, named.splitlines())
    return "\n".join(_BLANK.sub(r"\1", _OPERATOR.sub(r"\1", line)) for line in lines if line)


def _sealed(model: Json) -> bytes:
    """model.json, which runtimes read."""
    text = seal(model, long=("kernels",))
    sizes = {MODEL: len(text)} | {
        key: model[key]["bytes"] for key in ("shaders", "rare_shaders", "self_test")
    }
    for name, size in sizes.items():
        if size > LIMIT:
            raise CompileError(
                f"{name} of {len(model['kernels']):,} kernels has {size:,} bytes; runtimes read at most "
                f"{LIMIT:,}: split the model"
            )
    return text


def _extras(program: Program, labels: Sequence[str], sample: bytes, files: dict[str, bytes]) -> Json:
    """What model.json says of labels and sample, where there are some; puts the sample among the files."""
    extras: Json = {}
    if labels:
        shapes = [type_.shape for type_ in program.outputs.values()]
        if not any(len(labels) in (*shape[1:2], *shape[-1:]) for shape in shapes):
            sizes = ", ".join(f"{name} {list(t.shape)}" for name, t in program.outputs.items())
            raise CompileError(f"labels: {len(labels)} for the outputs {sizes}; give one for each class")
        if not all(label.strip() and label.isprintable() for label in labels):
            raise CompileError("labels: one is empty, or holds what can't be printed")
        extras["labels"] = list(labels)
    if sample:
        suffix = next((s for s, head in PICTURE_HEADS.items() if re.match(head, sample, re.DOTALL)), "")
        if not suffix:
            raise CompileError("sample: it is no PNG, JPEG, WEBP or BMP file")
        if len(sample) > SAMPLE_BYTES:
            raise CompileError(
                f"sample: it has {len(sample)} bytes, the limit is {SAMPLE_BYTES}; make it smaller"
            )
        extras["sample"] = f"sample{suffix}"
        files[extras["sample"]] = sample
    return extras


def _readable(name: str) -> str:
    """A file's name without the bytes that are no UTF-8."""
    return name.encode("utf-8", "replace").decode()


def _arena(program: Program) -> Json:
    assert program.arena_words is not None, "its buffers have no offsets yet"
    assert program.lower_bound_words is not None
    return {"bytes": program.arena_words * 4, "lower_bound": program.lower_bound_words * 4}


def _inputs(program: Program, code: Code) -> list[Json]:
    return [
        _tensor(name, type_) | ({"image": code.pictures[name]} if name in code.pictures else {})
        for name, type_ in program.inputs.items()
    ]


def _tensor(name: str, type_: TensorType) -> Json:
    return {"name": name, "dtype": NUMPY_DTYPES[type_.dtype].name, "shape": list(type_.shape)}
