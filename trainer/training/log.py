"""What a run tells: log.jsonl, TensorBoard, a picture sheet an epoch, lines on the console."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from ..errors import TrainerError
from ..files import write_whole

LOG = "log.jsonl"


class Log:
    """Writes to a run folder from an iteration on: what was logged beyond it is forgotten."""

    def __init__(self, folder: Path, iteration: int, out: Console) -> None:
        self.folder, self.out = folder, out
        self._path = folder / LOG
        if self._path.is_file():
            lines = [line for line in read_log(folder) if line["iteration"] <= iteration]
            text = "".join(json.dumps(line) + "\n" for line in lines)
            write_whole(self._path, text.encode())
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=iteration + 1)

    def event(self, iteration: int, event: str, **values: Any) -> None:
        """One line of log.jsonl; numbers also go to TensorBoard as event/name."""
        line = {"iteration": iteration, "event": event, "time": round(time.time(), 1)} | values
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        for name, value in values.items():
            if isinstance(value, int | float):
                self._board.add_scalar(f"{event}/{name}", value, iteration)

    def say(self, text: str) -> None:
        """A line for the person at the console."""
        self.out.print(text)

    def sheet(self, iteration: int, epoch: int, picture: Tensor) -> None:
        """sheets/EPOCH.png of u8[H,W,3]."""
        pixels = np.ascontiguousarray(picture.numpy())
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "PNG")
        write_whole(self.folder / "sheets" / f"{epoch:04}.png", png.getvalue())
        self._board.add_image("sheet", pixels, iteration, dataformats="HWC")

    def close(self) -> None:
        """Ends TensorBoard's file."""
        self._board.close()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log.jsonl; a last line that was cut off is left out.

    Raises:
        TrainerError: it can't be read, or another line is no event.
    """
    path = folder / LOG
    try:
        texts = path.read_bytes().split(b"\n")
    except OSError as error:
        raise TrainerError(f"{path} can't be read: {error.strerror or error}") from error
    lines = [_event(text) for text in texts]
    for number, line in enumerate(lines[:-1], 1):
        if line is None:
            raise TrainerError(f"{path} is damaged: line {number} is no event; mend it or delete that line")
    return [line for line in lines if line is not None]


def _event(text: bytes) -> dict[str, Any] | None:
    """What a line tells; None where it is no event."""
    try:
        line = json.loads(text)
        whole = isinstance(line["iteration"], int) and isinstance(line["event"], str)
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    return line if whole else None


def bar(out: Console) -> Progress:
    """A progress bar of iterations; nothing where the console is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
        disable=not out.is_terminal,
        transient=True,
    )
