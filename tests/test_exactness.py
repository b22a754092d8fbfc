"""The whole chain on real networks: no bit differs from onnxruntime, on two adapters.

The UNet with 24 channels of tests/zoo, made from a seeded torch module, in every style of
quantization and at three sizes; and the avatar model that the project ships.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.pipeline import PASS_NAMES, compile_model
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.verify.compare import Feed, compare, same_bits
from onnx2wgsl.compiler.verify.stages import run_stage
from onnx2wgsl.runtime_py import InferenceSession

from tests.compiler.artifacts import AVATAR
from tests.zoo.files import mobile_unet_path
from tests.zoo.quantization import STYLES, random_feeds

ROOT = Path(__file__).resolve().parent.parent
NGF = 24
MOST_DISPATCHES = {128: 15, 256: 17, 512: 17}  # one a convolution, and one that quantizes the input
SWIFTSHADER = os.environ.get("ONNX2WGSL_SWIFTSHADER_ICD", "/usr/lib/chromium/vk_swiftshader_icd.json")
VARIANTS = ["packed+fast", "packed+integer", "emulated+fast", "emulated+integer"]
EACH_ONCE = ["packed+fast", "emulated+integer"]
"""Each variant of each snippet; the avatar, whose shaders are of the same templates, runs in all four."""

# argv: folder, .npz with inputs x:NAME and outputs y:NAME. Prints the adapter and, by variant, how
# many bits of the outputs differ.
EVERY_VARIANT = """
import json, sys
import numpy as np
from onnx2wgsl.runtime_py import InferenceSession

with np.load(sys.argv[2]) as data:
    feed = {name[2:]: data[name] for name in data.files if name.startswith("x:")}
    expected = {name[2:]: data[name] for name in data.files if name.startswith("y:")}
found = {}
for variant in sys.argv[3:]:
    dot, requantize = variant.split("+")
    with InferenceSession(sys.argv[1], dot=dot, requantize=requantize) as session:
        outputs = session.run(list(expected), feed)
        adapter = session.adapter_info["device"]
    found[variant] = sum(
        int(np.unpackbits(a.view(np.uint8) ^ b.view(np.uint8)).sum())
        for a, b in zip(outputs, expected.values(), strict=True)
    )
print(json.dumps([adapter, found]))
"""


@dataclass
class Case:
    """A model, what onnxruntime makes of one sample, and the compiled program."""

    path: Path
    feed: Feed
    expected: Feed
    program: Program
    differing: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        write_artifact(self.program, folder, source=self.path)
        return folder


def case(path: Path, *, each_pass: bool, seed: int = 11) -> Case:
    """Compiles a model; after every pass (or after the last one) it is evaluated and compared."""
    oracle = reference_of(path)
    groups = oracle.integer_groups()
    assert groups.exact, f"onnxruntime itself left a part in float: {groups}"
    shapes = {name: tuple(map(int, shape)) for name, (_, shape) in oracle.inputs.items()}
    reach = np.float32(1.1)  # beyond what the quantization covers
    feed: Feed = {name: x * reach for name, x in random_feeds(shapes, 1, seed)[0].items()}
    expected = oracle.run(feed)
    wrong: dict[str, int] = {}

    def observe(name: str, stage: Graph | Program) -> None:
        if each_pass or name == PASS_NAMES[-1]:
            differing = compare(expected, run_stage(stage, feed)).differing
            wrong[name] = wrong.get(name, 0) + differing

    return Case(path, feed, expected, compile_model(path, None, observe), wrong)


def on_gpu(folder: Path, feed: Feed) -> tuple[Feed, int]:
    """The outputs on the default adapter, and how often the frame was submitted to the queue."""
    with InferenceSession(folder) as session:
        assert session._executor is not None
        queue = session._executor.device.queue
        submitted: list[int] = []
        submit = queue.submit

        def counted(buffers: list[Any]) -> None:
            submitted.append(len(buffers))
            submit(buffers)

        queue.submit = counted
        outputs = session.run(None, feed)
        assert submitted == [1] * len(submitted)
        names = [tensor.name for tensor in session.get_outputs()]
        return dict(zip(names, outputs, strict=True)), len(submitted)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [128, 256, 512])
def test_the_unet_is_exact_after_every_pass_and_on_the_gpu(size: int, style: str, tmp_path: Path) -> None:
    example = case(mobile_unet_path(size, NGF, style), each_pass=size < 512)
    assert set(example.differing) == (set(PASS_NAMES) if size < 512 else {PASS_NAMES[-1]})
    assert example.differing == dict.fromkeys(example.differing, 0)
    program = example.program
    assert program.signed == STYLES[style].signed
    assert len(program.kernels) <= MOST_DISPATCHES[size]
    assert program.arena_words is not None
    assert program.lower_bound_words is not None
    assert program.arena_words <= 1.15 * program.lower_bound_words
    outputs, submits = on_gpu(example.write(tmp_path / "artifact"), example.feed)
    assert same_bits(outputs, example.expected)
    assert submits == 1


def test_symmetric_models_keep_a_relu_that_costs_no_dispatch() -> None:
    counts = {}
    for style in ("u8s8_per_channel", "s8s8_symmetric"):
        path = mobile_unet_path(256, NGF, style)
        kept = sum(node.op_type == "Relu" for node in onnx.load(path).graph.node)
        counts[style] = (kept, len(compile_model(path).kernels))
    assert counts == {"u8s8_per_channel": (0, 17), "s8s8_symmetric": (15, 17)}


def test_the_avatar_is_exact_after_every_pass(tmp_path: Path) -> None:
    example = case(AVATAR, each_pass=True)
    assert example.differing == dict.fromkeys(PASS_NAMES, 0)
    assert len(example.program.kernels) <= 17
    outputs, submits = on_gpu(example.write(tmp_path / "artifact"), example.feed)
    assert same_bits(outputs, example.expected)
    assert submits == 1


# ------------------------------------------------------------------------- adapters, variants


def every_variant(
    example: Case, folder: Path, variants: list[str], **variables: str
) -> tuple[str, dict[str, int]]:
    """The adapter and, by variant, the bits that differ, in a process with further variables."""
    data = folder.with_suffix(".npz")
    named = {f"x:{name}": values for name, values in example.feed.items()}
    named |= {f"y:{name}": values for name, values in example.expected.items()}
    np.savez(data, **named)  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, "-c", EVERY_VARIANT, str(example.write(folder)), str(data), *variants],
        env=os.environ | {"GALLIVM_PERF": ""} | variables,  # with the optimizer, as users run it
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    adapter, counts = json.loads(done.stdout)
    return adapter, counts


@pytest.fixture(params=["lavapipe", "swiftshader"])
def adapter(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """A pattern of the adapter's name, and the environment variables that choose it."""
    if request.param == "lavapipe":
        return "llvmpipe", {}
    assert Path(SWIFTSHADER).is_file(), (
        f"{SWIFTSHADER} is missing: apt-get install chromium (scripts/setup.sh browser), "
        "or name SwiftShader's ICD file in ONNX2WGSL_SWIFTSHADER_ICD"
    )
    return "SwiftShader", {"VK_ICD_FILENAMES": SWIFTSHADER}


@pytest.mark.parametrize("model", ["avatar", *STYLES])
def test_every_variant_is_exact_on_both_adapters(
    model: str, adapter: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    avatar = model == "avatar"
    example = case(AVATAR if avatar else mobile_unet_path(16, 8, model), each_pass=False)
    name, variables = adapter
    variants = VARIANTS if avatar else EACH_ONCE
    adapter_name, differing_bits = every_variant(example, tmp_path / "artifact", variants, **variables)
    assert re.search(name, adapter_name)
    assert differing_bits == dict.fromkeys(variants, 0)


def test_a_wrong_bit_would_be_counted(tmp_path: Path) -> None:
    example = case(mobile_unet_path(16, 8), each_pass=False)
    example.expected["output"].view(np.uint32)[0, 0, 0, 0] ^= 1
    _, counts = every_variant(example, tmp_path / "artifact", EACH_ONCE)
    assert counts == dict.fromkeys(EACH_ONCE, 1)
