"""The files of an artifact by name: the runtime's, which go into each, and what the others may be called."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

MODEL = "model.json"
MANIFEST = "files.json"
"""Lists the others, for who writes to the folder next."""
TYPES = "model.d.ts"
BUNDLE_SUFFIX = ".onnx2wgsl"
PARTS = ("shaders", "rare_shaders", "self_test", "weights")
"""The members of model.json that record what runtimes load, in the order of a bundle."""
PAGE = ("index.html", "page.css", "icon.svg", "page.js")
"""The page that comes with an artifact."""
_FALLBACK = "fallback-"  # the module of the JS runtime that only a kept model needs
_SINGLE = "single.js"
"""The runtime as one script, for pages that are one file; in no artifact."""
_PART = re.compile(r"(weights|(rare_)?shaders|self_test|model)-[0-9a-f]{16}\.(bin|txt|json|onnx)")
_SAMPLE = re.compile(r"sample\.(png|jpg|webp|bmp)")
_CHUNK = re.compile(r"\w+-[\w-]{8}\.js")


def bundle_name(stem: str) -> str:
    """A bundle's name by the model's, as a file of an artifact may have one."""
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", stem)
    return re.sub(r"^[.-]", "_", stem) + BUNDLE_SUFFIX


def is_own_name(name: str) -> bool:
    """Whether a file of an artifact may have that name."""
    own = name in {MODEL, MANIFEST, TYPES, *runtime_files()} or name.endswith(BUNDLE_SUFFIX)
    return own or _PART.fullmatch(name) is not None or _SAMPLE.fullmatch(name) is not None


def is_loaded(name: str) -> bool:
    """Whether it is a file that runtimes load, or the list of all."""
    return name in (MODEL, MANIFEST) or _PART.fullmatch(name) is not None


def is_hashed(name: str) -> bool:
    """Whether a name changes with the content of the file, so that caches may keep it for ever."""
    chunk = name in runtime_files() and _CHUNK.fullmatch(name) is not None
    return chunk or _PART.fullmatch(name) is not None


@cache
def runtime_files() -> dict[str, bytes]:
    """The JS runtime, minified, its types, and the page, by file name."""
    folder = resources.files("onnx2wgsl.runtime_js")
    dist = sorted(folder.joinpath("dist").iterdir(), key=lambda file: file.name)
    page = [folder.joinpath(name) for name in PAGE if not name.endswith(".js")]
    files = {file.name: file.read_bytes() for file in [*page, *dist] if file.name != _SINGLE}
    # To HTML indentation means nothing.
    return files | {"index.html": re.sub(rb"\n +", b"\n", files["index.html"])}


def scripts_and_page(keeps_onnx: bool) -> dict[str, bytes]:
    """Those of the runtime's files that go into an artifact: one that keeps its ONNX model needs all."""
    return {
        name: data for name, data in runtime_files().items() if keeps_onnx or not name.startswith(_FALLBACK)
    }


def single_script() -> str:
    """The runtime as one script, which makes it `onnx2wgsl`."""
    return resources.files("onnx2wgsl.runtime_js").joinpath("dist", _SINGLE).read_text("utf-8")
