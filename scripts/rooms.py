"""Draws the rooms of compiler/ and their arrows, from the imports: docs/images/rooms.svg.

    python scripts/rooms.py            # writes it
    python scripts/rooms.py --check    # exit status 1 where the picture is of another state

The rooms stand in the order of tests/test_layout.py, the lowest at the bottom. An arrow leads from a room
down to one that it imports; one that other arrows imply (a imports b, b imports c, a imports c) is left
out.
"""

from __future__ import annotations

import ast
import html
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
WIDTH, HEIGHT, GAP, LEFT, LANE = 130, 26, 14, 16, 15
"""Of a room's box, between boxes, of the margin, and between the arrows beside them; in pixels."""
ABOUT = {
    "errors": "exceptions",
    "budgets": "how large a model may be",
    "files": "files written whole or not at all",
    "arithmetic": "exact formulas, numpy only",
    "ir": "Graph, Program, text, verifiers",
    "reference": "ONNX Runtime, and what it does",
    "lowering": "what an operator is given",
    "operators": "one room an operator family",
    "frontend": "ONNX → Graph",
    "passes": "one pass a file",
    "pipeline": "the passes in order",
    "verify": "interpreter, simulator, comparison",
    "backend": "Program → WGSL, weights, folder",
    "driver": "compile a file",
    "strip": "onnx2wgsl strip",
    "fuzzing": "random models through every stage",
    "cli": "one command a file",
}


def rooms() -> list[str]:
    """The order of the rooms, as the test of the layout has it."""
    sys.path.insert(0, str(ROOT))
    from tests.test_layout import ROOMS

    return [name for name in ROOMS["compiler"] if name in ABOUT]


def files_of(room: str) -> list[Path]:
    """The Python files of a room."""
    folder = ROOT / "compiler" / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def imports(room: str, names: list[str]) -> set[str]:
    """The rooms that the files of one room import."""
    modules: set[str] = set()
    for path in files_of(room):
        depth = len(path.relative_to(ROOT / "compiler").parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == depth:
                modules |= {(node.module or alias.name).split(".")[0] for alias in node.names}
    return (modules & set(names)) - {room}


def arrows(order: list[str]) -> list[tuple[str, str]]:
    """(importer, imported) without those that others imply."""
    below = {room: imports(room, order) for room in order}

    def reach(room: str) -> set[str]:
        return below[room].union(*(reach(one) for one in below[room]))

    return [
        (room, one)
        for room in order
        for one in sorted(below[room], key=order.index)
        if not any(one in reach(other) for other in below[room])
    ]


def lanes(pairs: list[tuple[str, str]], order: list[str]) -> dict[tuple[str, str], int]:
    """How far beside the boxes each arrow runs: the shorter the nearer, none upon another."""
    span = {pair: sorted(order.index(room) for room in pair) for pair in pairs}
    lane_of: dict[tuple[str, str], int] = {}
    for pair in sorted(pairs, key=lambda pair: (span[pair][1] - span[pair][0], span[pair])):
        low, high = span[pair]
        occupied = {lane for other, lane in lane_of.items() if span[other][0] < high and low < span[other][1]}
        lane_of[pair] = next(lane for lane in range(len(pairs)) if lane not in occupied)
    return lane_of


def draw() -> str:
    """The picture, as the text of an SVG file."""
    order = rooms()
    top = {room: 12 + (len(order) - 1 - n) * (HEIGHT + GAP) for n, room in enumerate(order)}
    pairs = arrows(order)
    beside = lanes([pair for pair in pairs if order.index(pair[0]) - order.index(pair[1]) > 1], order)
    edge = LEFT + WIDTH
    text_at = edge + (max(beside.values(), default=0) + 2) * LANE + 12
    height = 12 + len(order) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{text_at + 250}" height="{height}" '
        f'viewBox="0 0 {text_at + 250} {height}" font-family="system-ui, sans-serif" font-size="13">',
        "<title>The rooms of compiler/ and what each imports</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#3b6ea5"/></marker></defs>',
        f'<rect width="{text_at + 250}" height="{height}" fill="#fff"/>',
    ]
    for room in order:
        kind = "/" if (ROOT / "compiler" / room).is_dir() else ".py"
        middle = top[room] + HEIGHT / 2
        parts += [
            f'<rect x="{LEFT}" y="{top[room]}" width="{WIDTH}" height="{HEIGHT}" rx="5" '
            'fill="#eef3f9" stroke="#3b6ea5"/>',
            f'<text x="{LEFT + 10}" y="{middle + 4.5}" font-weight="600">{room}{kind}</text>',
            f'<text x="{text_at}" y="{middle + 4.5}" fill="#444">{html.escape(ABOUT[room])}</text>',
        ]
    for number, (room, one) in enumerate(pairs):
        start, end = top[room] + HEIGHT, top[one]
        if (room, one) in beside:
            x = edge + (beside[room, one] + 1) * LANE
            out, into = top[room] + HEIGHT / 2 + 4, top[one] + HEIGHT / 2 - 4 + number % 3
            down = f"M{edge} {out}H{x - 6}Q{x} {out} {x} {out + 6}V{into - 6}"
            path = f"{down}Q{x} {into} {x - 6} {into}H{edge + 1}"
        else:
            path = f"M{LEFT + WIDTH / 2} {start}V{end - 1}"
        parts.append(f'<path d="{path}" fill="none" stroke="#3b6ea5" marker-end="url(#tip)"/>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> int:
    picture = draw()
    if "--check" in sys.argv[1:]:
        return int(not PICTURE.exists() or PICTURE.read_text("utf-8") != picture)
    PICTURE.write_text(picture, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
