"""face/vectors.json: worked cases that Python and JavaScript both meet.

Inputs stand in the file itself; what follows from them is made anew by `pytest tests/face
--update-golden`. Points are numbers in a row.

    fits      source, target, weights -> the similarity, where it takes the source (forward), and
              where the target comes from (inverse)
    faces     landmarks and the aspect of their picture -> the similarity from the canonical face,
              and the landmarks in the training frame (placed)
    drawings  face (its placed landmarks) and size -> the digest of Python's bytes, and some pixels
              by colour, x and y of each: their neighbours have that colour too, so that they are
              the same whatever a rasterizer makes of edges
    filters   a face, and moments of it: milliseconds, scale, and how far it is right and down ->
              the digest of all that the filter makes of it, f32, and the last of some points
"""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.drawing import SPECIFICATION, draw
from onnx2wgsl.face.procrustes import Similarity, fit, placement, to_training_frame

from tests.face.filter import LandmarkFilter

PATH = Path(__file__).parents[2] / "face" / "vectors.json"
DECIMALS = 10
SHOWN = [1, 13, 159, 473]
"""Of a filtered face: the nose, the upper lip, a lid, an iris."""
MARGIN, EACH = 2, 6
"""Pixels around one within which all are alike; how many are listed of each colour."""

Tree = dict[str, Any]
Points = NDArray[np.float64]


def read() -> Tree:
    """The file's content: cases by name, by kind."""
    content: Tree = json.loads(PATH.read_text(encoding="utf-8"))
    return content


def points(numbers: Iterable[float]) -> Points:
    """f64[n,3] of the numbers in a row."""
    return np.array(list(numbers), np.float64).reshape(-1, 3)


def landmarks(face: str) -> Points:
    """A face as it is seen in its picture, f64[478,3]."""
    return points(read()["faces"][face]["landmarks"])


def placed(face: str) -> Points:
    """A face in the training frame, f64[478,3]."""
    return points(read()["faces"][face]["placed"])


def worked(cases: Tree) -> Tree:
    """The same cases, with everything that follows from their inputs made anew."""
    faces = {name: _face(case) for name, case in cases["faces"].items()}
    return {
        "format": 1,
        "fits": {name: _fit(case) for name, case in cases["fits"].items()},
        "faces": faces,
        "drawings": {name: _drawing(case, faces) for name, case in cases["drawings"].items()},
        "filters": {name: _filter(case, cases["faces"]) for name, case in cases["filters"].items()},
    }


def _fit(case: Tree) -> Tree:
    source, target = points(case["source"]), points(case["target"])
    similarity = fit(source, target, np.array(case["weights"]))
    return {
        **{name: case[name] for name in ("source", "target", "weights")},
        **_similarity(similarity),
        "forward": _row(similarity.forward(source)),
        "inverse": _row(similarity.inverse(target)),
    }


def _face(case: Tree) -> Tree:
    face, aspect = points(case["landmarks"]), case["aspect"]
    return {
        "aspect": aspect,
        "landmarks": case["landmarks"],
        **_similarity(placement(face, aspect)),
        "placed": _row(to_training_frame(face, aspect)),
    }


def _similarity(similarity: Similarity) -> Tree:
    return {
        "scale": round(similarity.scale, DECIMALS),
        "rotation": _row(similarity.rotation),
        "translation": _row(similarity.translation),
    }


def _row(values: Points) -> list[float]:
    """Rounded numbers in a row; adding 0 makes -0 a 0."""
    return [float(value) for value in np.round(values.ravel(), DECIMALS) + 0.0]


def _drawing(case: Tree, faces: Tree) -> Tree:
    face, size = case["face"], case["size"]
    picture = draw(points(faces[face]["placed"]), size)
    digest = hashlib.sha256(picture.tobytes()).hexdigest()
    return {"face": face, "size": size, "sha256": digest, "pixels": _flat_pixels(picture)}


def _filter(case: Tree, faces: Tree) -> Tree:
    face, smooth = points(faces[case["face"]]["landmarks"]), LandmarkFilter()
    outputs = [
        smooth.apply(scale * face + [right, down, 0], time)
        for time, scale, right, down in np.reshape(case["moments"], (-1, 4)).tolist()
    ]
    digest = hashlib.sha256(np.array(outputs).tobytes()).hexdigest()
    last = _row(outputs[-1][SHOWN].astype(np.float64))
    return {"face": case["face"], "moments": case["moments"], "sha256": digest, "last": last}


def _flat_pixels(picture: NDArray[np.uint8]) -> dict[str, list[int]]:
    window = np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)
    flat = (cv2.erode(picture, window) == cv2.dilate(picture, window)).all(axis=2)
    places: dict[str, list[tuple[int, int]]] = {}
    for y, x in np.argwhere(flat).tolist():
        places.setdefault(f"#{picture[y, x].tobytes().hex()}", []).append((x, y))
    return {color: _some(places[color]) for color in sorted(places.keys() & _area_colors())}


def _area_colors() -> set[str]:
    """Colours that areas have; where thin lines lie close, they only seem to make one."""
    layers = SPECIFICATION["layers"]
    polygons = {layer["fill"] for layer in layers if "fill" in layer}
    patches = {fill for layer in layers for fill in layer.get("fills", ())}
    return {SPECIFICATION["background"]} | polygons | patches


def _some(places: Sequence[tuple[int, int]]) -> list[int]:
    """Up to EACH of the places, from the first to the last, in a row."""
    indices = np.linspace(0, len(places) - 1, min(EACH, len(places))).round().astype(int)
    return [number for index in indices for number in places[index]]


def text(tree: Mapping[str, Any], depth: int = 1) -> str:
    """JSON with a line for each name, and long rows of numbers wrapped."""
    pad = "  " * depth
    members = (f'{pad}"{name}": {_value(value, depth)}' for name, value in tree.items())
    return "{\n" + ",\n".join(members) + f"\n{pad[2:]}}}"


def _value(value: Any, depth: int) -> str:
    if isinstance(value, dict):
        return text(value, depth + 1)
    row = json.dumps(value)
    if len(row) < 90:
        return row
    pad = "  " * (depth + 1)
    lines = textwrap.fill(row[1:-1], 110, initial_indent=pad, subsequent_indent=pad)
    return f"[\n{lines}\n{pad[2:]}]"
