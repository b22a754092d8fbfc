"""Renders a data set in parallel processes: sharded, resumable, the same bytes from the same seed.

1. A folder with a data set of another configuration is refused.
2. A shard that is there is kept when it is whole and its first face is the one that would be made
   now; any other is made anew. So a run that was interrupted goes on where it stopped, a damaged
   shard is repaired, and pictures of an older renderer don't stay among newer ones. Where only the
   drawing of landmarks has changed, the drawings are made anew and the pictures kept.
3. Each shard is written whole by the process that rendered it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.detector import detect
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.procrustes import to_training_frame
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..config import DataConfig, Split
from ..errors import TrainerError
from ..renderer import FaceState, landmarks, render
from ..renderer.looks import look
from . import store
from .sampling import noise_stream, sample_state
from .store import MOST, Pairs, Shard
from .tracker import tracker

ATTEMPTS = 8
LEAST_TRACKED = 256
"""Pixels a side of a render that MediaPipe looks at, at least."""


@dataclass(frozen=True)
class Report:
    """What a run did: pairs rendered and pairs that were there, and the seconds that rendering took."""

    rendered: int
    existing: int
    seconds: float

    @property
    def pairs_per_second(self) -> float:
        """Of those that were rendered; 0 where none was."""
        return self.rendered / self.seconds if self.rendered else 0.0


def split_counts(config: DataConfig) -> dict[Split, int]:
    """How many pairs each split of a configuration has."""
    return {
        "train": config.train,
        "val": config.val,
        "pose-extreme": config.pose_extreme,
        "speech": config.speech,
        "tracked": config.tracked,
        "dev": config.dev,
    }


def make_pairs(config: DataConfig, split: Split, first: int, count: int) -> Pairs:
    """Renders pairs `first` to `first + count - 1` of a split."""
    pairs = Pairs.empty(count, config.size)
    for place in range(count):
        state, points = face(config, split, first + place)
        pairs.landmarks[place] = points
        pairs.inputs[place] = draw(pairs.landmarks[place], config.size)
        pairs.targets[place] = render(state, config.size)
    return pairs


def face(config: DataConfig, split: Split, index: int) -> tuple[FaceState, NDArray[np.float32]]:
    """A pair's face, and its landmarks f32[478,3] as the generator is shown them.

    Raises:
        TrainerError: the split is `tracked`, and MediaPipe is missing or finds no face.
    """
    if split == "tracked":
        return _tracked(config, index)
    state = sample_state(config, split, index)
    points = landmarks(state)
    rng = noise_stream(config, split, index)
    if split == "train" and rng.random() < config.noise:
        points = tracker().seen(points, rng)
    return state, points


def _tracked(config: DataConfig, index: int) -> tuple[FaceState, NDArray[np.float32]]:
    for attempt in range(ATTEMPTS):
        state = sample_state(config, "tracked", index + attempt * MOST)
        points = detect(render(state, max(config.size, LEAST_TRACKED)))
        if points is not None:
            return state, to_training_frame(points).astype(np.float32)
    raise TrainerError(f"MediaPipe finds none of {ATTEMPTS} faces for pair {index} of tracked: --tracked 0")


def make_shard(config: DataConfig, folder: Path, shard: Shard) -> None:
    """Renders a shard and writes it."""
    pairs = make_pairs(config, shard.split, shard.first, shard.count)
    store.write_shard(folder / shard.name, pairs)


def keep_shard(config: DataConfig, folder: Path, shard: Shard) -> bool:
    """Whether a shard is there, whole, and begins with the face that would be made now.

    Where only the drawing of that face has changed, all its drawings are made anew.
    """
    path = folder / shard.name
    try:
        pairs = store.read_shard(path, shard.count, config.size)
    except ValueError:
        return False
    first = make_pairs(config, shard.split, shard.first, 1)
    same_landmarks = np.array_equal(first.landmarks[0], pairs.landmarks[0])
    if not (same_landmarks and np.array_equal(first.targets[0], pairs.targets[0])):
        return False
    if not np.array_equal(first.inputs[0], pairs.inputs[0]):
        for place in range(shard.count):
            pairs.inputs[place] = draw(pairs.landmarks[place], config.size)
        store.write_shard(path, pairs)
    return True


def generate(config: DataConfig, folder: Path, processes: int, out: Console) -> Report:
    """Makes the data set of a configuration in a folder, or what is missing of it.

    The progress bar goes to `out` where that is a terminal.

    Raises:
        TrainerError: the folder holds another data set; or a shard can't be written, in which case
            those written before stay.
        KeyboardInterrupt: after the shards in work are written.
    """
    look(config.look)  # an unknown one is refused before anything is written
    _claim(config, folder)
    shards = list(store.shards_of(split_counts(config), config.shard))
    there = [shard for shard in shards if (folder / shard.name).exists()]
    with _progress(out) as progress, _workers(processes, out) as run:
        bar = progress.add_task("checking", total=_total(there))
        intact = set()
        for shard, good in run(keep_shard, config, folder, there):
            progress.advance(bar, shard.count)
            intact |= {shard} if good else set()
        missing = [shard for shard in shards if shard not in intact]
        progress.reset(bar, description="rendering", total=_total(missing))
        start = time.perf_counter()
        for shard, _ in run(make_shard, config, folder, missing):
            progress.advance(bar, shard.count)
        report = Report(_total(missing), _total(intact), time.perf_counter() - start)
    _close(config, folder, shards, report)
    return report


def _close(config: DataConfig, folder: Path, shards: Sequence[Shard], report: Report) -> None:
    """Writes into dataset.json what is known once all shards are there, where that is news."""
    before, sums = store.read_description(folder), store.checksums(folder, shards)
    if report.rendered or before.get("sha256") != sums:
        speed = round(report.pairs_per_second, 2) if report.rendered else before.get("pairs_per_second", 0.0)
        _describe(config, folder, pairs_per_second=speed, sha256=sums)


def _total(shards: Iterable[Shard]) -> int:
    return sum(shard.count for shard in shards)


def _claim(config: DataConfig, folder: Path) -> None:
    """Writes dataset.json; one that is there must be of the same configuration."""
    if not (folder / store.DESCRIPTION).exists():
        _describe(config, folder)
        return
    description = store.read_description(folder)
    old, new = description["config"], asdict(config)
    differences = [
        f"{name} {old.get(name)!r} there, {new.get(name)!r} asked for"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if description["source"] != "data":
        differences = [f"it was made by onnx2wgsl-train {description['source']}"]
    if differences:
        raise TrainerError(
            f"{folder} holds another data set: {'; '.join(differences)}. "
            "Choose another folder, ask for the same, or delete this one"
        )


def _describe(config: DataConfig, folder: Path, **more: Any) -> None:
    description = {"source": "data", "config": asdict(config), "splits": split_counts(config)}
    store.write_description(folder, description | more)


Work = Callable[[DataConfig, Path, Shard], Any]
Run = Callable[[Work, DataConfig, Path, Sequence[Shard]], Iterator[tuple[Shard, Any]]]


@contextmanager
def _workers(processes: int, out: Console) -> Iterator[Run]:
    """What does a piece of work for each shard, and yields it with the result once it is done.

    One process is this one. Where the body fails, the shards in work are finished, but no more.
    """
    if processes == 1:
        yield _one_by_one
        return
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    before = {name: os.environ.get(name) for name in threads}
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_start_worker)
    os.environ.update(threads)
    try:
        yield partial(_as_completed, pool)
    except BrokenProcessPool as error:
        raise TrainerError(
            "a rendering process was killed, perhaps for want of memory. The shards that were "
            "written are whole: run the same command again with fewer --processes"
        ) from error
    except KeyboardInterrupt:
        out.print("interrupted: finishing the shards in work")
        raise
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        pool.shutdown(cancel_futures=True)


def _one_by_one(
    work: Work, config: DataConfig, folder: Path, shards: Sequence[Shard]
) -> Iterator[tuple[Shard, Any]]:
    for shard in shards:
        yield shard, work(config, folder, shard)


def _as_completed(
    pool: ProcessPoolExecutor, work: Work, config: DataConfig, folder: Path, shards: Sequence[Shard]
) -> Iterator[tuple[Shard, Any]]:
    futures = {pool.submit(work, config, folder, shard): shard for shard in shards}
    for future in as_completed(futures):
        yield futures[future], future.result()


def _start_worker() -> None:
    """The keyboard's interrupt is the parent's to handle; OpenCV takes no threads of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _progress(out: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
        disable=not out.is_terminal,
    )
