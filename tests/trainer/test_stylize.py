"""Data sets of pictures from any other tool."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.face import detector
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.trainer.config import DataConfig
from onnx2wgsl.trainer.data.dataset import PairDataset
from onnx2wgsl.trainer.data.sampling import sample_state
from onnx2wgsl.trainer.data.store import counts, read_split
from onnx2wgsl.trainer.data.stylized import split_of
from onnx2wgsl.trainer.landmarks.warp import warped
from onnx2wgsl.trainer.renderer import FaceState, landmarks, render
from PIL import Image

from .command import refusal, succeed

WANTED = "not [478, 3] finite numbers: onnx2wgsl-train landmarks PHOTO --npy writes such a file"
STATES = [sample_state(DataConfig(), "train", index) for index in range(4)]
WIDTH, HEIGHT, SIDE, LEFT, TOP = 320, 240, 200, 90, 20
"""Pictures are wider than high, with a square render in them."""


def put(state: FaceState, path: Path, *, points: bool = True) -> np.ndarray:
    """Writes a picture that shows a state, and its landmarks beside it; returns these."""
    canvas = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    canvas[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = render(state, SIDE)
    Image.fromarray(canvas).save(path)
    x, y, z = landmarks(state).T
    picture_points = np.stack([(x * SIDE + LEFT) / WIDTH, (y * SIDE + TOP) / HEIGHT, z * SIDE / WIDTH], 1)
    if points:
        np.save(path.with_suffix(".npy"), picture_points)
    return picture_points


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Four photos and the same repainted: darker, and of half the size."""
    photos, painted = tmp_path / "photos", tmp_path / "painted"
    photos.mkdir()
    painted.mkdir()
    for number, state in enumerate(STATES):
        put(state, photos / f"face{number}.png")
        np.save(painted / f"face{number}.npy", np.load(photos / f"face{number}.npy"))
        with Image.open(photos / f"face{number}.png") as photo:
            darker = photo.resize((WIDTH // 2, HEIGHT // 2)).point(lambda value: value // 2)
            darker.save(painted / f"face{number}.jpg", quality=95)
    return photos, painted


def test_pictures_are_paired_by_name_and_split_by_it(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data = tmp_path / "data"
    output = succeed("stylize", *folders, "-o", data, "--val", "0.6", "--size", "64")
    validation = [n for n in range(4) if split_of(f"face{n}", 0.6) == "val"]
    training = [n for n in range(4) if n not in validation]
    assert 0 < len(validation) < 4
    assert output.endswith(
        f"{len(training)} pairs to train on, {len(validation)} held out, 0 pictures left out\n"
    )
    expected = {
        "train": len(training),
        "val": len(validation),
        "pose-extreme": 0,
        "speech": 0,
        "tracked": 0,
        "dev": 0,
    }
    assert counts(data) == expected
    pairs = read_split(data, "train")
    for place, number in enumerate(training):
        points = to_training_frame(np.load(folders[1] / f"face{number}.npy"), WIDTH / HEIGHT)
        np.testing.assert_array_equal(pairs.landmarks[place], points.astype(np.float32))
        np.testing.assert_array_equal(pairs.inputs[place], draw(pairs.landmarks[place], 64))
    assert PairDataset(data, "val", size=32)[0][1].shape == (3, 32, 32)
    description = json.loads((data / "dataset.json").read_text())
    assert description["source"] == "stylize"
    assert description["config"]["size"] == 64
    assert description["config"]["look"] == "stylized"


def test_a_look_has_a_name_that_addresses_can_have(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "a look of the name 'Oil Paint'" in refusal("stylize", *folders, "-o", data, "--look", "Oil Paint")
    assert not data.exists()
    succeed("stylize", *folders, "-o", data, "--val", "0.6", "--size", "64", "--look", "oil-paint")
    assert json.loads((data / "dataset.json").read_text())["config"]["look"] == "oil-paint"


def test_a_picture_is_placed_as_the_renderer_frames_it(tmp_path: Path) -> None:
    """A face of any size and place in a picture: what is made of it is the usual render."""
    state = FaceState(expression={"jaw": 0.5}, pose=(5.0, 20.0, -8.0))
    moved = FaceState(state.identity, state.expression, state.gaze, state.pose, (0.02, -0.03), 0.94)
    points = put(moved, tmp_path / "face.png").astype(np.float32)
    with Image.open(tmp_path / "face.png") as picture:
        target = warped(np.asarray(picture), points, landmarks(state), 128)
    usual = render(state, 128)
    face = draw(landmarks(state), 128).max(2) > 0
    error = np.abs(target[face].astype(float) - usual[face]).mean()
    shifted = np.abs(np.roll(usual, 2, axis=1)[face].astype(float) - usual[face]).mean()
    assert error < 0.6 * shifted, "it agrees to less than two pixels"
    placed = to_training_frame(points, WIDTH / HEIGHT)
    assert np.abs(placed[:, :2] - landmarks(state)[:, :2]).max() < 0.03


def test_a_large_picture_is_averaged_when_it_shrinks() -> None:
    """Lines of one pixel become grey everywhere, not a pattern."""
    lines = np.zeros((1024, 1024, 3), np.uint8)
    lines[:, ::2] = 255
    points = landmarks(FaceState())
    target = warped(lines, points, points, 64)
    assert np.abs(target.astype(int) - 127).max() <= 8


def test_landmarks_of_the_photo_are_taken_where_they_are_asked_for(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    for path in folders[1].glob("*.npy"):
        path.unlink()
    data = tmp_path / "data"
    options = ("-o", data, "--val", "0.6", "--size", "64", "--landmarks-from", "source")
    succeed("stylize", *folders, *options)
    assert sum(counts(data).values()) == 4


def test_landmarks_are_found_in_the_stylized_picture_or_else_in_the_photo(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = []
    monkeypatch.setattr(detector, "detect", lambda picture: shapes.append(picture.shape))
    for path in folders[1].glob("*.npy"):
        path.unlink()
    succeed("stylize", *folders, "-o", tmp_path / "data", "--val", "0.6", "--size", "64")
    assert shapes == [(HEIGHT // 2, WIDTH // 2, 3)] * 4
    for path in folders[0].glob("face[0-2].npy"):
        path.unlink()
    message = refusal("stylize", *folders, "-o", tmp_path / "data", "--val", "0.6")
    assert message.startswith("1 pairs to train on and 0 held out: neither can be 0; ")
    assert message.endswith("3 pictures were left out, such as face0: no face was found")


def test_a_face_is_found_without_any_landmarks_given(tmp_path: Path) -> None:
    state = FaceState(expression={"smile": 0.5})
    truth = put(state, tmp_path / "face.png", points=False)
    with Image.open(tmp_path / "face.png") as picture:
        points = detector.detect(np.asarray(picture))
    assert points is not None
    eyes = np.linalg.norm((truth[473] - truth[468])[:2] * [WIDTH, HEIGHT])
    error = np.linalg.norm((points - truth)[:, :2] * [WIDTH, HEIGHT], axis=1).mean()
    assert error < 0.1 * eyes


def test_pictures_without_a_pair_a_face_or_content_are_listed(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "detect", lambda _: None)
    photos, painted = folders
    put(STATES[0], photos / "alone.png")
    put(STATES[0], painted / "lonely.png")
    for name in ("faceless", "broken", "cropped", "odd", "words", "point"):
        put(STATES[1], photos / f"{name}.png", points=False)
        put(STATES[1], painted / f"{name}.png", points=False)
    (painted / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (100, 100)).save(painted / "cropped.png")
    np.save(painted / "odd.npy", np.zeros((468, 3)))
    np.save(painted / "words.npy", np.full((478, 3), "0.5"))
    np.save(painted / "point.npy", np.zeros((478, 3)))
    output = succeed("stylize", photos, painted, "-o", tmp_path / "data", "--val", "0.6")
    lines = output.splitlines()
    assert lines[-1].endswith("8 pictures left out")
    assert lines[:-1] == [
        f"left out: alone: {painted} has no picture of this name",
        f"left out: lonely: {photos} has no picture of this name",
        f"left out: broken: {painted / 'broken.png'} can't be read as a picture: "
        "its format is none of PNG, JPEG, WEBP, BMP; give a PNG, JPEG, WEBP or BMP file",
        "left out: cropped: the photo is 320x240, the stylized picture 100x100: landmarks of the "
        "one don't fit the other",
        "left out: faceless: no face was found",
        f"left out: odd: {painted / 'odd.npy'} holds float64 [468, 3], {WANTED}",
        "left out: point: the target points lie on a line or in one place: no rotation follows "
        "from them; give landmarks of a whole face",
        f"left out: words: {painted / 'words.npy'} holds <U3 [478, 3], {WANTED}",
    ]


def test_a_share_of_names_is_held_out_and_stays_so() -> None:
    names = [f"picture {number}" for number in range(2000)]
    tenth = {name for name in names if split_of(name, 0.1) == "val"}
    fifth = {name for name in names if split_of(name, 0.2) == "val"}
    assert 150 < len(tenth) < 250
    assert tenth < fifth


def test_what_cannot_be_done_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    photos, painted = folders
    empty = tmp_path / "empty"
    empty.mkdir()
    message = refusal("stylize", photos, empty, "-o", tmp_path / "data")
    assert message == (
        f"no picture of {photos} (4) has the name of one of {empty} (0): "
        "pairs are told by file names without the suffix"
    )
    message = refusal("stylize", photos, painted, "-o", tmp_path / "data", "--val", "0")
    assert "4 pairs to train on and 0 held out: neither can be 0" in message
    (painted / "face1.png").write_bytes((painted / "face1.jpg").read_bytes())
    message = refusal("stylize", photos, painted, "-o", tmp_path / "data")
    assert f"{painted / 'face1.jpg'} and {painted / 'face1.png'} have one name" in message


def test_a_second_run_takes_the_place_of_the_first_but_of_nothing_else(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for size in (64, 32):
        succeed("stylize", *folders, "-o", data, "--val", "0.6", "--size", str(size))
        assert read_split(data, "train").inputs.shape[1] == size
    path = data / "dataset.json"
    path.write_text(path.read_text().replace('"stylize"', '"data"'))
    message = refusal("stylize", *folders, "-o", data, "--val", "0.6")
    assert message == f"{data} holds a data set made by onnx2wgsl-train data: choose another folder"
