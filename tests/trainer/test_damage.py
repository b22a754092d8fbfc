"""Every file that the trainer reads, damaged in every way: it is read as before, or one error names it."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.trainer.data import store
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.evaluation import ablations, predict
from onnx2wgsl.trainer.export.provenance import command
from onnx2wgsl.trainer.landmarks.reading import read_landmarks, read_picture
from onnx2wgsl.trainer.models import (
    load_generator,
    load_metrics,
    load_recipe,
)
from onnx2wgsl.trainer.models.checksum import digest
from onnx2wgsl.trainer.training.log import read_log
from onnx2wgsl.trainer.training.loop import read_last

from tests.trainer.tiny import SIZE, Evil

FLIPS = 40


@dataclass(frozen=True)
class Kind:
    """A file in a folder, and what its reader makes of it.

    sealed: no other content is taken for it. described: the file that does not fit where it differs.
    """

    file: str
    read: Callable[[Path], Any]
    sealed: bool = False
    described: str = ""


def generator_state(folder: Path) -> str:
    return digest([load_generator(folder).state_dict(), load_metrics(folder)])


def pairs(folder: Path) -> bytes:
    split = store.read_split(folder, "val")
    return b"".join(array.tobytes() for array in vars(split).values())


def outputs(folder: Path) -> bytes:
    return predict.load(folder / "net.onnx", SIZE)(np.zeros((1, SIZE, SIZE, 3), np.uint8)).tobytes()


def measured(folder: Path) -> Any:
    """The figures of a step of the ablations in the folder."""
    steps = object.__new__(ablations.Ablations)
    steps.folder = folder.parent
    return steps.measurement(folder.name)


def spent(folder: Path) -> Any:
    steps = object.__new__(ablations.Ablations)
    steps.folder = folder.parent
    step = replace(ablations.steps(ablations.Budget())[0], name=folder.name)
    return steps._spend(step, 1.0)


KINDS = {
    kind.file: kind
    for kind in (
        Kind("best.pt", generator_state, sealed=True),
        Kind("last.pt", lambda folder: digest(read_last(folder)), sealed=True),
        Kind("val-00000.npz", pairs, sealed=True),
        Kind("dataset.json", pairs, described="val-00000.npz"),
        Kind("config.json", lambda folder: command(load_recipe(folder)) and load_recipe(folder)),
        Kind("log.jsonl", read_log),
        Kind("figures.json", measured),
        Kind("seconds.json", spent),
        Kind("face.npy", lambda folder: read_landmarks(folder / "face.npy").tobytes()),
        Kind("photo.png", lambda folder: read_picture(folder / "photo.png").tobytes()),
        Kind("net.onnx", outputs),
    )
}


def damages(content: bytes, opened: Path) -> Iterator[bytes]:
    """Other contents: broken off, with other bytes, of other kinds."""
    random = np.random.default_rng(len(content))
    for share in (0, 1, 3, 10, 50, 90, 99):
        yield content[: len(content) * share // 100]
    yield content[:-1]
    yield content[len(content) // 2 :]
    yield content + b"more"
    for _ in range(FLIPS):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), random.integers(1, 4)):
            damaged[place] ^= int(random.integers(1, 256))
        yield bytes(damaged)
    for place in (*range(0, min(len(content), 64), 3), *range(max(0, len(content) - 200), len(content), 7)):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        yield bytes(damaged)
    yield from (
        bytes(1000),
        b"\xff" * 1000,
        b"text",
        b"\x80\x02.",
        b"[" * 100_000,
        b"PK\x03\x04",
        b"null",
        b"{}",
    )
    yield from (b"[]", b"3", b'"text"', b'{"format": 1}', b'{"stage": []}', b"NaN", b"1e999", b"\xed\xa0\x80")
    yield pickle.dumps(Evil(opened))
    yield pickle.dumps({"architecture": Evil(opened)}, protocol=0)


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_named_or_read_as_before(name: str, whole: Path, tmp_path: Path) -> None:
    kind, folder = KINDS[name], tmp_path / "folder"
    shutil.copytree(whole, folder)
    content, expected = (folder / name).read_bytes(), kind.read(whole)
    others = [(whole / other).read_bytes() for other in KINDS if other != name]
    for damaged in (*damages(content, tmp_path / "opened"), *others):
        (folder / name).write_bytes(damaged)
        try:
            result = kind.read(folder)
        except TrainerError as error:
            files = [str(folder / file) for file in (name, kind.described) if file]
            assert any(file in str(error) for file in files), error  # noqa: PT017
        else:
            assert not kind.sealed or result == expected
    assert not (tmp_path / "opened").exists()
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(TrainerError):
        kind.read(folder)
