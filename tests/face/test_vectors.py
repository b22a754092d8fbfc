"""Python meets the worked cases of face/vectors.json; tests/js holds JavaScript to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.face.drawing import SPECIFICATION

from tests.face import vectors

# The file rounds to ten decimals, and another processor rounds the last bits otherwise.
NEAR = 1e-9
HINT = "run pytest tests/face --update-golden, look at the difference, and commit it"


def differences(held: Any, anew: Any, place: str) -> Iterator[str]:
    """Where two trees differ, numbers by more than NEAR."""
    if isinstance(held, dict) and isinstance(anew, dict):
        for name in held.keys() | anew.keys():
            yield from differences(held.get(name), anew.get(name), f"{place}/{name}")
    elif isinstance(held, list) and isinstance(anew, list) and len(held) == len(anew):
        if np.abs(np.subtract(held, anew)).max() > NEAR:
            yield place
    elif isinstance(held, float) and isinstance(anew, float):
        if abs(held - anew) > NEAR:
            yield place
    elif held != anew:
        yield place


def test_the_cases_are_as_python_works_them(request: pytest.FixtureRequest) -> None:
    anew = vectors.worked(vectors.read())
    stale = sorted(differences(vectors.read(), anew, "vectors.json"))
    if stale and request.config.getoption("--update-golden"):
        vectors.PATH.write_text(vectors.text(anew) + "\n", encoding="utf-8")
        stale = []
    assert stale == [], HINT


def test_the_file_is_laid_out_as_it_is_written() -> None:
    assert vectors.PATH.read_text(encoding="utf-8") == vectors.text(vectors.read()) + "\n"


def test_a_case_that_is_off_is_named() -> None:
    held = vectors.read()
    off = vectors.read()
    off["fits"]["flat"]["rotation"][4] += 3e-9
    off["faces"]["photo"]["scale"] += 3e-9
    off["drawings"]["open 512"]["sha256"] = "0"
    del off["fits"]["mirrored"]["inverse"]
    assert sorted(differences(held, off, "")) == [
        "/drawings/open 512/sha256",
        "/faces/photo/scale",
        "/fits/flat/rotation",
        "/fits/mirrored/inverse",
    ]


def test_pixels_show_the_fill_of_every_polygon_and_circle() -> None:
    drawings = vectors.read()["drawings"].values()
    shown = {color for drawing in drawings for color in drawing["pixels"]}
    assert {layer["fill"] for layer in SPECIFICATION["layers"] if "fill" in layer} <= shown
