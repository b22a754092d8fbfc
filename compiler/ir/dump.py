"""The IR after every pass, collected as text and written to a folder."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_all
from .graph import Graph
from .program import Program
from .text import INLINE_ELEMENTS, format_graph, format_program


class Dump:
    """An observer of the pipeline that keeps each stage as text; a pass that runs twice is there twice."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.constants: dict[str, Any] = {}

    def __call__(self, name: str, stage: Graph | Program) -> None:
        file = f"{len(self.texts):02d}_{name}.ir"
        if isinstance(stage, Program):
            self.texts[file] = format_program(stage)
            return
        self.texts[file] = format_graph(stage)
        for value in stage.constants():
            if value.array.size > INLINE_ELEMENTS:
                self.constants[value.name] = value.array

    def write(self, folder: Path) -> None:
        """One .ir file a pass, and the data of large constants in constants.npz."""
        packed = io.BytesIO()
        np.savez_compressed(packed, **self.constants)
        files = {folder / name: text.encode() for name, text in self.texts.items()}
        write_all(files | {folder / "constants.npz": packed.getvalue()})
