"""Draws the faces of face/vectors.json for tests/js: FOLDER SIZE... -> FOLDER/SIZE/FACE.png"""

from __future__ import annotations

import sys
from pathlib import Path

from onnx2wgsl.face.drawing import draw
from PIL import Image

from tests.face import vectors


def main(folder: str, *sizes: str) -> None:
    for size in sizes:
        target = Path(folder, size)
        target.mkdir()
        for face in vectors.read()["faces"]:
            Image.fromarray(draw(vectors.placed(face), int(size))).save(target / f"{face}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
