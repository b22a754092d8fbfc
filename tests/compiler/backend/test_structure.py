"""In what two artifacts differ but for their numbers."""

import copy
from collections.abc import Callable
from typing import Any

import onnx
import pytest
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.compiler.backend.structure import differences
from onnx2wgsl.runtime_py.artifact import load_artifact

from tests.builders.unet import unet


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The content of a model.json, with the stores of its test vectors."""
    home = tmp_path_factory.mktemp("structure")
    onnx.save(unet(8), home / "small.onnx")
    description = compile_file(home / "small.onnx", home / "small").description
    return dict(description) | {"stores": load_artifact(home / "small").self_test["stores"]}


def test_numbers_are_no_structure(model: dict[str, Any]) -> None:
    other = copy.deepcopy(model)
    for kernel in other["kernels"]:
        kernel["name"] += "_renamed"
        kernel["constants"] = [7] * len(kernel["constants"])
    for key in ("weights", "self_test", "source", "probe"):
        other[key] = None
    assert differences(model, other) == []


EDITS: list[tuple[Callable[[Any], object], str]] = [
    (lambda m: m["inputs"][0].update(name="x"), "input: x, not input"),
    (lambda m: m["outputs"].append({"name": "y"}), "output: y, not none"),
    (lambda m: m["outputs"].clear(), "output: none, not output"),
    (lambda m: m["outputs"][0].update(dtype="int8"), "output output: int8[1, 3, 8, 8], not float32"),
    (lambda m: m["outputs"][0].pop("image"), "output output: no picture"),
    (lambda m: m["inputs"][0]["image"].update(fit="stretch"), 'input input: fit "stretch", not "cover"'),
    (lambda m: m["kernels"].pop(), "kernel {last} {name}: conv, which is missing"),
    (
        lambda m: [m[key].append(m[key][-1]) for key in ("kernels", "stores")],
        "kernel {next} {name}: conv, which is new",
    ),
    (lambda m: m["kernels"][-1].update(op="pair"), "kernel {last} {name}: pair, not conv"),
    (lambda m: m["kernels"][-1].update(uses=[]), "kernel {last} {name}: conv of other uses"),
    (lambda m: m["kernels"][-1]["constants"].pop(), "kernel {last} {name}: conv of other constants"),
    (lambda m: m["stores"].__setitem__(-1, []), "kernel {last} {name}: conv of other stores"),
    (lambda m: m["arena"].update(bytes=4096), "arena: 4,096 bytes, not {arena}"),
    (lambda m: m["snippets"].pop("dot"), "the snippets are others"),
    (lambda m: m["shaders"].update(sha256=""), "the shaders are others: "),
    (lambda m: m["rare_shaders"].update(sha256=""), "the shaders are others: this"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "line"), EDITS, ids=[line for _, line in EDITS])
def test_what_differs_is_told(model: dict[str, Any], edit: Callable[[Any], object], line: str) -> None:
    other = copy.deepcopy(model)
    if "kernel" in line:  # the last one is no packer of pictures then
        del other["inputs"][0]["image"]
    old = copy.deepcopy(other)
    edit(other)
    count, name = len(model["kernels"]), model["kernels"][-1]["name"]
    arena = f"{model['arena']['bytes']:,}"
    assert differences(old, other)[0].startswith(
        line.format(last=count - 1, next=count, name=name, arena=arena)
    )
