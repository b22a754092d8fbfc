"""The 478 landmarks of MediaPipe's face mesh: canonical positions, triangles, loops.

Vertices, triangles and loops are MediaPipe's (Apache-2.0, see NOTICE): 468 points of the canonical
face, in centimetres, x to the subject's left (the viewer's right), y up, z towards the
viewer. Points 468 to 477 are the irises: centre, then right, top, left, bottom as the viewer sees
them; 468-472 of the subject's right eye (left in the picture), 473-477 of the left.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

LANDMARKS = 478
MESH = 468
"""Points of the mesh; the irises follow."""

with np.load(Path(__file__).with_name("canonical_face.npz")) as _file:
    VERTICES = _file["vertices"][:, :3].astype(np.float64)
    """f64[468,3], centimetres."""
    UV = _file["vertices"][:, 3:].astype(np.float64)
    """f64[468,2], the unwrapped face; v points down."""
    TRIANGLES = _file["triangles"].astype(np.int32)
    """i32[898,3]."""

# Closed loops of points, as MediaPipe's face mesh has them.
FACE_OVAL = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]  # fmt: skip
LIPS_OUTER = [
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
]  # fmt: skip
LIPS_INNER_UPPER = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308]
LIPS_INNER_LOWER = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
LIPS_INNER = LIPS_INNER_LOWER + LIPS_INNER_UPPER[-2:0:-1]
BROW_RIGHT = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46]
BROW_LEFT = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276]
EYE_RIGHT = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246]
EYE_LEFT = [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466]
LID_UPPER_RIGHT = [246, 161, 160, 159, 158, 157, 173]
LID_LOWER_RIGHT = [7, 163, 144, 145, 153, 154, 155]
LID_UPPER_LEFT = [466, 388, 387, 386, 385, 384, 398]
LID_LOWER_LEFT = [249, 390, 373, 374, 380, 381, 382]
