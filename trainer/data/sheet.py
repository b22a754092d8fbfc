"""A picture that shows pairs of all splits."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..files import write_whole
from .store import counts, read_split

COLUMNS = 12


def write_sheet(folder: Path, path: Path) -> None:
    """Writes a picture of a data set: two rows a split, drawings over avatars, evenly spaced."""
    rows = []
    for split, count in counts(folder).items():
        if count:
            pairs = read_split(folder, split)
            indices = np.linspace(0, count - 1, COLUMNS).round().astype(int)
            rows += [np.hstack(list(pictures[indices])) for pictures in (pairs.inputs, pairs.targets)]
    data = io.BytesIO()
    Image.fromarray(np.vstack(rows)).save(data, "PNG")
    write_whole(path, data.getvalue())
