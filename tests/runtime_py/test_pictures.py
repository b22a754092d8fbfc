"""Pictures of any size are fitted and resized as docs/artifact.md says, to the bit as Pillow resizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.runtime_py import InferenceSession, InputError, Rectangle
from onnx2wgsl.runtime_py.pictures import Fit, fitted, placement, resize
from PIL import Image

from tests import pictures
from tests.runtime_py import tiny_artifact as tiny

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
SIDES = st.one_of(st.integers(1, 9), st.integers(1, 200))
BLACK = (0, 0, 0)


def noise(width: int, height: int, channels: int = 3) -> Pixels:
    return np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, channels), np.uint8)


def by_pillow(picture: Pixels, width: int, height: int, box: Box) -> Pixels:
    """Across, then down: each a call, because from Pillow 12 on sizes decide which comes first."""
    mode = {3: "RGB", 4: "RGBX"}[picture.shape[2]]
    image = Image.frombytes(mode, (picture.shape[1], picture.shape[0]), picture.tobytes())
    left, top, right, bottom = box
    bilinear = Image.Resampling.BILINEAR
    across = image.resize((width, image.height), bilinear, (left, 0, right, image.height))
    return np.asarray(across.resize((width, height), bilinear, (0, top, width, bottom)))


@st.composite
def boxes(draw: st.DrawFn, size: int) -> tuple[float, float]:
    """Two edges within a size, apart also as f32."""
    if draw(st.booleans()):
        return 0, size
    low, high = sorted(draw(st.lists(st.floats(0, size, width=32), min_size=2, max_size=2, unique=True)))
    return (low, high) if high - low > 1e-3 else (0, size)


@given(data=st.data(), source=st.tuples(SIDES, SIDES), size=st.tuples(SIDES, SIDES), alpha=st.booleans())
def test_it_resizes_as_pillow(
    data: st.DataObject, source: tuple[int, int], size: tuple[int, int], alpha: bool
) -> None:
    (left, right), (top, bottom) = (data.draw(boxes(side)) for side in source)
    picture = noise(*source, 3 + alpha)
    box = (left, top, right, bottom)
    assert np.array_equal(resize(picture, *size, box), by_pillow(picture, *size, box))


@given(source=st.tuples(SIDES, SIDES), size=st.tuples(SIDES, SIDES))
def test_the_middle_is_cut_with_the_inputs_proportions(
    source: tuple[int, int], size: tuple[int, int]
) -> None:
    left, top, right, bottom = placement(*source, *size, "cover").box
    assert left + right == pytest.approx(source[0])
    assert top + bottom == pytest.approx(source[1])
    assert (right - left) * size[1] == pytest.approx((bottom - top) * size[0])
    assert (left, right) == (0, source[0]) or (top, bottom) == (0, source[1])


def test_a_picture_of_the_inputs_size_is_left_as_it_is() -> None:
    picture = noise(7, 5)
    for fit in ("cover", "contain", "stretch", Rectangle(0, 0, 7, 5)):
        assert np.array_equal(fitted(picture, 7, 5, fit, BLACK), picture)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "size", "target"),
    [
        ((40, 20), (10, 10), (0, 2, 10, 5)),
        ((20, 40), (10, 11), (2, 0, 6, 11)),
        ((1000, 1), (8, 8), (0, 3, 8, 1)),
        ((1, 1000), (8, 8), (3, 0, 1, 8)),
        ((3, 3), (8, 8), (0, 0, 8, 8)),
    ],
)
def test_a_contained_picture_lies_in_the_middle_of_the_pad(
    source: tuple[int, int], size: tuple[int, int], target: tuple[int, int, int, int]
) -> None:
    assert placement(*source, *size, "contain").target == target
    picture = noise(*source)
    x, y, width, height = target
    result = fitted(picture, *size, "contain", (9, 8, 7))
    inside = result[y : y + height, x : x + width]
    assert np.array_equal(inside, by_pillow(picture, width, height, (0, 0, *source)))
    outside = np.ones(result.shape[:2], bool)
    outside[y : y + height, x : x + width] = False
    assert (result[outside] == (9, 8, 7)).all()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("fit", [None, "cover", "contain", "stretch", Rectangle(1.5, 0, 3, 2.25)])
def test_a_session_takes_pictures_of_any_size(tmp_path: Path, fit: Fit | None, channels: int) -> None:
    picture = noise(9, 5, channels)
    feed: dict[str, Any] = {"shift": np.zeros(5, np.uint8)}
    with InferenceSession(tiny.write(tmp_path / "a")) as session:
        results = session.run(None, feed | {"x": picture}, fit=fit)
        small = fitted(picture, 4, 4, fit or "cover", (0, 0, 0, 255)[:channels])
        expected = session.run(None, feed | {"x": small})
    for result, values in zip(results, expected, strict=True):
        assert np.array_equal(result, values)


def test_the_artifacts_fit_and_pad_are_taken(tmp_path: Path) -> None:
    model = tiny.description()
    model["inputs"][0]["image"] |= {"fit": "contain", "pad": [1, 2, 3]}
    picture = noise(9, 5)
    feed: dict[str, Any] = {"shift": np.zeros(5, np.uint8)}
    with InferenceSession(tiny.write(tmp_path / "a", model)) as session:
        (y, _) = session.run(None, feed | {"x": picture})
        (padded, _) = session.run(None, feed | {"x": fitted(picture, 4, 4, "contain", (1, 2, 3))})
    assert np.array_equal(y, padded)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ("crop", "fit is 'crop'; give one of cover, contain, stretch, or a Rectangle"),
        (
            Rectangle(5, 0, 5, 5),
            "the rectangle 5x5 at (5, 0) lies not within the picture of 9x5",
        ),
        (Rectangle(0, 0, 0, 5), "the rectangle 0x5 at (0, 0) lies not within the picture of 9x5"),
        (Rectangle(-1, 0, 5, 5), "the rectangle 5x5 at (-1, 0) lies not within the picture of 9x5"),
        (
            Rectangle(0, float("nan"), 5, 5),
            "the rectangle 5x5 at (0, nan) lies not within the picture of 9x5",
        ),
        (Rectangle(0, 0, 1e300, 5), "the rectangle 1e+300x5 at (0, 0) lies not within the picture of 9x5"),
    ],
)
def test_a_fit_that_is_none_is_refused_and_the_next_run_works(tmp_path: Path, fit: Fit, message: str) -> None:
    feed: dict[str, Any] = {"shift": np.zeros(5, np.uint8), "x": noise(9, 5)}
    with InferenceSession(tiny.write(tmp_path / "a")) as session:
        before = session.run(None, feed)
        with pytest.raises(InputError) as caught:
            session.run(None, feed, fit=fit)
        assert str(caught.value) == message
        assert np.array_equal(session.run(None, feed)[0], before[0])


def test_the_worked_cases_are_those_of_this_runtime() -> None:
    assert pictures.FILE.read_text("utf-8") == pictures.text()
