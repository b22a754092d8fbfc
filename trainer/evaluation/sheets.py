"""Picture sheets: labelled rows of pictures in one small file."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..files import write_whole

Pictures = NDArray[np.uint8]

MOST_BYTES = 390_000
INK, PAPER = (20, 20, 30), (250, 250, 252)
MARGIN, LINE = 96, 18
"""Pixels left of the rows for their names (more where one is longer), and above the columns for
their captions."""


def write_sheet(
    path: Path, rows: Mapping[str, Pictures], captions: Sequence[str] = (), side: int = 128
) -> None:
    """Writes a JPEG of rows u8[N,S,S,3] by name, each picture resized to `side` pixels.

    Of a quality that keeps it below MOST_BYTES.
    """
    columns = max(len(pictures) for pictures in rows.values())
    top = LINE if captions else 0
    font = ImageFont.load_default(13)
    left = max(MARGIN, *(math.ceil(font.getlength(name)) + 8 for name in rows))
    sheet = Image.new("RGB", (left + columns * side, top + len(rows) * side), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, caption in enumerate(captions):
        pen.text((left + column * side + 4, 2), caption, INK, font)
    for row, (name, pictures) in enumerate(rows.items()):
        pen.text((4, top + row * side + side // 2 - 8), name, INK, font)
        for column, picture in enumerate(pictures):
            place = (left + column * side, top + row * side)
            sheet.paste(_fitted(picture, side), place)
    write_whole(path, _small_jpeg(sheet))


def _fitted(picture: Pictures, side: int) -> Image.Image:
    return Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)


def _small_jpeg(sheet: Image.Image) -> bytes:
    for quality in (92, 85, 75, 60, 45):
        data = io.BytesIO()
        sheet.save(data, "JPEG", quality=quality, subsampling=0)
        if data.tell() <= MOST_BYTES:
            break
    return data.getvalue()
