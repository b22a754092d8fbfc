"""The page's display on wgpu-py: the same text, and within a step of the formula in f64."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.live.display import Display, shader
from onnx2wgsl.runtime_py.adapters import choose_adapter

from tests.web import node

ROOT = Path(__file__).parents[2]
DIGEST = """
import { createHash } from 'node:crypto';
import { DISPLAY } from './runtime_js/display_shader.js';
process.stdout.write(createHash('sha256').update(DISPLAY).digest('hex'));
"""
FORMULA = """
import { readFileSync, writeFileSync } from 'node:fs';
import { bicubic } from './tests/js/display.js';
const [source, target, side, size, sharpness] = process.argv.slice(1);
const picture = { data: readFileSync(source), width: +side, height: +side };
writeFileSync(target, new Uint8Array(Float64Array.from(bicubic(picture, +size, +size, +sharpness)).buffer));
"""


def run(script: str, *args: str | Path) -> str:
    """What an ES module prints."""
    command = [node(), "--input-type=module", "-e", script, "--", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_shader_is_the_pages_own() -> None:
    assert "fn bicubic(" in shader()
    assert hashlib.sha256(shader().encode()).hexdigest() == run(DIGEST)


def smooth(side: int) -> NDArray[np.uint8]:
    """A picture without hard edges, u8[side,side,3]."""
    y, x, c = np.indices((side, side, 3))
    return np.asarray(127.5 * (0.6 * np.sin(x / 5 + c) * np.cos(y / 7 - c) + 1.2), np.uint8)


def blocks(side: int) -> NDArray[np.uint8]:
    """A picture of hard edges, u8[side,side,3]."""
    y, x, c = np.indices((side, side, 3))
    return np.where(((x >> 2) + (y >> 2) + c) % 3 == 0, np.uint8(191), np.uint8(77))


@pytest.mark.parametrize("make", [smooth, blocks])
@pytest.mark.parametrize(("size", "sharpness"), [(48, 0.0), (70, 0.5), (101, 1.0)])
def test_a_picture_is_within_a_step_of_the_formula(
    tmp_path: Path, make: Callable[[int], NDArray[np.uint8]], size: int, sharpness: float
) -> None:
    side = 24
    picture = make(side)
    np.dstack([picture, np.full((side, side), 255, np.uint8)]).tofile(tmp_path / "picture")
    run(FORMULA, tmp_path / "picture", tmp_path / "expected", str(side), str(size), str(sharpness))
    expected = np.fromfile(tmp_path / "expected").reshape(size, size, 4)[..., :3]
    display = Display(choose_adapter(), side, size, sharpness)
    apart = np.abs(display.shown(picture) - expected)
    assert apart.max() <= 1
    assert apart.mean() < 0.3
    np.testing.assert_array_equal(display.shown(picture), display.shown(picture.copy()))
