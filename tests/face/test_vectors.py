"""Python meets the worked cases of face/vectors.json; tests/js holds JavaScript to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.face.drawing import SPECIFICATION

from tests.face import vectors
from tests.golden import UPDATE

# The file rounds to ten decimals, and another processor rounds the last bits otherwise.
NEAR = 1e-9


def differences(committed: Any, fresh: Any, place: str) -> Iterator[str]:
    """Where two trees differ, numbers by more than NEAR."""
    if isinstance(committed, dict) and isinstance(fresh, dict):
        for name in committed.keys() | fresh.keys():
            yield from differences(committed.get(name), fresh.get(name), f"{place}/{name}")
    elif isinstance(committed, list) and isinstance(fresh, list) and len(committed) == len(fresh):
        if np.abs(np.subtract(committed, fresh)).max() > NEAR:
            yield place
    elif isinstance(committed, float) and isinstance(fresh, float):
        if abs(committed - fresh) > NEAR:
            yield place
    elif committed != fresh:
        yield place


def test_the_cases_are_as_python_works_them(request: pytest.FixtureRequest) -> None:
    anew = vectors.worked(vectors.read())
    stale = sorted(differences(vectors.read(), anew, "vectors.json"))
    if stale and request.config.getoption("--update-golden"):
        vectors.PATH.write_text(vectors.text(anew) + "\n", encoding="utf-8")
        stale = []
    assert stale == [], UPDATE


def test_the_file_is_laid_out_as_it_is_written() -> None:
    assert vectors.PATH.read_text(encoding="utf-8") == vectors.text(vectors.read()) + "\n"


def test_a_case_that_is_off_is_named() -> None:
    committed = vectors.read()
    off = vectors.read()
    off["fits"]["flat"]["rotation"][4] += 3e-9
    off["faces"]["photo"]["scale"] += 3e-9
    off["drawings"]["open 512"]["sha256"] = "0"
    del off["fits"]["mirrored"]["inverse"]
    assert sorted(differences(committed, off, "")) == [
        "/drawings/open 512/sha256",
        "/faces/photo/scale",
        "/fits/flat/rotation",
        "/fits/mirrored/inverse",
    ]


def test_pixels_show_the_fill_of_every_polygon_and_circle() -> None:
    drawings = vectors.read()["drawings"].values()
    colors = {color for drawing in drawings for color in drawing["pixels"]}
    assert {layer["fill"] for layer in SPECIFICATION["layers"] if "fill" in layer} <= colors
