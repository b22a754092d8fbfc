"""Writes face/outline.json: where the renderer's body is, for pages that cut the avatar out.

python scripts/outline.py            # writes it
python scripts/outline.py --check    # exit status 1 where the renderer's is another

The body stands still, so its outline is one polygon: fractions of the frame's side, y down. Of the hair it is
the points that lie furthest out in some direction, in centimetres of the canonical face: the outline is the
convex hull of where they are seen.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from onnx2wgsl.trainer.renderer import hair
from onnx2wgsl.trainer.renderer.body import NECK_LINE
from onnx2wgsl.trainer.renderer.parts import Material
from onnx2wgsl.trainer.renderer.rasterizer import rasterize
from onnx2wgsl.trainer.renderer.scene import scene
from onnx2wgsl.trainer.renderer.state import FaceState

FILE = Path(__file__).resolve().parent.parent / "face" / "outline.json"
SIDE = 1024
TOLERANCE = 1.5
"""Pixels of SIDE that the polygon may be off by."""
CLOTHES = (Material.SHIRT, Material.JACKET, Material.METAL, Material.GLOW_WARM, Material.GLOW_COLD)


DIRECTIONS = 160


def _hair() -> list[list[float]]:
    points = np.concatenate([part.points for part in hair.parts()])
    i = np.arange(DIRECTIONS)
    # Even on the sphere: Fibonacci's spiral.
    z, angle = 1 - (2 * i + 1) / DIRECTIONS, i * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - z**2)
    directions = np.stack([across * np.cos(angle), across * np.sin(angle), z], 1)
    furthest = np.unique((points @ directions.T).argmax(0))
    return [[float(v) for v in point] for point in np.round(points[furthest], 3)]


def content() -> str:
    """The text of the file."""
    mesh = scene(FaceState())
    below = mesh.points[mesh.triangles].mean(1)[:, 1] > 0.5  # ear-rings are of metal, too
    own = (np.isin(mesh.material, CLOTHES) & below) | (mesh.line == NECK_LINE)
    triangle, _, _ = rasterize(mesh.points * [SIDE, SIDE, 1.0], mesh.triangles[own], SIDE)
    mask = (triangle >= 0).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    corners = cv2.approxPolyDP(largest, TOLERANCE, closed=True)[:, 0]
    # Pixels are taken at their middles; those at the frame's edge reach to the edge.
    polygon = np.where(corners >= SIDE - 1, SIDE, np.where(corners <= 0, 0, corners + 0.5)) / SIDE
    document = {"format": 1, "body": np.round(polygon, 4).tolist(), "hair": _hair()}
    return json.dumps(document, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    fresh = content()
    if sys.argv[1:] == ["--check"]:
        sys.exit(FILE.read_text("utf-8") != fresh)
    FILE.write_text(fresh, "utf-8")
