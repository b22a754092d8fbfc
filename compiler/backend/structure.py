"""In what two artifacts differ but for their numbers: the weights of one fit the structure of the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from ..lowering.shader import Json

_KERNEL = ("op", "shader", "uses", "workgroups", "bindings", "stores")
"""What of a kernel is structure; its name and constants (where its weights lie, zero points) are not."""


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What is another in the model.json `new`, a line each; none where only numbers are. Both are with the
    `stores` of their test vectors.
    """
    listed = [*_tensor_differences(old, new), *_kernel_differences(_kernels(old), _kernels(new))]
    return listed or [*_other_differences(old, new)]


def _kernels(model: Mapping[str, Any]) -> list[Json]:
    """All kernels, those that pack pictures last."""
    images = [tensor["image"] for tensor in model["inputs"] if "image" in tensor]
    numbered = [*enumerate(model["kernels"]), *((image["replaces"], image["kernel"]) for image in images)]
    return [kernel | {"stores": model["stores"][number]} for number, kernel in numbered]


def _tensor_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("input", "output"):
        for a, b in zip_longest(old[f"{kind}s"], new[f"{kind}s"]):
            if a is None or b is None or a["name"] != b["name"]:
                yield f"{kind}: {_name(b)}, not {_name(a)}"
            elif _type(a) != _type(b):
                yield f"{kind} {a['name']}: {_type(b)}, not {_type(a)}"
            else:
                yield from (f"{kind} {a['name']}: {line}" for line in _picture_differences(a, b))


def _name(tensor: Json | None) -> str:
    return "none" if tensor is None else str(tensor["name"])


def _type(tensor: Json) -> str:
    return f"{tensor['dtype']}{json.dumps(tensor['shape'])}"


def _picture_differences(old: Json, new: Json) -> list[str]:
    """In what two tensors of one type differ as pictures, but for the kernel that packs one."""
    one, other = old.get("image"), new.get("image")
    if one is None or other is None:
        return [] if one is other else [f"{'no' if other is None else 'a'} picture"]
    keys = [key for key in one if key != "kernel" and one[key] != other.get(key)]
    return [f"{key} {json.dumps(other.get(key))}, not {json.dumps(one[key])}" for key in keys]


def _kernel_differences(old: list[Json], new: list[Json]) -> Iterator[str]:
    for number, (a, b) in enumerate(zip_longest(old, new)):
        place = f"kernel {number} {(b or a)['name']}"
        if a is None:
            yield f"{place}: {b['op']}, which is new"
        elif b is None:
            yield f"{place}: {a['op']}, which is missing"
        elif a["op"] != b["op"]:
            yield f"{place}: {b['op']}, not {a['op']}"
        else:
            other = [key for key in _KERNEL if a[key] != b[key]]
            other += ["constants"] * (len(a["constants"]) != len(b["constants"]))
            other += ["schedules"] * (_schedules(a) != _schedules(b))
            if other:
                yield f"{place}: {b['op']} of other {', '.join(other)}"


def _schedules(kernel: Json) -> Json:
    """A kernel's schedules but for the values of their constants."""
    schedules = kernel.get("schedules", {})
    return {name: {key: one[key] for key in one if key != "constants"} for name, one in schedules.items()}


def _other_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["arena"] != new["arena"]:
        yield f"arena: {new['arena']['bytes']:,} bytes, not {old['arena']['bytes']:,}"
    if old["snippets"] != new["snippets"]:
        yield "the snippets are others"
    elif any(old[key] != new[key] for key in ("shaders", "rare_shaders")):
        yield "the shaders are others: this onnx2wgsl writes them in another way"
