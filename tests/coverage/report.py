"""docs/coverage.md: what was examined, as text that is the same for the same results."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from .examine import DIFFERS, EXACT, FAILS, FLOAT_REGIONS, REFUSED, TRANSPOSED, Examination

DOCUMENT = Path(__file__).parents[2] / "docs" / "coverage.md"
FUZZ = "## Fuzz runs"
_LIBRARIES = ("onnxruntime", "onnx", "torch", "wgpu")
_RESULTS = {
    EXACT: "compiled; on the adapter no bit differs from onnxruntime",
    TRANSPOSED: "as exact; but a ConvTranspose adds integers up where onnxruntime adds floats",
    FLOAT_REGIONS: "compiled; integers exact given the same inputs, floats that close",
    REFUSED: "not compiled, for the reason given",
    DIFFERS: "compiled, but bits differ: a mistake",
    FAILS: "an error that is no refusal: a mistake",
}
NOT_EXACT = (REFUSED, DIFFERS, FAILS)
_INTRODUCTION = """\
# Coverage

<!-- Written by `python -m tests.coverage --write`; only the fuzz runs at the end are kept. -->

Real networks, each quantized in several ways, compiled and compared with ONNX Runtime bit by bit.
The networks of tests/zoo follow published architectures, with seeded random weights that keep every
layer lively; others come with trained weights, or were quantized by amd-quark
([tests/data/NOTICE](../tests/data/NOTICE)).

Styles: u8s8 means uint8 activations and int8 weights. `operators` is the QOperator format,
`reduce_range` has weights of 7 bits, `dynamic` finds scales at run time, `xint8` (amd-quark) has
scales that are powers of two.

An integer group is what ONNX Runtime runs in integers; every bit it makes is compared, given the
same inputs. A float region is what the model leaves in float; its error is the largest difference
on the device, relative to the largest magnitude of the tensor; 1e-5 is allowed. Where ONNX Runtime
adds up a ConvTranspose between quantized tensors in float, the integer sum here may be one step
apart where that sum lies next to a rounding boundary; what follows is compared given the same.
"""
_EMPTY_FUZZ = """\
What `onnx2wgsl fuzz` printed, as recorded by
`onnx2wgsl fuzz ... | python -m tests.coverage --fuzz "onnx2wgsl fuzz ..."`.
"""


def render(examinations: Sequence[Examination], adapter: str, previous: str = "") -> str:
    """The whole document; the fuzz runs of a previous one are kept."""
    _, separator, runs = previous.partition(FUZZ)
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    parts = [
        _INTRODUCTION,
        f"With {libraries}, on {adapter}.\n",
        _summary(examinations),
        "## Networks\n",
        _networks(examinations),
        "## Results\n",
        _results(examinations),
        FUZZ + (runs.rstrip() + "\n" if separator else f"\n\n{_EMPTY_FUZZ}"),
    ]
    return "\n".join(parts)


def add_fuzz_run(document: str, command: str, output: str) -> str:
    """The document with one more fuzz run at its end."""
    block = output.strip("\n")
    return f"{document.rstrip()}\n\n`{command}`\n\n```\n{block}\n```\n"


def rows_of(document: str) -> set[tuple[str, str]]:
    """Network and style of every row of the results."""
    _, _, results = document.partition("## Results\n")
    rows = re.findall(r"^\| (\S+) \| (\S+) \|", results.partition(FUZZ)[0], re.MULTILINE)
    return {row for row in rows if row[0] not in ("network", "---")}


def _summary(examinations: Sequence[Examination]) -> str:
    counts = Counter(entry.verdict.result for entry in examinations)
    names = dict.fromkeys(entry.case.network for entry in examinations)
    families = {entry.case.family for entry in examinations}
    head = f"{len(names)} networks of {len(families)} families, {len(examinations)} models:\n"
    rows = [
        (result, str(counts[result]), meaning)
        for result, meaning in _RESULTS.items()
        if counts[result] or result in (EXACT, FLOAT_REGIONS, REFUSED)
    ]
    exact = [entry for entry in examinations if entry.verdict.result not in NOT_EXACT]
    groups = sum(len(entry.groups.integer) for entry in exact)
    line = f"{groups} integer groups in the {len(exact)} models that compiled, all of them exact."
    return f"{head}\n{_table(('result', 'models', 'meaning'), rows)}\n{line}\n"


def _networks(examinations: Sequence[Examination]) -> str:
    rows = []
    for name in dict.fromkeys(entry.case.network for entry in examinations):
        mine = [entry for entry in examinations if entry.case.network == name]
        first = mine[0]
        op_types = (t for t in first.op_types if t not in ("QuantizeLinear", "DequantizeLinear"))
        results = Counter(entry.verdict.result for entry in mine)
        verdicts = ", ".join(f"{results[key]} {key}" for key in _RESULTS if results[key])
        head = (name, first.case.family, first.case.origin, f"{first.parameters:,}")
        rows.append((*head, ", ".join(op_types), verdicts))
    return _table(("network", "family", "from", "parameters", "operators", "models"), rows)


def _results(examinations: Sequence[Examination]) -> str:
    rows = []
    for entry in examinations:
        integer = ", ".join(f"{count} {op_type}" for op_type, count in entry.groups.counts.items())
        verdict = entry.verdict
        text = f"{verdict.result}: {verdict.detail}" if verdict.detail else verdict.result
        groups = str(len(entry.groups.integer))
        groups += ", all exact" * (verdict.result not in NOT_EXACT and bool(entry.groups.integer))
        rows.append((*entry.case.key, str(entry.nodes), groups, integer, text))
    head = ("network", "style", "nodes", "integer groups", "in integers in onnxruntime", "result")
    return _table(head, rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
