"""One shader in the making: its bindings, constants and sections of weights.

Kernels bind buffers and define overridable constants on a `Shader`; backend/codegen.py puts it all into
the kernel's template.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ir.program import Source, View
from ..ir.types import Array

Json = dict[str, Any]


class Constants:
    """The weights: sections of words on 16-byte boundaries; equal ones are kept once."""

    def __init__(self) -> None:
        self._sections: list[Array] = []
        self._offsets: dict[bytes, int] = {}
        self._size = 0

    def add(self, data: Array) -> int:
        """Word offset of `data`, an array of bytes or of 4-byte elements."""
        raw = np.ascontiguousarray(data).tobytes()
        raw += bytes(-len(raw) % 16)
        key = hashlib.sha256(raw).digest()
        if key not in self._offsets:
            self._offsets[key] = self._size
            self._sections.append(np.frombuffer(raw, "<u4"))
            self._size += len(raw) // 4
        return self._offsets[key]

    def words(self) -> Array:
        """All sections in a row; never empty, since WebGPU has no empty binding."""
        return np.concatenate([*self._sections, np.zeros(0 if self._sections else 4, "<u4")])


@dataclass
class Shader:
    """One kernel on its way to text: its bindings and constants, in order of first request."""

    weights: Constants
    bindings: list[Json] = field(default_factory=list)
    constants: dict[str, tuple[str, float]] = field(default_factory=dict)

    def bind(self, name: str, buffer: str, access: str, type_: str) -> str:
        """The WGSL name of a buffer, bound once."""
        for binding in self.bindings:
            if binding["name"] == name:
                return name
        number = len(self.bindings)
        self.bindings.append(
            {"number": number, "name": name, "buffer": buffer, "access": access, "type": type_}
        )
        return name

    def define(self, type_: str = "u32", suffix: str = "", **values: float) -> None:
        """Overridable constants by name."""
        self.constants |= {name + suffix: (type_, value) for name, value in values.items()}

    def define_planes(self, shape: tuple[int, int, int], channels: int, suffix: str = "") -> None:
        """Strides of a row-major tensor of so many channels, whose pixels are [N, H, W]."""
        plane = shape[1] * shape[2]
        self.define(suffix=suffix, plane=plane, image=plane * channels)

    def constant(self, name: str, value: float, type_: str = "u32") -> None:
        """One overridable constant, its name given as text."""
        self.constants[name] = (type_, value)

    def arena(self) -> str:
        return self.bind("arena", "arena", "read_write", "u32")

    def table(self, data: Array) -> int:
        """Offset of a table, which the shader reads word by word."""
        self.bind("tables", "weights", "read", "u32")
        return self.weights.add(data)

    def operand(self, source: Source) -> tuple[str, int]:
        """The WGSL name of the array of words that holds a source, and where it begins in it."""
        if isinstance(source, View):
            return self.arena(), start_of(source)
        if isinstance(source, str):
            names = [b["name"] for b in self.bindings if b["buffer"] == f"input:{source}"]
            inputs = sum(b["buffer"].startswith("input:") for b in self.bindings)
            name = names[0] if names else f"input{inputs}"
            return self.bind(name, f"input:{source}", "read", "u32"), 0
        return "tables", self.table(source)

    def vectors(self, data: Array) -> int:
        """Offset in vec4 of an array that the shader reads four words at a time."""
        self.bind("weights", "weights", "read", "vec4u")
        return self.weights.add(data) // 4


def start_of(view: View) -> int:
    """First word of a view in the arena."""
    return (view.buffer.offset or 0) + view.first


def byte_word(value: int) -> int:
    """A word of four equal bytes."""
    return (value & 0xFF) * 0x01010101
