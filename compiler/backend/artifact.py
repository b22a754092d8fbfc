"""Writes the artifact: model.json, weights.bin, shaders/, the JS runtime. Its form is
docs/artifact.md.

The same program gives the same bytes. The folder appears whole or not at all.
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
from .codegen import PROBE_SHADER, SNIPPETS, Code, generate
from .folder import write_folder
from .pictures import Picture, picture_inputs, picture_output
from .self_test import probe_cases, self_test

FORMAT_VERSION = 1


def write_artifact(
    program: Program,
    folder: Path,
    *,
    source: Path,
    pictures: Mapping[str, Picture] | None = None,
) -> Json:
    """Writes `program` to `folder` and returns the content of model.json.

    `source` is the model's file, recorded by name and SHA-256; `pictures` overrides the
    normalisation of picture inputs.
    """
    normalisations = picture_inputs(program) | dict(pictures or {})
    code = generate(program, normalisations)
    weights = code.weights.astype("<u4").tobytes()
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
        "weights": {"file": "weights.bin", "bytes": len(weights), "sha256": _sha256(weights)},
        "inputs": _inputs(program, code),
        "outputs": [
            _tensor(name, type_) | picture_output(program, name) for name, type_ in program.outputs.items()
        ],
        "kernels": code.kernels,
        "snippets": SNIPPETS,
        "probe": {"shader": PROBE_SHADER, **probe_cases(program)},
        "self_test": self_test(program, normalisations),
    }
    files = {f"shaders/{name}": text.encode() for name, text in code.shaders.items()}
    files["model.json"] = format_json(model).encode()
    files["weights.bin"] = weights
    write_folder(folder, files | runtime_files())
    return model


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


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def format_json(model: Json) -> str:
    """model.json with one kernel a line: compact, and still readable as a diff."""
    lines = []
    for key, value in model.items():
        if key == "kernels":
            body = ",\n".join(f"  {_compact(kernel)}" for kernel in value)
            lines.append(f' "{key}": [\n{body}\n ]')
        else:
            lines.append(f' "{key}": {_compact(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


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
