"""The IR after every pass of one compilation, in a folder that suffices to parse it back."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from ..folders.manifest import record, seal
from ..folders.writer import write_folder
from .graph import Graph
from .program import Program
from .text import Namer, external_data, format_ir
from .types import Array

MANIFEST = "dump.json"


class Dump:
    """Observes a pipeline: a text for each call, by file name; a pass that runs twice is there twice.

    What has an id keeps it in every text.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.constants: dict[str, Array] = {}
        self._namer = Namer()

    def __call__(self, name: str, stage: Graph | Program) -> None:
        """Adds the text of what the pass `name` left."""
        self.texts[f"{len(self.texts):02d}_{name}.ir"] = format_ir(stage, self._namer)
        self.constants |= external_data(stage)

    def write(self, folder: Path, force: bool = False) -> None:
        """One .ir file a pass, and in constants.npz, by digest, the data of `external` constants.

        The folder is replaced as an artifact's is: by its manifest, dump.json.
        """
        archive = io.BytesIO()
        np.savez_compressed(archive, **self.constants)  # type: ignore[arg-type]
        files = {name: text.encode() for name, text in self.texts.items()}
        files["constants.npz"] = archive.getvalue()
        manifest = {"format": "onnx2wgsl-ir", "files": [record(name, data) for name, data in files.items()]}
        write_folder(folder, files | {MANIFEST: seal(manifest)}, MANIFEST, force)
