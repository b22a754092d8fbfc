"""Writes the artifact: model.json, weights.bin, shaders/, the JS runtime. Its form is
docs/artifact.md.

The same program gives the same bytes. The folder appears whole or not at all. model.json has the SHA-256 of
every file, and its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from ..ir.program import Program
from ..ir.types import NUMPY_DTYPES, TensorType
from ..lowering.shader import Json
from ..reference.oracle import Oracle
from .codegen import PROBE_SHADER, SNIPPETS, Code, generate
from .folder import write_folder
from .pictures import Picture, picture_inputs, picture_output
from .self_test import probe_cases, self_test

FORMAT_VERSION = 2
SEAL = b',\n "sha256": "'
"""What stands before the hash of model.json, which covers the bytes before this."""


def write_artifact(
    program: Program,
    folder: Path,
    *,
    source: Path,
    pictures: Mapping[str, Picture] | None = None,
    oracle: Oracle | None = None,
) -> Json:
    """Writes `program` to `folder` and returns the content of model.json.

    `source` is the model's file, recorded by name and SHA-256; `pictures` overrides the
    normalisation of picture inputs; `oracle` says what the self-test's outputs must be, else the simulator
    does. Raises CompileError where the folder can't be written, or the program's outputs are others.
    """
    normalisations = picture_inputs(program) | dict(pictures or {})
    code = generate(program, normalisations)
    weights = code.weights.astype("<u4").tobytes()
    files = {f"shaders/{name}": text.encode() for name, text in code.shaders.items()} | runtime_files()
    model: Json = {
        "format": "onnx2wgsl",
        "version": FORMAT_VERSION,
        "name": program.name,
        "generator": f"onnx2wgsl {metadata.version('onnx2wgsl')}",
        "reference": {
            "runtime": f"onnxruntime {metadata.version('onnxruntime')}",
            "qdqisint8allowed": program.signed,
        },
        "source": {"file": source.name, "sha256": _sha256(source.read_bytes())},
        "arena": _arena(program),
        "weights": _record("weights.bin", weights),
        "files": [_record(name, files[name]) for name in sorted(files)],
        "inputs": _inputs(program, code),
        "outputs": [
            _tensor(name, type_) | picture_output(program, name) for name, type_ in program.outputs.items()
        ],
        "kernels": code.kernels,
        "snippets": SNIPPETS,
        "probe": {"shader": PROBE_SHADER, **probe_cases(program)},
        "self_test": self_test(program, normalisations, oracle),
    }
    text = seal(model)
    write_folder(folder, files | {"weights.bin": weights, "model.json": text})
    return model | {"sha256": _sha256(text.rpartition(SEAL)[0])}


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


def _record(name: str, data: bytes) -> Json:
    return {"file": name, "bytes": len(data), "sha256": _sha256(data)}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def seal(model: Json) -> bytes:
    """model.json, its last member the SHA-256 of the bytes before it; `model` is without that member.

    One kernel and one file a line: compact, and still readable as a diff.
    """
    content = _format_json(model)
    return content + SEAL + _sha256(content).encode() + b'"\n}\n'


def _format_json(model: Json) -> bytes:
    """All but the end of the outermost object."""
    lines = []
    for key, value in model.items():
        if key in ("files", "kernels"):
            body = ",\n".join(f"  {_compact(item)}" for item in value)
            lines.append(f' "{key}": [\n{body}\n ]')
        else:
            lines.append(f' "{key}": {_compact(value)}')
    return ("{\n" + ",\n".join(lines)).encode()


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def runtime_files() -> dict[str, bytes]:
    """The JS runtime and the page, by file name."""
    return {
        entry.name: _without_docs(entry.name, entry.read_bytes())
        for entry in sorted(resources.files("onnx2wgsl.runtime_js").iterdir(), key=lambda e: e.name)
        if entry.name.endswith((".js", ".html"))
    }


def _without_docs(name: str, content: bytes) -> bytes:
    """A script without its comments, which its source keeps; the page as it is."""
    if name.endswith(".html"):
        return content
    plain = re.sub(rb"^[ \t]*/\*\*(?:(?!\*/).)*\*/\n", b"", content, flags=re.DOTALL | re.MULTILINE)
    return re.sub(rb"^[ \t]*//[^\n]*\n", b"", plain, flags=re.MULTILINE)
