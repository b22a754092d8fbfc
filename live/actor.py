"""The live page's actor in Python: its own modules, bundled into dist/stage.js, in V8."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from py_mini_racer import MiniRacer

from .errors import LiveError

Landmarks = NDArray[np.float32]
Samples = NDArray[np.float32]
State = Literal["idle", "live", "held"]


class Actor:
    """Decides what face the avatar shows, as the page does, in every bit.

    likeness: 0 to 1, how much of the shape of their own face a person gives the avatar.
    emotions: what it feels, 0 to 1 by name.

    Raises:
        LiveError: there is no such emotion.
    """

    def __init__(self, likeness: float = 0.0, emotions: Mapping[str, float] | None = None) -> None:
        self._engine = MiniRacer()
        # An engine that is open when Python ends keeps it from ending.
        self._end = weakref.finalize(self, self._engine.close)
        self._stage = _evaluated(self._engine, f"{_text('live', 'dist/stage.js')};stage")
        self._stage["enter"](_text("face", "expressions.json"), _text("face", "framing.json"))
        self._seen = _numbers(self._stage["seen"])
        self._shown = _numbers(self._stage["shown"])
        self._follow = self._stage["follow"]
        self.state: State = "idle"
        """What it does: it is by itself, follows a face, or holds one that is lost."""
        self._stage["resemble"](likeness)
        names = self._stage["emotions"].split(",")
        if unknown := [name for name in emotions or {} if name not in names]:
            raise LiveError(f"there is no emotion {', '.join(unknown)}: name one of {', '.join(names)}")
        self._stage["feel"](json.dumps(dict(emotions or {})))

    def face(self, landmarks: Landmarks | None, aspect: float, time: float) -> Landmarks:
        """The landmarks f32[478,3] to show, as the generator's frame has them. Times go on.

        landmarks: f32[478,3] seen in a picture `aspect` times as wide as high; None where no face is.
        time: milliseconds.
        """
        if landmarks is not None:
            self._seen[:] = landmarks.ravel()
        self.state = self._follow(landmarks is not None, float(aspect), float(time))
        return self._shown.reshape(-1, 3).copy()

    def say(self, text: str) -> float:
        """Says an English text from time 0 on; returns the seconds that it takes."""
        return float(self._stage["say"](text))

    def hear(self, samples: Samples, rate: int) -> float:
        """Speaks from time 0 on as a recording f32[n] does, of `rate` a second; returns its seconds."""
        _numbers(self._stage["makeRoom"](len(samples)))[:] = samples
        self._stage["hear"](rate)
        return len(samples) / rate

    @property
    def heap(self) -> int:
        """Bytes that are in use in the engine's heap, after its waste is collected."""
        self._engine.low_memory_notification()
        return int(self._engine.heap_stats()["used_heap_size"])

    def close(self) -> None:
        """Ends the engine."""
        self._end()


def _evaluated(engine: MiniRacer, code: str) -> Any:
    return engine.eval(code)


def _text(package: str, name: str) -> str:
    return resources.files(f"onnx2wgsl.{package}").joinpath(name).read_text("utf-8")


def _numbers(memory: Any) -> NDArray[np.float32]:
    """The engine's own memory of a Float32Array."""
    return np.frombuffer(memory, np.float32)
