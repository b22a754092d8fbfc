"""Measures predictors on the held-out splits, and writes what was found with pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.shape import FaceShape

from ..config import Split
from ..data import held_out, store
from ..errors import TrainerError
from ..files import require_own, write_whole
from ..landmarks.photo import framed_face
from ..renderer import landmarks, render
from ..training.perceptual import FeatureDistance
from . import predict
from .metrics import Figures, comb, comb_spectra, measure
from .predict import Predict
from .scenes import scenes
from .sheets import write_sheet
from .table import HELD_OUT, Row, markdown, perceptual

Pictures = NDArray[np.uint8]
TITLE = "# Evaluation"
MEAN_IMAGE = "mean image"
TRUTH, DRAWING = "truth", "drawing"
WIDTH = 1536
"""Pixels that the photos of a sheet take together at most."""
SHOWN = 12
"""Held-out pairs in a split's sheet."""


@dataclass(frozen=True)
class Entry:
    """A row of the table: a checkpoint, and the size that it is run at (None: as measured)."""

    name: str
    path: Path
    size: int | None = None

    @staticmethod
    def parse(text: str) -> Entry:
        """NAME=PATH or NAME=PATH@SIZE.

        Raises:
            TrainerError: neither of them.
        """
        name, equals, place = text.partition("=")
        path, at, size = place.rpartition("@")
        if at and size.isdigit():
            return Entry(name, Path(path), int(size))
        if not (name and equals and place):
            raise TrainerError(f"a row {text!r}: write NAME=RUN_OR_FILE or NAME=RUN_OR_FILE@SIZE")
        return Entry(name, Path(place))


@dataclass(frozen=True)
class Report:
    """What was measured: at `size` pixels a side, with a perceptual distance of that name."""

    size: int
    distance: str
    counts: Mapping[Split, int]
    rows: Sequence[Row]

    def gain(self, name: str, split: Split) -> float:
        """dB of PSNR above the mean image."""
        by_name = {row.name: row.figures[split].psnr for row in self.rows}
        return by_name[name] - by_name[MEAN_IMAGE]


class Evaluation:
    """Predictors of one data set, measured at one size (the stored one by default).

    A row that is run at another size gets drawings of that size, and its avatars are resized.

    Raises:
        TrainerError: the data set or a checkpoint can't be read, or a net can't be run at its size.
    """

    def __init__(
        self,
        data: Path,
        entries: Sequence[Entry],
        distance: FeatureDistance,
        size: int | None = None,
        limit: int | None = None,
    ) -> None:
        config = store.read_description(data)["config"]
        self.size = size or int(config["size"])
        self.look = str(config.get("look", "neon"))
        self._data, self._limit, self._distance = data, limit, distance
        there = store.counts(data)
        self.splits = [split for split in HELD_OUT if there[split]]
        self._sizes = {MEAN_IMAGE: self.size} | {e.name: e.size or self.size for e in entries}
        self._predict: dict[str, Predict] = {MEAN_IMAGE: predict.mean_image(data, self.size)}
        for entry in entries:
            self._predict[entry.name] = predict.load(entry.path, self._sizes[entry.name])

    def run(self, say: Callable[[str], None]) -> Report:
        """Measures every row on every held-out split."""
        figures: dict[str, dict[Split, Figures]] = {name: {} for name in self._predict}
        counts: dict[Split, int] = {}
        for split in self.splits:
            truth = self._read(split, self.size)
            counts[split] = len(truth)
            for name in self._predict:
                avatars = self._avatars(name, self._read(split, self._sizes[name]).inputs)
                figures[name][split] = measure(
                    avatars, truth.truths, truth.mouths, perceptual(self._distance)
                )
                say(f"{split}: {name} {figures[name][split].psnr:.2f} dB")
        rows = [Row(name, by_split) for name, by_split in figures.items()]
        return Report(self.size, self._distance.name, counts, rows)

    def _read(self, split: Split, size: int) -> held_out.Pictures:
        return held_out.read(self._data, split, size, self._limit)

    def _avatars(self, name: str, drawings: Pictures) -> Pictures:
        """A row's avatars at the measured size."""
        avatars = self._predict[name](drawings)
        if avatars.shape[1] == self.size:
            return avatars
        side = (self.size, self.size)
        how = cv2.INTER_AREA if avatars.shape[1] > self.size else cv2.INTER_CUBIC
        return np.stack([cv2.resize(p, side, interpolation=how) for p in avatars]).astype(np.uint8)

    def sheets(self, folder: Path) -> Iterator[Path]:
        """Writes picture sheets: held-out pairs of each split, visemes, blinks, extreme poses."""
        for split in self.splits:
            pairs = held_out.read(self._data, split, self.size)
            indices = np.linspace(0, len(pairs) - 1, min(SHOWN, len(pairs))).round().astype(int)
            points = store.read_split(self._data, split).landmarks[indices]
            path = folder / f"{split}.jpg"
            write_sheet(path, self._rows(points, pairs.truths[indices]))
            yield path
        for scene in scenes(self.look):
            points = np.stack([landmarks(state) for state in scene.states])
            truths = np.stack([render(state, self.size) for state in scene.states])
            path = folder / f"{scene.name}.jpg"
            write_sheet(path, self._rows(points, truths), scene.captions)
            yield path

    def _rows(self, points: NDArray[np.float32], truths: Pictures | None = None) -> dict[str, Pictures]:
        """The drawings, what each row but the mean image makes of them, and the truth."""
        rows = {DRAWING: np.stack([draw(face, self.size) for face in points])}
        for name, size in self._sizes.items():
            if name != MEAN_IMAGE:
                rows[name] = self._avatars(name, np.stack([draw(face, size) for face in points]))
        return rows if truths is None else rows | {TRUTH: truths}

    def photos(self, path: Path, photos: Sequence[Path], hidden: bool = False) -> dict[str, float]:
        """Writes a sheet with a column for each photo: the photo, its drawing, the avatars.

        The face is placed as training frames it, whatever its place in the photo, and drawn as a live page
        draws it: of the canonical face's shape (face/shape.py).

        Args:
            hidden: leave the photos themselves out of the sheet.

        Returns:
            By row, its combs against the truth of val (metrics.comb).

        Raises:
            TrainerError: a photo can't be read or shows no face, or mediapipe is missing.
        """
        faces = [framed_face(photo, self.size) for photo in photos]
        rows = {} if hidden else {"photo": np.stack([face.picture for face in faces])}
        drawn = [FaceShape().apply(face.landmarks, 0).astype(np.float32) for face in faces]
        avatars = self._rows(np.stack(drawn))
        write_sheet(path, rows | avatars, side=min(256, WIDTH // len(faces)))
        usual = comb_spectra(self._read("val", self.size).truths)
        return {
            name: comb(comb_spectra(pictures), usual) for name, pictures in avatars.items() if name != DRAWING
        }


def require_report(folder: Path) -> None:
    """Refuses a folder whose files a report would take the place of.

    Raises:
        TrainerError: one of them is no report's.
    """
    require_own(folder / "README.md", TITLE.encode())
    require_own(folder / "figures.json", b'"distance"')


def write_report(
    folder: Path, report: Report, pictures: Sequence[Path], photo_combs: Mapping[str, float] = {}
) -> None:
    """Writes figures.json and README.md, which shows the pictures (paths within the folder).

    photo_combs: what `photos` returned.
    """
    figures: dict[str, Any] = {
        "size": report.size,
        "distance": report.distance,
        "pictures": dict(report.counts),
        "rows": [row.as_json() for row in report.rows],
    }
    if photo_combs:
        figures["combs on photos"] = {name: round(value, 3) for name, value in photo_combs.items()}
    write_whole(folder / "figures.json", (json.dumps(figures, indent=2) + "\n").encode())
    counts = ", ".join(f"{count} of {split}" for split, count in report.counts.items())
    lines = [
        TITLE,
        "",
        f"At {report.size}x{report.size} pixels, means over held-out pictures ({counts}). Mouth: "
        "within the box of the lips. Sharpness: variance of the Laplacian as a share of the "
        "truth's. Comb: the greatest share, over periods of 2 to 5.3 pixels down and across, of the "
        "truth's energy.",
        "",
        markdown(report.rows, report.distance, report.counts),
        "### PSNR above the mean image, dB",
        "",
        "| | " + " | ".join(report.counts) + " |",
        "|---|" + "---:|" * len(report.counts),
    ]
    for row in report.rows:
        if row.name != MEAN_IMAGE:
            gains = (f"{report.gain(row.name, split):.2f}" for split in report.counts)
            lines.append(f"| {row.name} | {' | '.join(gains)} |")
    if photo_combs:
        shares = ", ".join(f"{name} {value:.2f}" for name, value in photo_combs.items())
        lines += ["", f"Combs on photos, as shares of the truth's on val: {shares}."]
    for picture in pictures:
        place = picture.relative_to(folder).as_posix()
        lines += ["", f"### {picture.stem}", "", f"![{picture.stem}]({place})"]
    write_whole(folder / "README.md", ("\n".join(lines) + "\n").encode())
