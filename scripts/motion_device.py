"""Asks scripts/reprojection.js for what the live page's own modules make of clips."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.motion_clips import SIZE, MotionClip
from tests.web import node

ROOT = Path(__file__).resolve().parents[1]
UNLIMITED = dict.fromkeys(("mouth", "lids", "gaze", "motion"), 1e9)
"""Limits of web/keyframe.js that call for no frame."""


class Device:
    """Jobs are asked for, run together, and read by the names that they got."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._jobs: list[dict[str, Any]] = []
        self._count = 0

    def ask(
        self,
        clip: MotionClip,
        every: int,
        limits: Mapping[str, float],
        pictures: NDArray[np.uint8] | None = None,
        slack: float = 1.0,
    ) -> str:
        """Which frames of a clip are the generator's, and what is shown of its pictures u8[n,256,256,3].

        Limits that are not told are the page's; all of them are wider by `slack`.
        """
        job = {"every": every, "limits": dict(limits), "slack": slack, "shown": pictures is not None}
        name = self._note(clip, job)
        if pictures is not None:
            (self._folder / f"{name}.pictures").write_bytes(pictures.tobytes())
        return name

    def ask_mesh(self, clip: MotionClip, lag: int) -> str:
        """The mesh that moves each frame from the one `lag` before."""
        return self._note(clip, {"lag": lag})

    def run(self) -> None:
        """Does the jobs."""
        (self._folder / "jobs.json").write_text(json.dumps(self._jobs))
        self._jobs.clear()
        script = ROOT / "scripts" / "reprojection.js"
        subprocess.run([node(), str(script), str(self._folder)], cwd=ROOT, check=True)

    def due(self, name: str) -> list[bool]:
        """Which frames are the generator's."""
        return list(json.loads((self._folder / f"{name}.json").read_text()))

    def pictures(self, name: str) -> NDArray[np.uint8]:
        """What was shown: u8[n,256,256,3]."""
        return np.fromfile(self._folder / f"{name}.shown", np.uint8).reshape(-1, SIZE, SIZE, 3)

    def mesh(self, name: str) -> NDArray[np.float32]:
        """f32[n,v,4]: x, y, u and v of each point."""
        points = int(self.triangles().max()) + 1
        return np.fromfile(self._folder / f"{name}.mesh", np.float32).reshape(-1, points, 4)

    def triangles(self) -> NDArray[np.int32]:
        """i32[t,3] of any mesh."""
        return np.fromfile(self._folder / "triangles.u16", np.uint16).reshape(-1, 3).astype(np.int32)

    def _note(self, clip: MotionClip, job: dict[str, Any]) -> str:
        name = f"{self._count}"
        self._count += 1
        (self._folder / f"{name}.landmarks").write_bytes(clip.landmarks.tobytes())
        self._jobs.append({"name": name} | job)
        return name
