"""Looks: the colours that an avatar is drawn in. All colours are sRGB in [0,1]."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import TrainerError
from .parts import Material

Color: TypeAlias = NDArray[np.float32]


def rgb(code: str) -> Color:
    """The colour of six hexadecimal digits."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)


@dataclass(frozen=True)
class Look:
    """A palette. `warm` and `cold` are the two neon lights, left and right of the viewer."""

    base: dict[Material, Color]
    iris: Color
    iris_low: Color
    shadow: Color
    """What a surface's colour is multiplied by in the shade."""
    warm: Color
    cold: Color
    ink: Color
    night: tuple[Color, Color]
    """The background's colours at the top and at the bottom."""
    signs: tuple[Color, ...] = field(default=())
    """The colours of its neon signs."""


_NEON = {
    Material.SKIN: "e9ae93",
    Material.LIPS: "c9405f",
    Material.EYE: "f3f1fa",
    Material.LASH: "170a20",
    Material.BROW: "33204f",
    Material.MOUTH: "3a0a1e",
    Material.TEETH: "f5f0f2",
    Material.TONGUE: "d0566e",
    Material.HAIR: "3b2f86",
    Material.STREAK: "e8329a",
    Material.SHIRT: "2b1740",
    Material.JACKET: "23263f",
    Material.METAL: "8d93b8",
    Material.GLOW_WARM: "ff5ab8",
    Material.GLOW_COLD: "5cf0ff",
}
_EMBER = _NEON | {
    Material.SKIN: "b9795a",
    Material.HAIR: "2a2530",
    Material.STREAK: "ff7a2e",
    Material.BROW: "20151c",
    Material.LIPS: "a63a44",
    Material.JACKET: "33222a",
    Material.GLOW_COLD: "ffd45c",
    Material.GLOW_WARM: "ff6a3c",
}

LOOKS = {
    "neon": Look(
        base={material: rgb(code) for material, code in _NEON.items()},
        iris=rgb("1486d8"),
        iris_low=rgb("6feaff"),
        shadow=np.array([0.64, 0.45, 0.64], np.float32),
        warm=rgb("ff2fa8"),
        cold=rgb("22d8ff"),
        ink=rgb("160822"),
        night=(rgb("150a33"), rgb("3a1258")),
        signs=(rgb("ff2fa8"), rgb("22d8ff"), rgb("8a3cff"), rgb("ff9a3c")),
    ),
    "ember": Look(
        base={material: rgb(code) for material, code in _EMBER.items()},
        iris=rgb("c07a1c"),
        iris_low=rgb("ffd97a"),
        shadow=np.array([0.55, 0.40, 0.50], np.float32),
        warm=rgb("ff6a2a"),
        cold=rgb("ffc44c"),
        ink=rgb("1a0a08"),
        night=(rgb("200a10"), rgb("4a1a14")),
        signs=(rgb("ff6a2a"), rgb("ffc44c"), rgb("e0344a"), rgb("ffe0a0")),
    ),
}


def look(name: str) -> Look:
    """The look of a name."""
    if name not in LOOKS:
        raise TrainerError(f"no look is named {name!r}; there are {', '.join(LOOKS)}")
    return LOOKS[name]
