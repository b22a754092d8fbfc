"""Lays the page out as one folder that any static server can serve."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import onnx
from onnx2wgsl.compiler import compile_file

from .errors import WebError
from .floats import float_model
from .packages import MEDIAPIPE, ONNXRUNTIME, face_landmarker, npm_package

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MARKER = "site.json"
"""What a folder of ours holds: another is never replaced."""
DATA = "onnx2wgsl.data"
"""Metadata of an ONNX file: the configuration of its training data, as JSON."""
WASM = ("vision_wasm_module_internal.js", "vision_wasm_module_internal.wasm")
ONNXRUNTIME_FILES = (
    "ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm",
    "ort.all.min.mjs", "ort-wasm-simd-threaded.jsep.mjs", "ort-wasm-simd-threaded.jsep.wasm",
)  # fmt: skip
"""Of onnxruntime-web: for its WASM, its WebGPU, its WebNN."""
# Isolation gives onnxruntime's WASM its threads; previews, which are other origins, may read the models.
HEADERS = """\
/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: credentialless
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
/models/*
  Access-Control-Allow-Origin: *
/mediapipe/*
  Cache-Control: public, max-age=86400
/onnxruntime/*
  Cache-Control: public, max-age=86400
"""
"""_headers, as Cloudflare Pages and Netlify read it."""


def default_models() -> list[Path]:
    """The avatars of this checkout, those of shorter names first: the first has the page's own look."""
    return sorted((ROOT / "models").glob("avatar_*_u8.onnx"), key=lambda one: (len(one.name), one.name))


def lay_out(folder: Path, models: Sequence[Path], with_onnxruntime: bool = True) -> None:
    """Writes the page, its models and the packages that it needs; replaces a page that was written before.

    models: int8 QDQ models of one picture [1,3,N,N] each; the first of the smallest has the look of a
    visitor who chooses none. with_onnxruntime: also what other backends need.

    Raises:
        WebError: the folder is somebody else's, a package is missing, a model is no generator.
        CompileError: a model can't be compiled.
    """
    if not models:
        raise WebError("there is no model: name one with --model FILE (models/ of the repository has some)")
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise WebError(f"{folder} is not empty, and no page of ours: name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as work:
        fresh = Path(work, "site")
        _write(fresh, models, with_onnxruntime)
        if folder.exists():
            os.replace(folder, Path(work, "old"))
        os.replace(fresh, folder)


def _write(site: Path, models: Sequence[Path], with_onnxruntime: bool) -> None:
    _copy(HERE, site / "web", ("*.js", "*.css", "*.svg"))
    for part in ("lips", "rig"):
        _copy(HERE / part, site / "web" / part, ("*.js",))
    shutil.copy(HERE / "index.html", site / "index.html")
    _copy(
        _room("face"),
        site / "face",
        ("*.js", "drawing.json", "framing.json", "expressions.json", "outline.json"),
    )
    for path in (site / "face").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")), separators=(",", ":")), "utf-8")
    _copy(_room("runtime_js") / "dist", site / "runtime", ("*.js",))
    _copy(_room("runtime_js"), site / "runtime_js", ("display_shader.js",))
    vision = npm_package(*MEDIAPIPE)
    _copy(vision, site / "mediapipe", ("vision_bundle.mjs",))
    _copy(vision / "wasm", site / "mediapipe" / "wasm", WASM)
    # The only trace of debugging that would be asked for.
    bundle = site / "mediapipe" / "vision_bundle.mjs"
    bundle.write_text(re.sub(r"\n//# sourceMappingURL=.*", "", bundle.read_text("utf-8")), "utf-8")
    shutil.copy(face_landmarker(), site / "mediapipe" / "face_landmarker.task")
    if with_onnxruntime:
        _copy(npm_package(*ONNXRUNTIME) / "dist", site / "onnxruntime", ONNXRUNTIME_FILES)
    records = sorted(
        _models(site / "models", models, with_onnxruntime), key=lambda one: int(str(one["size"]))
    )
    (site / "models" / "models.json").write_text(json.dumps({"models": records}, indent=1) + "\n", "utf-8")
    (site / "_headers").write_text(HEADERS, "utf-8")
    (site / MARKER).write_text('{"format": "onnx2wgsl-web"}\n', "utf-8")


def _models(home: Path, models: Sequence[Path], with_onnx: bool) -> Iterator[dict[str, str | int]]:
    for path in models:
        name = path.stem
        compiled = compile_file(path, home / name, keep_onnx=with_onnx)
        model = onnx.load(path)
        record: dict[str, str | int] = {
            "name": name,
            "look": _look(model) or name,
            "size": _size(compiled.description, path),
            "folder": f"{name}/",
        }
        if with_onnx:
            onnx.save(float_model(model), home / f"{name}_float.onnx")
            record["float"] = f"{name}_float.onnx"
        yield record


def _look(model: onnx.ModelProto) -> str:
    """The look of the data that it was trained on, as onnx2wgsl-train notes it; else empty."""
    notes = [one.value for one in model.metadata_props if one.key == DATA]
    try:
        data = json.loads(notes[0]) if notes else None
    except json.JSONDecodeError:
        return ""
    look = data.get("look") if isinstance(data, dict) else None
    return look if isinstance(look, str) else ""


def _size(description: object, path: Path) -> int:
    assert isinstance(description, dict)
    images = [one["image"]["size"] for one in description["inputs"] if "image" in one]
    shapes = [one["shape"] for one in description["outputs"] if "image" in one]
    if len(description["inputs"]) == len(images) == len(shapes) == 1 and images[0] == shapes[0][2:]:
        width, height = images[0]
        if width == height:
            return int(width)
    raise WebError(f"{path} is no generator: it must make one square picture of one square picture")


def _room(name: str) -> Path:
    return Path(str(resources.files(f"onnx2wgsl.{name}")))


def _copy(source: Path, target: Path, patterns: Sequence[str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        found = sorted(source.glob(pattern))
        if not found:
            raise WebError(f"{source} has no {pattern}: install this package anew")
        for path in found:
            if not path.name.endswith(".d.ts"):
                shutil.copy(path, target / path.name)
