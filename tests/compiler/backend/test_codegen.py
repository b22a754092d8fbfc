"""The generated WGSL: as the goldens have it, taken by naga, and the same each time."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import wgpu
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.backend.codegen import RESIZE, SNIPPETS, Code, generate
from onnx2wgsl.compiler.backend.pictures import picture_inputs
from onnx2wgsl.compiler.backend.templating import render_template
from onnx2wgsl.compiler.errors import InternalError
from onnx2wgsl.compiler.ir.program import Kernel
from onnx2wgsl.compiler.lowering.shader import Constants
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.runtime_py import InferenceSession

from tests.builders.edit import rename
from tests.builders.models import model
from tests.compiler.artifacts import AVATAR
from tests.golden import GOLDENS, Golden

GOLDEN = [
    "unet",
    "per_channel_u8_zero_points",
    "dilation",
    "batch_2",
    "concat_of_differing_scales",
    "concat_of_byte_inputs",
    "concat_of_floats",
    "resize_into_dilated_strided_conv",
    "pad_reflect",
    "several_inputs_and_outputs",
    "add_of_a_skip",
    "multiply_by_a_gate",
    "product_with_weights_to_floats",
    "product_of_two_activations",
    "pools",
    "softmax_of_rows",
    "greatest_and_where",
    "dynamic_quantization",
    "depthwise_and_groups",
    "transposed_convolution",
    "channel_shuffle",
    "linear_resize",
    "float_head",
    "casts_to_bytes",
]
"""Models whose shaders are committed; `unet` is the avatar on a smaller picture."""
NAMES = [
    *GOLDEN,
    "u8_s8",
    "s8_s8_zero_point",
    "stride",
    "kernel_4x2_uneven_pads",
    "one_pixel_one_channel",
    "resize_by_a_fraction",
    "product_with_weights",
]
"""With those whose shaders differ from these by constants and counts, which run on the device too."""


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request)


@functools.cache
def generated(name: str, folder: Path) -> Code:
    path = folder / f"{name}.onnx"
    onnx.save(model(name), path)
    program = compile_model(path)
    return generate(program, picture_inputs(program))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def device() -> Any:
    device = wgpu.gpu.request_adapter_sync(power_preference="high-performance").request_device_sync()
    yield device
    device.destroy()


def own_shaders(code: Code) -> dict[str, str]:
    """The shaders of a model, without those that are the same in every artifact."""
    shared = {name for variants in [*SNIPPETS.values(), RESIZE] for name in variants.values()}
    return {n: t for n, t in code.shaders.items() if n not in shared and not n.startswith("probe")}


@pytest.mark.parametrize("name", GOLDEN)
def test_shaders(name: str, folder: Path, golden: Golden) -> None:
    code = generated(name, folder)
    records = {"kernels": code.kernels, "pictures": code.pictures, "stores": code.stores}
    golden.check(own_shaders(code) | {"kernels.json": json.dumps(records, indent=1) + "\n"})


def test_the_golden_unet_has_every_shader_of_the_avatar(folder: Path) -> None:
    """Tiles of 8 x 8, plain and upsampled, and all others: what ships is under a golden."""
    program = compile_model(AVATAR)
    shipped = own_shaders(generate(program, picture_inputs(program)))
    titles = [text.partition("\n")[0] for text in shipped.values()]
    assert "// conv 4x4, stride 2, tiles of 8 pixels x 8 channels" in titles
    assert "// conv 3x3, stride 1, upsampled 2 times, tiles of 8 pixels x 8 channels" in titles
    assert own_shaders(generated("unet", folder)) == shipped


def test_snippets(folder: Path, golden: Golden) -> None:
    code = generated("unet", folder)
    golden.check({n: t for n, t in code.shaders.items() if n not in own_shaders(code)})


@pytest.mark.parametrize("source", RESIZE)
def test_the_passes_of_a_resize_are_valid(source: str, folder: Path, device: Any) -> None:
    device.create_shader_module(code=generated("unet", folder).shaders[RESIZE[source]])


def test_the_goldens_meet_every_kernel(folder: Path) -> None:
    met = {kernel["op"] for name in GOLDEN for kernel in dispatches(generated(name, folder))}
    own = {kind for kind, one in Kernel.classes.items() if one.__module__.startswith("onnx2wgsl.")}
    assert own - met == set()


def dispatches(code: Code) -> list[Mapping[str, Any]]:
    """The records of all kernels, with those that read pictures in place of others."""
    return [*code.kernels, *(picture["kernel"] for picture in code.pictures.values())]


def test_no_golden_is_left_over() -> None:
    mine = {f"test_shaders_{name}" for name in GOLDEN} | {"test_snippets"}
    assert {path.name for path in GOLDENS.iterdir() if path.is_dir()} == mine


def variants(uses: list[str]) -> list[Mapping[str, str]]:
    """Every choice of a variant for each snippet that is used."""
    choices = [[(use, variant) for variant in SNIPPETS[use]] for use in uses]
    return [dict(choice) for choice in itertools.product(*choices)]


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_of_every_shader_is_valid(name: str, folder: Path, device: Any) -> None:
    code = generated(name, folder)
    for kernel in dispatches(code):
        for choice in variants(kernel["uses"]):
            snippets = [code.shaders[SNIPPETS[use][choice[use]]] for use in kernel["uses"]]
            text = "".join([*snippets, code.shaders[kernel["shader"]]])
            shader = device.create_shader_module(code=text)
            layout = device.create_bind_group_layout(entries=entries(kernel))
            device.create_compute_pipeline(
                layout=device.create_pipeline_layout(bind_group_layouts=[layout]),
                compute={
                    "module": shader,
                    "entry_point": "main",
                    "constants": kernel["constants"],
                },
            )


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_computes_what_the_simulator_does(name: str, tmp_path: Path) -> None:
    source = tmp_path / "m.onnx"
    onnx.save(model(name), source)
    write_artifact(compile_model(source), tmp_path / "a", source=source)
    for dot, requantize in (("packed", "fast"), ("emulated", "integer")):
        with InferenceSession(tmp_path / "a", dot=dot, requantize=requantize) as session:
            report = session.self_test()
            assert report.ok, f"{dot}, {requantize}: {report}"


def entries(kernel: Mapping[str, Any]) -> list[dict[str, Any]]:
    kinds = {"read": "read-only-storage", "read_write": "storage"}
    return [
        {
            "binding": binding["binding"],
            "visibility": wgpu.ShaderStage.COMPUTE,
            "buffer": {"type": kinds[binding["access"]]},
        }
        for binding in kernel["bindings"]
    ]


def test_a_broken_shader_is_not_valid(folder: Path, device: Any) -> None:
    code = generated("u8_s8", folder)
    text = next(iter(own_shaders(code).values()))
    with pytest.raises(wgpu.GPUError):
        device.create_shader_module(code=text.replace("fn main", "fn main main"))


@pytest.mark.parametrize("name", NAMES)
def test_no_buffer_is_bound_both_ways(name: str, folder: Path) -> None:
    for kernel in generated(name, folder).kernels:
        buffers = [binding["buffer"] for binding in kernel["bindings"]]
        access = {b["buffer"]: b["access"] for b in kernel["bindings"]}
        assert access.get("weights", "read") == "read"
        for buffer in set(buffers):
            modes = {b["access"] for b in kernel["bindings"] if b["buffer"] == buffer}
            assert len(modes) == 1, f"{kernel['name']} binds {buffer} in {modes}"


@pytest.mark.parametrize("name", NAMES)
def test_kernel_names_are_unique_and_shaders_exist(name: str, folder: Path) -> None:
    code = generated(name, folder)
    names = [kernel["name"] for kernel in code.kernels]
    assert len(set(names)) == len(names)
    assert {kernel["shader"] for kernel in code.kernels} <= set(code.shaders)


def test_no_name_of_a_model_is_in_its_shaders(folder: Path) -> None:
    """So that none can break out of a comment."""
    hostile = model("u8_s8")
    names = {name for node in hostile.graph.node for name in (*node.input, *node.output)}
    rename(hostile, **{name: f"{name}\n}} */ fn evil() {{\u2028" for name in names})
    onnx.save(hostile, folder / "hostile.onnx")
    code = generate(compile_model(folder / "hostile.onnx"), {})
    assert [kernel for kernel in code.kernels if "evil" in kernel["name"]]
    shaders = own_shaders(code)
    assert shaders == {name: own_shaders(generated("u8_s8", folder))[name] for name in shaders}


def test_equal_constants_are_kept_once_on_16_byte_boundaries() -> None:
    constants = Constants()
    first = constants.add(np.arange(5, dtype=np.uint8))
    second = constants.add(np.arange(3, dtype=np.int32))
    assert (first, second) == (0, 4)
    assert constants.add(np.arange(5, dtype=np.uint8)) == first
    assert constants.words().tolist() == [0x03020100, 4, 0, 0, 0, 1, 2, 0]


def test_weights_are_never_empty() -> None:
    assert Constants().words().size == 4


def test_a_template_error_names_the_template() -> None:
    with pytest.raises(InternalError, match=r"internal error: template conv\.wgsl: "):
        render_template("conv.wgsl", {})


@pytest.mark.parametrize("name", ["u8_s8", "several_inputs_and_outputs"])
def test_the_same_program_gives_the_same_text(name: str, folder: Path) -> None:
    path = folder / f"{name}-again.onnx"
    onnx.save(model(name), path)
    one, two = (generate(program, picture_inputs(program)) for program in map(compile_model, [path] * 2))
    assert one.shaders == two.shaders
    assert one.kernels == two.kernels
    assert one.weights.tobytes() == two.weights.tobytes()
