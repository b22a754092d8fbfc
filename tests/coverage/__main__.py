"""python -m tests.coverage [--write] [--network NAME ...] [--fuzz COMMAND]"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from .cases import CASES, networks
from .examine import DIFFERS, FAILS, examine
from .report import DOCUMENT, add_fuzz_run, render


def main() -> int:
    """Exit status 0 only where nothing differs and nothing fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/coverage.md")
    parser.add_argument("--network", nargs="+", choices=networks(), help="only these; not written")
    parser.add_argument("--fuzz", metavar="COMMAND", help="record its output, read from stdin")
    options = parser.parse_args()
    previous = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    if options.fuzz:
        _replace(DOCUMENT, add_fuzz_run(previous, options.fuzz, sys.stdin.read()))
        return 0
    if options.write and options.network:
        parser.error("--write takes all networks")
    examinations = []
    for case in CASES:
        if options.network and case.network not in options.network:
            continue
        examination = examine(case)
        examinations.append(examination)
        print(*case.key, examination.verdict.result, examination.verdict.detail, flush=True)
    if options.write:
        _replace(DOCUMENT, render(examinations, _adapter(), previous))
    return int(any(examination.verdict.result in (DIFFERS, FAILS) for examination in examinations))


def _adapter() -> str:
    from onnx2wgsl.runtime_py.adapters import adapter_name, choose_adapter

    return adapter_name(choose_adapter())


def _replace(path: Path, text: str) -> None:
    """Written whole or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, delete=False, encoding="utf-8", newline="\n"
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


if __name__ == "__main__":
    sys.exit(main())
