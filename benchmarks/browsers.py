"""Compares onnx2wgsl with the builds of onnxruntime-web in one Chromium, and writes docs/comparison.md.

    python benchmarks/browsers.py                    # writes the tables
    python benchmarks/browsers.py --frames 3 --print # prints them

For each model and system: what a page asks for and how much comes until the first result, the time to that,
the time of a frame later on, and how many values differ from what onnxruntime makes of the same input. Models
are the avatar and, of the tests, a small classifier.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx2wgsl.compiler import compile_file
from onnx2wgsl.compiler.reference.oracle import reference_of

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.coverage.cases import CASES  # noqa: E402

AVATAR = ROOT / "models" / "avatar_256_u8.onnx"
CLASSIFIER = ("mobilenet_v2_0.35", "u8s8_per_channel")
DOCUMENT = ROOT / "docs" / "comparison.md"
BEGIN, END = "<!-- benchmarks/browsers.py writes this -->\n", "<!-- to here -->\n"
OURS = "onnx2wgsl"
Row = Mapping[str, Any]


def prepared(name: str, source: Path, folder: Path) -> dict[str, Any]:
    """What browsers.js needs of a model, in a folder of its own."""
    home = folder / name
    home.mkdir()
    shutil.copyfile(source, home / "model.onnx")
    compile_file(source, home / "artifact")
    oracle = reference_of(onnx.load(source))
    (key,) = oracle.inputs
    dtype, shape = oracle.inputs[key]
    rng = np.random.default_rng(1)
    if dtype == np.uint8:
        values = rng.integers(0, 256, shape, np.uint8)
    else:
        values = rng.uniform(-1, 1, shape).astype(np.float32)
    (output, result), *_ = oracle.run({key: values}).items()
    return {
        "name": name,
        "folder": str(home / "artifact"),
        "model": str(home / "model.onnx"),
        "input": _tensor(key, values, folder / f"{name}_input.bin"),
        "reference": _tensor(output, result, folder / f"{name}_output.bin"),
    }


def _tensor(name: str, values: np.ndarray, path: Path) -> dict[str, Any]:
    path.write_bytes(np.ascontiguousarray(values).tobytes())
    return {"name": name, "type": str(values.dtype), "dims": list(values.shape), "file": path.name}


def measured(frames: int) -> dict[str, Any]:
    """What browsers.js measured."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sources = {"avatar_256_u8": AVATAR, "_".join(CLASSIFIER): _classifier()}
        models = [prepared(name, source, folder) for name, source in sources.items()]
        request, response = folder / "request.json", folder / "response.json"
        request.write_text(json.dumps({"frames": frames, "models": models}))
        subprocess.run(["node", ROOT / "benchmarks" / "browsers.js", request, response], check=True)
        return dict(json.loads(response.read_text()))


def _classifier() -> Path:
    return next(case for case in CASES if case.key == CLASSIFIER).path()


def tables(results: Mapping[str, Any], frames: int) -> str:
    """The section of the document."""
    web = json.loads((ROOT / "node_modules" / "onnxruntime-web" / "package.json").read_text())["version"]
    lines = [
        f"{date.today():%-d %B %Y}; {_processor()}; Chromium {results['browser']}, {results['adapter']}; "
        f"onnxruntime-web {web}, its pages isolated; reference: onnxruntime {onnxruntime.__version__}. "
        f"Times are of this machine's software adapter; medians of {frames} frames, in turns; load "
        f"{os.getloadavg()[1]:.1f}.\n"
    ]
    for model in dict.fromkeys(row["model"] for row in results["rows"]):
        rows = [row for row in results["rows"] if row["model"] == model]
        lines += [f"\n### {model}\n\n", *_table(rows)]
    return "".join(lines)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    heads = ("system", "requests, beside scripts", "MB gzip (plain)", "first result, ms", "frame, ms")
    yield f"| {' | '.join(heads)} | differing values |\n|---|---|---|---|---|---|\n"
    ours = next((row for row in rows if row["system"] == OURS and "failure" not in row), None)
    for row in rows:
        start = f"| {row['system']} ({row['build']}) |"
        if "requests" in row:
            start += (
                f" {row['requests']}, {row['beside']} | {row['bytes'] / 1e6:.2f} ({row['raw'] / 1e6:.2f}) |"
            )
            start += f" {row['first']:,.0f}{_ratio(row['first'], ours and ours['first'])} |"
        else:
            start += " | | |"
        if "failure" in row:
            yield f"{start} fails: {row['failure'].replace('|', '/')} | |\n"
            continue
        median = statistics.median(row["times"])
        base = statistics.median(ours["times"]) if ours else None
        yield f"{start} {median:,.0f}{_ratio(median, base)} | {_difference(row)} |\n"


def _ratio(time: float, base: float | None) -> str:
    return f" (x {time / base:.1f})" if base and time != base else ""


def _difference(row: Row) -> str:
    first, last = row["firstDiffers"], row["lastDiffers"]
    told = f"{first['count']:,} of {first['of']:,}"
    if first["count"]:
        told += f"; {first['beyond']:,} beyond 1e-5, the worst by {first['most']:.2g}"
    return told if first == last else f"{told}; in the last frame {last['count']:,}"


def _processor() -> str:
    """The processor, its vector width, and how many cores there are."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    entries = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(entries.get("flags", "").split())
    wide = "512 bits" if "avx512f" in flags else "256 bits" if "avx2" in flags else "128 bits"
    vnni = ", VNNI" if {"avx512_vnni", "avx_vnni"} & flags else ""
    cores = text.count("processor\t")
    return f"{entries.get('model name', platform.machine())}, vectors of {wide}{vnni}, {cores} cores"


def written(document: str, section: str) -> str:
    """The document with that section."""
    head, rest = document.split(BEGIN)
    return head + BEGIN + section + END + rest.split(END)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=11, help="timed frames of each system")
    parser.add_argument("--print", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    section = tables(measured(options.frames), options.frames)
    if options.print:
        print(section)
    else:
        DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8"), section), "utf-8")


if __name__ == "__main__":
    main()
