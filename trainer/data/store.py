"""A data set on disk: `dataset.json`, and shards of pairs, one .npz file each.

    dataset.json        {"format": 1, "source": "data", "config": {fields of DataConfig},
                         "splits": {split: number of pairs}, "pairs_per_second": float once done}
    SPLIT-00000.npz     inputs u8[n,S,S,3], targets u8[n,S,S,3] RGB, landmarks f32[n,478,3]

Every shard of a split but the last has `config.shard` pairs. Equal pairs make equal bytes of a
shard. The checksums of the .npz (a zip file) tell a damaged shard.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import LANDMARKS

from ..config import SPLITS, Split
from ..errors import TrainerError
from ..files import replacing, write_whole

FORMAT = 1
DESCRIPTION = "dataset.json"
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
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {field: _array(archive, field) for field in _FIELDS}
    except FileNotFoundError:
        raise ValueError("it is missing") from None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"it is damaged ({error})") from error
    pairs = Pairs(**arrays)
    wanted = Pairs.empty(0, size)
    for field, dtype in _FIELDS.items():
        array, shape = arrays[field], (count, *getattr(wanted, field).shape[1:])
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"its {field} are {array.dtype}{list(array.shape)}, not {np.dtype(dtype)}{list(shape)}"
            )
    return pairs


def _array(archive: zipfile.ZipFile, field: str) -> Any:
    """One array; reading it to its end compares its checksum."""
    with archive.open(f"{field}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise ValueError(f"{field}.npy is longer than its array")
        return array


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
    try:
        description: dict[str, Any] = json.loads(path.read_text())
        if description["format"] != FORMAT:
            raise TrainerError(
                f"{path} has format {description['format']}, this version reads format {FORMAT}: "
                "make the data set anew in an empty folder"
            )
        # What this module needs of it; a KeyError names what is missing.
        _ = description["source"], description["config"]["size"], description["config"]["shard"]
        _ = [int(description["splits"][split]) for split in SPLITS]
    except (FileNotFoundError, NotADirectoryError):
        raise TrainerError(
            f"{folder} is no data set: it has no {DESCRIPTION}. Make one: onnx2wgsl-train data -o {folder}"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise TrainerError(
            f"{path} can't be read ({type(error).__name__}: {error}): "
            "make the data set anew in an empty folder"
        ) from error
    return description


def counts(folder: Path) -> dict[Split, int]:
    """How many pairs each split of a data set has; 0 where it has none of a split."""
    splits = read_description(folder)["splits"]
    return {split: int(splits[split]) for split in SPLITS}


def read_split(folder: Path, split: Split, limit: int | None = None) -> Pairs:
    """The pairs of a split, the first `limit` where that is given, in memory.

    Raises:
        TrainerError: the folder is no data set, has no pair of the split, or a shard that can't be
            read: the file, the reason and what to do.
    """
    description = read_description(folder)
    size, shard = description["config"]["size"], description["config"]["shard"]
    count = counts(folder)[split]
    if count == 0:
        raise TrainerError(f"{folder} has no pairs of the split {split}")
    wanted = count if limit is None else min(count, limit)
    pairs = Pairs.empty(wanted, size)
    for part in shards_of({s: count * (s == split) for s in SPLITS}, shard):
        if part.first < wanted:
            _fill(pairs, part, folder / part.name, size, description["source"])
    return pairs


def _fill(pairs: Pairs, part: Shard, path: Path, size: int, source: Source) -> None:
    try:
        read = read_shard(path, part.count, size)
    except ValueError as error:
        raise TrainerError(
            f"{path} can't be read: {error}. Run onnx2wgsl-train {source} again with the same "
            "arguments: it writes only what is missing or damaged"
        ) from error
    for field in _FIELDS:
        place = getattr(pairs, field)[part.first : part.first + part.count]
        place[:] = getattr(read, field)[: len(place)]
