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
    """The lines of a run's log.jsonl; a last line that was cut off is left out."""
    lines = []
    for text in (folder / LOG).read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


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
