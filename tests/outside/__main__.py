"""python -m tests.outside [--write]: runs the outside suites and compares or writes the report."""

from __future__ import annotations

import argparse
import sys

import onnxruntime
from rich.console import Console
from rich.progress import Progress

from .report import REPORT, WRITE, render
from .suites import run_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.outside", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write docs/{REPORT.name}")
    write = parser.parse_args().write
    onnxruntime.set_default_logger_severity(4)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cases", total=None)
        suites = run_all(lambda case: bar.update(task, advance=1, description=case.name))
    defects = {name: out for suite in suites for name, out in suite.defects().items()}
    for name, out in defects.items():
        print(f"{name}: {out.kind}: {out.reason}")
    text = render(suites)
    if write:
        REPORT.write_text(text)
    elif not REPORT.exists() or REPORT.read_text() != text:
        print(f"docs/{REPORT.name} is not what these suites give: {WRITE}")
        return 1
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
