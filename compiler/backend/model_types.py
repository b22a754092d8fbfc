"""model.d.ts: the tensors of one model as literal types, for `createSession<Model>` in TypeScript."""

from __future__ import annotations

import json

from ..lowering.shader import Json


def model_types(model: Json) -> bytes:
    """The text for what model.json says; it imports nothing."""
    name = model["name"].replace("*/", "* /")
    lines = [f"/** The tensors of {name}: createSession<Model>(...). Written by onnx2wgsl. */"]
    lines += ["export type Model = {"]
    for key in ("inputs", "outputs"):
        lines += [f"  {key}: [", *(f"    {_tensor(tensor)}," for tensor in model[key]), "  ];"]
    return "\n".join([*lines, "};", ""]).encode()


def _tensor(tensor: Json) -> str:
    members = {key: json.dumps(tensor[key]) for key in ("name", "dtype", "shape")}
    if "image" in tensor:
        members["image"] = _image(tensor["image"])
    return _object(members)


def _image(image: Json) -> str:
    """An input's picture, or an output's; the numbers of a normalisation are no part of the type."""
    if "size" not in image:
        return _object({"scale": "number", "offset": "number"})
    known = {key: json.dumps(image[key]) for key in ("size", "channels", "fit")}
    return _object(known | dict.fromkeys(("scale", "offset", "pad"), "number[]"))


def _object(members: dict[str, str]) -> str:
    return "{ " + "; ".join(f"{key}: {type_}" for key, type_ in members.items()) + " }"
