"""What moves within the face: eyeballs, lashes, brows, the mouth's inside, the skin itself."""

from __future__ import annotations

import numpy as np
from onnx2wgsl.face import topology

from . import head
from .expressions import MOUTH, turn_jaw
from .mesh import Points, Triangles, curve, ellipsoid, grid
from .parts import Material, Part, plain
from .rest import REST
from .state import FaceState

_SKIN_LINE, _LIPS_LINE, _EYE_LINE, _MOUTH_LINE = 1, 3, 6, 8
_UPPER_LIDS = {
    "right": [33, *topology.LID_UPPER_RIGHT, 133],
    "left": [263, *topology.LID_UPPER_LEFT, 362],
}
_LOWER_LIDS = {
    "right": [33, *topology.LID_LOWER_RIGHT, 133],
    "left": [263, *topology.LID_LOWER_LEFT, 362],
}
_BROWS = {
    # Upper and lower line of points, from the outer end inwards.
    "right": ([70, 63, 105, 66, 107], [46, 53, 52, 65, 55]),
    "left": ([300, 293, 334, 296, 336], [276, 283, 282, 295, 285]),
}


def _skin(surface: Points) -> list[Part]:
    coordinates = np.concatenate([head.SURFACE_UV, np.zeros((len(surface), 1))], axis=1)
    regions = {
        (head.SKIN, head.BEHIND): (Material.SKIN, _SKIN_LINE),
        (head.UPPER,): (Material.LIPS, _LIPS_LINE),
        (head.LOWER,): (Material.LIPS, _LIPS_LINE + 1),
    }
    return [
        Part(surface, head.SURFACE[np.isin(head.REGION, region)], material, line, coordinates)
        for region, (material, line) in regions.items()
    ]


def _eyes(state: FaceState, points: Points) -> list[Part]:
    eyes = []
    for index, (side, eye) in enumerate(head.eyes(state).items()):
        unit, triangles = ellipsoid((0, 0, 0), (1, 1, 1), 36, 24)
        # The poles of the ellipsoid's grid lie above and below; the iris is at +z.
        ball = (unit * head.EYEBALL_RADIUS) @ eye.axes.T + eye.center
        eyes.append(Part(ball, triangles, Material.EYE, _EYE_LINE + index, unit))
        eyes += _lids(points, eye.center, side, _EYE_LINE + index)
    return eyes


def _ribbon(base: Points, tip: Points, material: Material, line: int) -> Part:
    count = len(base)
    points = np.concatenate([base, tip])
    along = np.linspace(0, 1, count)
    coordinates = np.stack([np.repeat([0.0, 1.0], count), np.tile(along, 2), np.zeros(2 * count)], axis=1)
    return Part(points, grid(2, count, closed=False), material, line, coordinates)


def _lids(points: Points, center: Points, side: str, line: int) -> list[Part]:
    """Lashes: a dark line on the upper lid that grows into a wing outwards; a thin lower one."""
    lashes = []
    outward_x = -1.0 if side == "right" else 1.0
    for lids, thickness, up in ((_UPPER_LIDS, 0.34, 1.0), (_LOWER_LIDS, 0.10, -1.0)):
        base = curve(points[lids[side]], 25)
        t = np.linspace(0, 1, 25)[:, None]
        away = base - center
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        grow = thickness * (0.35 + 0.65 * (1 - t) ** 0.8) * np.minimum(1.0, 0.45 + 5 * (1 - t))
        wing = np.array([outward_x * 0.55, 0.30 * up, 0.0]) * np.exp(-((t / 0.16) ** 2)) * (up > 0)
        tip = base + np.array([0, up, 0]) * grow * 0.8 + away * (0.10 + 0.25 * grow) + wing
        lashes.append(_ribbon(base + away * 0.05, tip, Material.LASH, line))
    return lashes


def _brows(points: Points) -> list[Part]:
    brows = []
    for upper, lower in _BROWS.values():
        top, bottom = curve(points[upper], 21), curve(points[lower], 21)
        t = np.linspace(0, 1, 21)[:, None]
        full = np.minimum(1.0, 0.12 + 1.5 * t) * np.minimum(1.0, 1.0 - 0.25 * (t - 0.6).clip(0))
        middle = 0.45 * top + 0.55 * bottom
        lift = np.array([0, 0, 0.22])
        brows.append(
            _ribbon(
                middle + (bottom - middle) * 0.8 * full + lift,
                middle + (top - middle) * 0.8 * full + lift,
                Material.BROW,
                0,
            )
        )
    return brows


def _arc(y_top: float, y_bottom: float, width: float, z: float) -> tuple[Points, Triangles]:
    """A row of teeth: a curved band whose middle is at z."""
    x = np.linspace(-width, width, 25)
    depth = z - 0.62 * (x / width) ** 2 * width * 0.55
    shorter = 0.45 * (x / width) ** 4 * (y_top - y_bottom)
    top = np.stack([x, np.full(25, y_top), depth - 0.1], axis=1)
    bottom = np.stack([x, y_bottom + shorter, depth + 0.05], axis=1)
    return np.concatenate([top, bottom]), grid(2, 25, closed=False)


def _mouth(state: FaceState) -> list[Part]:
    """The mouth's inside: cavity, teeth and tongue; the lower half moves with the jaw."""
    jaw = state.expression.get("jaw", 0.0)
    tongue = state.expression.get("tongue", 0.0)
    still = REST + np.tensordot(np.asarray(state.identity), head.IDENTITIES, 1)
    shift = (still[[13, 14, 78, 308]] - REST[[13, 14, 78, 308]]).mean(0)
    y, z = MOUTH[1], MOUTH[2]

    bowl, bowl_triangles = ellipsoid((0, y - 0.1, z - 2.0), (2.9, 2.2, 2.2), 36, 18)
    bowl_triangles = bowl_triangles[bowl[bowl_triangles, 2].mean(1) < z - 1.9]
    bowl = turn_jaw(bowl, np.clip((y - bowl[:, 1]) / 1.2, 0, 1), jaw)
    upper = _arc(y + 0.9, y - 0.16, 2.0, z - 0.62)
    lower, lower_triangles = _arc(y - 0.42, y - 1.2, 1.9, z - 0.85)
    lower = turn_jaw(lower, np.full(len(lower), 0.97), jaw)
    body, body_triangles = ellipsoid(
        (0, y - 0.85 + 0.45 * tongue, z - 2.0 + 0.75 * tongue), (1.6, 0.62, 1.75), 24, 14
    )
    body = turn_jaw(body, np.full(len(body), 0.97 - 0.35 * min(tongue, 1.0)), jaw)
    return [
        plain((bowl + shift, bowl_triangles), Material.MOUTH, _MOUTH_LINE),
        plain((upper[0] + shift, upper[1]), Material.TEETH, _MOUTH_LINE + 1),
        plain((lower + shift, lower_triangles), Material.TEETH, _MOUTH_LINE + 2),
        plain((body + shift, body_triangles), Material.TONGUE, _MOUTH_LINE + 3),
    ]


def parts(state: FaceState) -> list[Part]:
    """All that an expression, a gaze or an identity moves, in the head's own coordinates."""
    surface = head.surface(state)
    points = surface[: topology.MESH]
    return [
        *_skin(surface),
        *_eyes(state, points),
        *_brows(points),
        *_mouth(state),
    ]
