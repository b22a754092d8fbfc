"""Writes into docs/performance.md what a page downloads to run the avatar.

python scripts/bytes.py            # writes it
python scripts/bytes.py --check    # exit status 1 where it is of another state
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from onnx2wgsl.compiler import compile_file

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "avatar_256_u8.onnx"
DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- scripts/bytes.py writes this -->\n", "<!-- to here -->\n"
PARTS = {"the runtime": ["runtime.js"], "model.json": ["model.json"], "shaders": ["shaders-*"]}
"""What comes before the first result, beside the weights."""
LATER = {
    "pictures to a canvas": ["pictures-*", "rare_shaders-*", "canvas-*"],
    "weights": ["weights-*"],
    "the page": ["index.html"],
    "its style": ["page.css"],
    "its script": ["page.js"],
    "self-test": ["self_test-*", "check-*"],
    "sources that are no folder's address": ["sources-*"],
    "bundles": ["bundle-*"],
    "what is said of failures": ["advice-*"],
}


def table(folder: Path) -> str:
    """The rows of an artifact."""
    rows = list(_rows(folder, PARTS))
    sizes = [sum(sizes) for sizes in zip(*(sizes for _, sizes in rows), strict=True)]
    rows += [("**together**", (sizes[0], sizes[1])), *_rows(folder, LATER)]
    lines = [f"| {name} | {plain:,} | {packed:,} |\n" for name, (plain, packed) in rows]
    return "".join(["| | bytes | gzip |\n", "|---|---|---|\n", *lines])


def _rows(folder: Path, parts: dict[str, list[str]]) -> Iterator[tuple[str, tuple[int, int]]]:
    for name, patterns in parts.items():
        files = [path.read_bytes() for pattern in patterns for path in folder.glob(pattern)]
        yield name, (sum(map(len, files)), sum(len(gzip.compress(data, 9)) for data in files))


def written(document: str, rows: str) -> str:
    """The document with these rows."""
    head, rest = document.split(BEGIN)
    return head + BEGIN + rows + END + rest.split(END)[1]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        compile_file(MODEL, Path(home, "avatar"))
        fresh = written(DOCUMENT.read_text("utf-8"), table(Path(home, "avatar")))
    if sys.argv[1:] == ["--check"]:
        sys.exit(DOCUMENT.read_text("utf-8") != fresh)
    DOCUMENT.write_text(fresh, "utf-8")
