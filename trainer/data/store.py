"""A data set on disk: `dataset.json`, and shards of pairs, one .npz file each.

    dataset.json        {"format": 1, "source": "data", "config": {fields of DataConfig},
                         "splits": {split: number of pairs}, "pairs_per_second": float once done,
                         "sha256": {name of a shard: checksum} once done}
    SPLIT-00000.npz     inputs u8[n,S,S,3], targets u8[n,S,S,3] RGB, landmarks f32[n,478,3]

Every shard of a split but the last has `config.shard` pairs. Equal pairs make equal bytes of a
shard. The checksums of the .npz (a zip file) tell a damaged shard, those of dataset.json also one
in the place of another.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import LANDMARKS
from onnx2wgsl.media.arrays import read_arrays
from onnx2wgsl.media.errors import MediaError

from ..config import SPLITS, Split
from ..errors import TrainerError
from ..files import read_json, replacing, write_whole

FORMAT = 1
DESCRIPTION = "dataset.json"
ANEW = "make the data set anew in an empty folder"
MOST = 1 << 24
"""Of pairs, and of pixels a side."""
Source = Literal["data", "stylize"]
"""The command that made a data set."""


@dataclass(frozen=True)
class Pairs:
    """Some pairs: inputs and targets u8[n,S,S,3] RGB, landmarks f32[n,478,3]."""

    inputs: NDArray[np.uint8]
    targets: NDArray[np.uint8]
    landmarks: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.landmarks)

    def part(self, first: int, last: int) -> Pairs:
        """Pairs `first` to `last - 1`, the same memory."""
        return Pairs(self.inputs[first:last], self.targets[first:last], self.landmarks[first:last])

    @staticmethod
    def empty(count: int, size: int) -> Pairs:
        """Room for pairs."""
        picture = (count, size, size, 3)
        return Pairs(
            np.zeros(picture, np.uint8),
            np.zeros(picture, np.uint8),
            np.zeros((count, LANDMARKS, 3), np.float32),
        )


_FIELDS = {"inputs": np.uint8, "targets": np.uint8, "landmarks": np.float32}


@dataclass(frozen=True)
class Shard:
    """Pairs `first` to `first + count - 1` of a split, in one file."""

    split: Split
    number: int
    first: int
    count: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.split}-{self.number:05}.npz"


def shards_of(counts: dict[Split, int], shard: int) -> Iterator[Shard]:
    """The shards of a data set with `counts` pairs a split, `shard` a file."""
    for split in SPLITS:
        count = counts[split]
        for number, first in enumerate(range(0, count, shard)):
            yield Shard(split, number, first, min(shard, count - first))


def write_shard(path: Path, pairs: Pairs) -> None:
    """Writes an .npz file whose bytes depend on the pairs alone, whole or not at all."""
    with replacing(path) as scratch, zipfile.ZipFile(scratch, "w") as archive:
        for field in _FIELDS:
            # A zip file has the time of each of its files: this is the earliest that it can have.
            info = zipfile.ZipInfo(f"{field}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(info, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, getattr(pairs, field), allow_pickle=False)


def read_shard(path: Path, count: int, size: int) -> Pairs:
    """The pairs of a shard that has `count` of them with `size` pixels a side.

    Raises:
        ValueError: the file is missing, truncated, damaged or another one; the message says which.
    """
    if not path.is_file():
        raise ValueError("it is no file" if path.exists() else "it is missing")
    try:
        arrays = read_arrays(path)
    except MediaError as error:
        raise ValueError(f"it is damaged ({error.reason})") from error
    empty = Pairs.empty(0, size)
    for field, dtype in _FIELDS.items():
        array, shape = arrays.get(field), (count, *getattr(empty, field).shape[1:])
        has = "missing" if array is None else f"{array.dtype}{list(array.shape)}"
        if has != f"{np.dtype(dtype)}{list(shape)}":
            raise ValueError(f"its {field} are {has}, not {np.dtype(dtype)}{list(shape)}")
    pairs = Pairs(**{field: arrays[field] for field in _FIELDS})
    if not np.isfinite(pairs.landmarks).all():
        raise ValueError("its landmarks are NaN or infinite")
    return pairs


def checksums(folder: Path, shards: Iterable[Shard]) -> dict[str, str]:
    """The SHA-256 of the files of shards by name, for dataset.json.

    Raises:
        TrainerError: one can't be read.
    """
    return {shard.name: _checksum(folder / shard.name) for shard in shards}


def _checksum(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainerError(f"{path} can't be read: {error.strerror or error}") from error


def write_description(folder: Path, description: dict[str, Any]) -> None:
    """Writes dataset.json."""
    text = json.dumps({"format": FORMAT} | description, indent=2) + "\n"
    write_whole(folder / DESCRIPTION, text.encode())


def read_description(folder: Path) -> dict[str, Any]:
    """What dataset.json of a data set says.

    Raises:
        TrainerError: the folder is no data set, or one of another format.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise TrainerError(
            f"{folder} is no data set: it has no {DESCRIPTION}. Make one: onnx2wgsl-train data -o {folder}"
        )
    description = read_json(path, ANEW)
    fault = _fault(description)
    if fault:
        raise TrainerError(f"{path} can't be read ({fault}): {ANEW}")
    return dict(description)


def _fault(description: Any) -> str | None:
    """What this module needs of a description and is not there, if anything."""
    if not isinstance(description, dict):
        return "it is no object"
    if description.get("format") != FORMAT:
        return f"it has format {description.get('format')!r}, this version reads format {FORMAT}"
    config, splits, sums = (description.get(name, {}) for name in ("config", "splits", "sha256"))
    if description.get("source") not in ("data", "stylize"):
        return f"its source is {description.get('source')!r}"
    if not all(isinstance(part, dict) for part in (config, splits, sums)):
        return "its config, splits or sha256 is no object"
    sizes = {"size": config.get("size"), "shard": config.get("shard")}
    for name, value, least in [
        *((n, v, 1) for n, v in sizes.items()),
        *((s, splits.get(s), 0) for s in SPLITS),
    ]:
        if type(value) is not int or not least <= value <= MOST:
            return f"its {name} is {value!r}, no whole number from {least} to {MOST}"
    return None


def counts(folder: Path) -> dict[Split, int]:
    """How many pairs each split of a data set has; 0 where it has none of a split."""
    splits = read_description(folder)["splits"]
    return {split: splits[split] for split in SPLITS}


def choosing_split(folder: Path) -> Split:
    """The split that chooses epochs: dev, or val where a data set has no dev."""
    return "dev" if counts(folder)["dev"] else "val"


def read_split(folder: Path, split: Split, limit: int | None = None) -> Pairs:
    """The pairs of a split, the first `limit` where that is given, in memory.

    Raises:
        TrainerError: the folder is no data set, has no pair of the split, or a shard that can't be
            read: the file, the reason and what to do.
    """
    reader = _Reader(folder, read_description(folder))
    count = reader.description["splits"][split]
    if count == 0:
        raise TrainerError(f"{folder} has no pairs of the split {split}")
    total = count if limit is None else min(count, limit)
    parts = shards_of({s: count * (s == split) for s in SPLITS}, reader.description["config"]["shard"])
    parts = takewhile(lambda part: part.first < total, parts)
    return reader.read(list(parts), total)


@dataclass(frozen=True)
class _Reader:
    """Reads shards as dataset.json describes them."""

    folder: Path
    description: dict[str, Any]

    def read(self, parts: Sequence[Shard], total: int) -> Pairs:
        """The first `total` pairs of consecutive shards."""
        size = self.description["config"]["size"]
        for part in parts:  # before there is memory for what may only be said to be there
            self._check_length(part, size)
        pairs = Pairs.empty(total, size)
        for part in parts:
            shard = self._shard(part, size)
            for field in _FIELDS:
                place = getattr(pairs, field)[part.first : part.first + part.count]
                place[:] = getattr(shard, field)[: len(place)]
        return pairs

    def _check_length(self, part: Shard, size: int) -> None:
        path = self.folder / part.name
        pair = sum(array.nbytes for array in vars(Pairs.empty(1, size)).values())
        if not path.is_file() or path.stat().st_size < part.count * pair:
            self._shard(part, size)

    def _shard(self, part: Shard, size: int) -> Pairs:
        path, checksum = self.folder / part.name, self.description.get("sha256", {}).get(part.name)
        try:
            pairs = read_shard(path, part.count, size)
            if checksum is not None and checksum != _checksum(path):
                raise ValueError(f"it is another one than {self.folder / DESCRIPTION} names")
        except ValueError as error:
            raise TrainerError(
                f"{path} can't be read: {error}. Run onnx2wgsl-train {self.description['source']} again "
                "with the same arguments: it writes only what is missing or damaged"
            ) from error
        return pairs
