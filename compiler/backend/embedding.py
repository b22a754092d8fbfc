"""A page to paste from: a model at work in a few lines, beside its folder or all in one file."""

from __future__ import annotations

import html
import json
import math
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from ..folders.manifest import sha256
from ..lowering.shader import Json
from .names import single_script
from .templating import render_template

_SEAL = "<!-- Written by onnx2wgsl embed; the SHA-256 of all before this line is "
_ARRAYS = {
    "float32": "Float32Array",
    "int32": "Int32Array",
    "int64": "BigInt64Array",
    "uint8": "Uint8Array",
    "int8": "Int8Array",
    "bool": "Uint8Array",
}


def embedding_page(model: Mapping[str, Any], bundle: bytes = b"") -> bytes:
    """The page for what model.json says: in comes a picture where there is such an input; out comes a
    picture, or classes, or the first values.

    It loads the folder model/ beside it, or where `bundle` is given has that and the runtime in itself.
    """
    pictures = [tensor for tensor in model["inputs"] if "image" in tensor]
    picture = pictures[0] if pictures else None
    kind, output = _shown(model, picture)
    page = render_template(
        "embed.html",
        {
            "title": html.escape(model["name"]),
            "kind": kind,
            "picture": picture and _literal(picture["name"]),
            "output": output and _literal(output["name"]),
            "size": output["shape"][:1:-1] if output and kind == "picture" else [],
            "feeds": [_feed(tensor) for tensor in model["inputs"] if tensor is not picture],
            "elements": ["file"] * (picture is not None) + ["canvas"] * (kind == "picture") + ["text"],
            "single": bool(bundle),
            # What would end the script element stands in strings alone.
            "runtime": single_script().strip().replace("</script", "<\\/script").replace("<!--", "<\\!--"),
            "bundle": b64encode(bundle).decode(),
        },
    )
    return f"{page}{_SEAL}{sha256(page.encode())} -->\n".encode()


def is_unchanged(page: bytes) -> bool:
    """Whether it is a page as `embedding_page` has made it."""
    content, _, end = page.rpartition(_SEAL.encode())
    return end == f"{sha256(content)} -->\n".encode()


def _shown(model: Mapping[str, Any], picture: Json | None) -> tuple[str, Json | None]:
    """What the page shows: "picture", "classes" or "values"; and of which output."""
    outputs = model["outputs"]
    shown = [output for output in outputs if "image" in output]
    if picture and shown:
        return "picture", shown[0]
    count = len(model.get("labels", ()))
    for output in outputs:
        shape = output["shape"]
        looks_so = picture is not None and len(shape) == 2 and shape[0] == 1
        if math.prod(shape) > 1 and (math.prod(shape) == count or looks_so):
            return "classes", output
    return "values", None


def _feed(tensor: Json) -> str:
    """The line for an input that is no picture."""
    shape = json.dumps(tensor["shape"])
    size = math.prod(tensor["shape"])
    return f"{_literal(tensor['name'])}: new {_ARRAYS[tensor['dtype']]}({size}), // yours, {shape}"


def _literal(text: str) -> str:
    """A string in JavaScript, in a page."""
    return json.dumps(text).replace("<", "\\u003c")
