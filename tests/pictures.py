"""Worked cases of pictures that are brought to an input's size, for both runtimes: pictures.json.

    python -m tests.pictures      # writes it anew; look at the difference

A case has the size of a picture of RGBA bytes, byte i being bits 13 to 20 of i * 2654435761 (mod 2^32), the
size of the input, the fit, and the first 16 hex digits of the SHA-256 of the RGBA bytes that the input gets.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.runtime_py import Rectangle
from onnx2wgsl.runtime_py.pictures import fitted

FILE = Path(__file__).with_suffix(".json")
PAD = (10, 20, 30, 255)
SIZES = [
    ((8, 8), (8, 8)),
    ((13, 7), (8, 8)),
    ((7, 13), (8, 8)),
    ((3, 5), (8, 8)),
    ((1, 1), (8, 8)),
    ((301, 1), (8, 8)),
    ((1, 299), (8, 8)),
    ((640, 363), (8, 8)),
    ((61, 47), (17, 31)),
    ((5, 9), (64, 20)),
]
"""Of the picture and of the input, both (width, height)."""


def picture(width: int, height: int) -> NDArray[np.uint8]:
    """u8[height, width, 4]."""
    numbers = np.arange(4 * width * height, dtype=np.uint32) * np.uint32(2654435761)
    return (numbers >> np.uint32(13)).astype(np.uint8).reshape(height, width, 4)


def fits(width: int, height: int) -> list[Any]:
    """As they are written in the file."""
    rectangle = {"x": width * 0.3, "y": height * 0.1, "width": width * 0.55, "height": height * 0.75}
    return ["cover", "contain", "stretch", rectangle]


def expected(size: tuple[int, int], input_size: tuple[int, int], fit: Any) -> str:
    """What the file says of a case."""
    chosen = Rectangle(**fit) if isinstance(fit, dict) else fit
    return hashlib.sha256(fitted(picture(*size), *input_size, chosen, PAD).tobytes()).hexdigest()[:16]


def content() -> dict[str, Any]:
    """The content of the file."""
    return {
        "pad": PAD[:3],
        "cases": [
            {"size": size, "input": input_size, "fit": fit, "sha256": expected(size, input_size, fit)}
            for size, input_size in SIZES
            for fit in fits(*size)
        ],
    }


def text() -> str:
    """One case a line."""
    cases = content()
    lines = ",\n".join(f"  {json.dumps(case)}" for case in cases["cases"])
    return f'{{\n "pad": {json.dumps(cases["pad"])},\n "cases": [\n{lines}\n ]\n}}\n'


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
