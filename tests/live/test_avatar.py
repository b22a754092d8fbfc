"""From landmarks to the generator's bytes: the drawing of vectors.json, and onnxruntime's picture of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.live import avatar
from onnx2wgsl.live.errors import LiveError
from onnx2wgsl.runtime_py.pictures import to_bytes

from tests.builders.qdq import QDQBuilder, QuantParams
from tests.face import vectors
from tests.js.live_models import generator
from tests.web import node, require_packages

ROOT = Path(__file__).parents[2]
TO_PIXELS = """
import { readFileSync } from 'node:fs';
import { toPixels } from './runtime_js/runtime.js';
const { shape, image, values } = JSON.parse(readFileSync(0, 'utf8'));
const pixels = toPixels({ name: 'y', shape, image }, Float32Array.from(values));
process.stdout.write(JSON.stringify([...pixels]));
"""

PAGE = """
import { readFileSync, writeFileSync } from 'node:fs';
import { createSession } from './runtime_js/runtime.js';
import { nodeAdapter } from './tests/js/host.js';
const [folder, source, target, side] = process.argv.slice(1);
const session = await createSession(folder, { adapter: nodeAdapter });
const drawing = { data: readFileSync(source), width: +side, height: +side };
const [{ name }] = session.inputs;
const [pixels] = Object.values(await session.run({ [name]: drawing }, { as: 'pixels' }));
writeFileSync(target, pixels);
session.destroy();
process.exit();
"""
"""The page's backend, where drawing and picture are bytes."""


@pytest.mark.parametrize("name", ["photo 256", "turned 256"])
def test_the_same_landmarks_give_the_same_bytes(name: str) -> None:
    """What the page draws is compared with this drawing in tests/js/drawing.test.js."""
    case = vectors.read()["drawings"][name]
    drawing = draw(vectors.placed(case["face"]), case["size"])
    assert hashlib.sha256(drawing.tobytes()).hexdigest() == case["sha256"]
    oracle = Oracle(avatar.DEFAULT, signed_integer_kernels=None)
    values = (drawing / 127.5 - 1).astype(np.float32).transpose(2, 0, 1)[None]
    (entrance,) = oracle.inputs
    (output,) = oracle.run({entrance: values}).values()
    expected = np.rint(output[0].astype(np.float64) * 127.5 + 127.5).clip(0, 255).transpose(1, 2, 0)
    with avatar.opened(None) as own:
        np.testing.assert_array_equal(own.picture(drawing), expected)


def test_the_pages_runtime_makes_the_same_bytes_of_a_drawing(tmp_path: Path) -> None:
    """On another implementation of WebGPU, with another driver."""
    require_packages("webgpu")
    onnx.save(generator(256, 3), tmp_path / "small.onnx")
    folder = compile_file(tmp_path / "small.onnx", tmp_path / "small").folder
    drawing = draw(vectors.placed("turned"), 256)
    np.dstack([drawing, np.full((256, 256), 255, np.uint8)]).tofile(tmp_path / "drawing")
    files = (folder, tmp_path / "drawing", tmp_path / "pixels", "256")
    command = [node(), "--input-type=module", "-e", PAGE, "--", *files]
    subprocess.run(command, cwd=ROOT, check=True)
    theirs = np.fromfile(tmp_path / "pixels", np.uint8).reshape(256, 256, 4)
    with avatar.opened(folder) as ours:
        np.testing.assert_array_equal(ours.picture(drawing), theirs[..., :3])


@pytest.mark.parametrize(("scale", "offset"), [(127.5, 127.5), (255.0, 0.0), (-58.395, 123.675)])
def test_bytes_of_values_are_those_of_the_page(scale: float, offset: float) -> None:
    ties = [(i + half - offset) / scale for i in range(256) for half in (0.5, 0.0)]
    values = np.array([*ties, 1e9, -1e9, 0, -0.0] * 4, np.float32)[: 3 * 26 * 26].reshape(1, 3, 26, 26)
    image = {"scale": scale, "offset": offset}
    asked = json.dumps({"shape": values.shape, "image": image, "values": values.ravel().tolist()})
    command = [node(), "--input-type=module", "-e", TO_PIXELS]
    process = subprocess.run(command, cwd=ROOT, input=asked, capture_output=True, text=True, check=True)
    theirs = np.reshape(json.loads(process.stdout), (26, 26, 4))[..., :3]
    ours = to_bytes(values[0], scale, offset)
    np.testing.assert_array_equal(ours, theirs)


def test_what_is_no_generator_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(LiveError, match=r"gone\.onnx: there is no such model; name one with --model"),
        avatar.opened(tmp_path / "gone.onnx"),
    ):
        pass
    builder = QDQBuilder()
    builder.output(builder.input((1, 3, 8, 16), QuantParams(1 / 127.5, 128)))
    onnx.save(builder.build(), tmp_path / "wide.onnx")
    compile_file(tmp_path / "wide.onnx", tmp_path / "wide")
    with pytest.raises(LiveError, match=r"wide is no generator: "), avatar.opened(tmp_path / "wide"):
        pass
