"""Pairs from pictures of any other tool, in the place of the renderer's.

Photos, or frames of videos, went through a tool that repaints pictures (an img2img pipeline, a
painter), and came out under the same names. Each repainted picture becomes the target of a pair,
and the landmarks, found in it anew, the input: a tool that moves a mouth then still makes a pair
that agrees. Both are placed in the training frame by one similarity of the plane.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from onnx2wgsl.face import detector
from onnx2wgsl.face.detector import Landmarks, Picture
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.errors import FaceError
from onnx2wgsl.media.pictures import SUFFIXES
from rich.console import Console
from rich.progress import track

from ..config import SPLITS, DataConfig, Split
from ..errors import TrainerError
from ..landmarks import reading
from ..landmarks.warp import aspect, framed
from . import store
from .store import Pairs, Shard

LandmarksFrom = Literal["stylized", "source"]

LOOK = "stylized"
"""The look of pictures whose own has no name."""
_ASPECT_TOLERANCE = 0.02
"""A tool may round the sides of a picture, not crop it: landmarks are fractions of the sides."""


class LeftOutError(Exception):
    """Why a picture makes no pair."""


@dataclass
class Report:
    """What became of the pictures: pairs by split, and those left out with the reason of each."""

    counts: Counter[Split] = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)


def stylize(
    photos: Path,
    stylized: Path,
    folder: Path,
    *,
    size: int,
    val: float,
    landmarks_from: LandmarksFrom,
    out: Console,
    look: str = LOOK,
) -> Report:
    """Makes a data set of `size` pixels a side of the pictures in two folders, paired by name.

    val: about the share of pairs that are held out; which, follows from their names alone.
    landmarks_from: `stylized`, the repainted picture, or the photo where no face is found in that;
        or `source`, the photo. In place of finding them, NAME.npy beside the picture is read.
    look: what a page that has models of several looks calls this one.

    Raises:
        TrainerError: a look with other characters than small letters, digits and dashes; no pictures
            pair; either split would be empty; the folder holds a data set of
            the renderer; a shard can't be written.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", look):
        raise TrainerError(
            f"a look of the name {look!r}: it stands in addresses, so take up to 40 small letters, "
            "digits and dashes"
        )
    report = Report()
    pairs = _picture_pairs(photos, stylized, report)
    _claim(folder)
    writer = _Writer(folder, size, look)
    for name, (photo, painted) in track(
        pairs.items(), "placing faces", console=out, disable=not out.is_terminal
    ):
        try:
            target, points = _framed_pair(photo, painted, size, landmarks_from)
        except LeftOutError as reason:
            report.left_out[name] = str(reason)
            continue
        writer.add(split_of(name, val), target, points)
    report.counts = writer.counts
    _check(report)
    writer.finish()
    return report


def _check(report: Report) -> None:
    """Both splits need pairs."""
    if report.counts["train"] and report.counts["val"]:
        return
    example = next((f", such as {name}: {why}" for name, why in report.left_out.items()), "")
    raise TrainerError(
        f"{report.counts['train']} pairs to train on and {report.counts['val']} held out: neither "
        "can be 0; give more pictures, or another share with --val. "
        f"{len(report.left_out)} pictures were left out{example}"
    )


def split_of(name: str, val: float) -> Split:
    """The split of a picture: held out where its name's hash, as a fraction, is below `val`."""
    fraction = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
    return "val" if fraction < val else "train"


def _picture_pairs(photos: Path, stylized: Path, report: Report) -> dict[str, tuple[Path, Path]]:
    """The pictures that both folders have, by name; the others are reported as left out."""
    first, second = _pictures(photos), _pictures(stylized)
    for name in sorted(first.keys() ^ second.keys()):
        missing = stylized if name in first else photos
        report.left_out[name] = f"{missing} has no picture of this name"
    pairs = {name: (first[name], second[name]) for name in sorted(first.keys() & second.keys())}
    if not pairs:
        raise TrainerError(
            f"no picture of {photos} ({len(first)}) has the name of one of {stylized} "
            f"({len(second)}): pairs are told by file names without the suffix"
        )
    return pairs


def _pictures(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by name without the suffix."""
    pictures: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            if path.stem in pictures:
                raise TrainerError(
                    f"{pictures[path.stem]} and {path} have one name: pairs are told by the names "
                    "without the suffix; move one of them away"
                )
            pictures[path.stem] = path
    return pictures


def _claim(folder: Path) -> None:
    """Empties a folder of what this command made there before; nothing else may be there."""
    if not (folder / store.DESCRIPTION).exists():
        return
    source = store.read_description(folder)["source"]
    if source != "stylize":
        raise TrainerError(
            f"{folder} holds a data set made by onnx2wgsl-train {source}: choose another folder"
        )
    (folder / store.DESCRIPTION).unlink()
    for shard in folder.glob("*-[0-9][0-9][0-9][0-9][0-9].npz"):
        shard.unlink()


def _framed_pair(
    photo: Path, painted: Path, size: int, landmarks_from: LandmarksFrom
) -> tuple[Picture, Landmarks]:
    """The target u8[size,size,3] and landmarks f32[478,3] of a pair, in the training frame."""
    picture = _read(painted)
    points = _landmarks(painted, picture) if landmarks_from == "stylized" else None
    if points is None:
        original = _read(photo)
        if abs(aspect(original) / aspect(picture) - 1) > _ASPECT_TOLERANCE:
            raise LeftOutError(
                f"the photo is {original.shape[1]}x{original.shape[0]}, the stylized picture "
                f"{picture.shape[1]}x{picture.shape[0]}: landmarks of the one don't fit the other"
            )
        points = _landmarks(photo, original)
    if points is None:
        raise LeftOutError("no face was found")
    try:
        return framed(picture, points, size)
    except FaceError as error:
        raise LeftOutError(str(error)) from error


def _read(path: Path) -> Picture:
    try:
        return reading.read_picture(path)
    except TrainerError as error:
        raise LeftOutError(str(error)) from error


def _landmarks(path: Path, picture: Picture) -> Landmarks | None:
    """The landmarks of a picture: from the .npy beside it, or else found in it."""
    file = path.with_suffix(".npy")
    if not file.exists():
        return detector.detect(picture)
    try:
        return reading.read_landmarks(file)
    except TrainerError as error:
        raise LeftOutError(str(error)) from error


class _Writer:
    """Collects pairs and writes each shard as soon as it is full."""

    def __init__(self, folder: Path, size: int, look: str) -> None:
        self.folder = folder
        self.config = DataConfig(size=size, pose_extreme=0, speech=0, dev=0, noise=0.0, look=look)
        self.counts: Counter[Split] = Counter()
        self.open: dict[Split, Pairs] = {}

    def add(self, split: Split, target: Picture, points: Landmarks) -> None:
        """Adds a pair to a split."""
        place = self.counts[split] % self.config.shard
        if place == 0:
            self.open[split] = Pairs.empty(self.config.shard, self.config.size)
        pairs = self.open[split]
        pairs.inputs[place] = draw(points, self.config.size)
        pairs.targets[place] = target
        pairs.landmarks[place] = points
        self.counts[split] += 1
        if place + 1 == self.config.shard:
            self._write(split)

    def _write(self, split: Split) -> None:
        first = (self.counts[split] - 1) // self.config.shard * self.config.shard
        shard = Shard(split, first // self.config.shard, first, self.counts[split] - first)
        store.write_shard(self.folder / shard.name, self.open.pop(split).part(0, shard.count))

    def finish(self) -> None:
        """Writes what is left, and then dataset.json."""
        for split in list(self.open):
            self._write(split)
        config = replace(self.config, train=self.counts["train"], val=self.counts["val"])
        splits = {split: self.counts[split] for split in SPLITS}
        shards = store.shards_of(splits, config.shard)
        description = {
            "source": "stylize",
            "config": asdict(config),
            "splits": splits,
            "sha256": store.checksums(self.folder, shards),
        }
        store.write_description(self.folder, description)
