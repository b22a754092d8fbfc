"""python -m tests.coverage.web [NETWORK ...]: onnxruntime-web judges onnxruntime itself.

On every network of docs/coverage.md (or these) with u8 activations that onnxruntime runs in integers; how the
device compares with onnxruntime is told there. Exit status 0 only where no value differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import onnx
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of
from onnx2wgsl.compiler.reference.web import WebOracle
from onnx2wgsl.compiler.verify.compare import Difference, compare

from .cases import CASES
from .examine import sample

SAMPLES = 2


def main() -> int:
    """Prints a line a network, and how many values differ in all."""
    total = Difference()
    for name, oracle in integer_oracles(sys.argv[1:]):
        web = oracle.in_web()
        difference = judged(oracle, web)
        total.add(difference)
        otherwise = ", ".join(f"{count} {kind}" for kind, count in sorted(web.otherwise.items()))
        print(
            f"{name}: {difference.differing} of {difference.values} {difference.first} {otherwise}",
            flush=True,
        )
    print(f"{total.differing} of {total.values} values differ")
    return int(bool(total.differing))


def integer_oracles(names: Sequence[str] = (), styles: Sequence[str] = ()) -> Iterator[tuple[str, Oracle]]:
    """The networks that onnxruntime runs in integers, with u8 activations; of these names and styles."""
    for case in CASES:
        if case.style.startswith("s8") or (names and case.network not in names):
            continue
        if styles and case.style not in styles:
            continue
        try:
            oracle = reference_of(onnx.load(case.path()))
        except CompileError:
            continue  # no reference, as the report says
        if oracle.integer_groups().exact:
            yield " ".join(case.key), oracle


def judged(oracle: Oracle, web: WebOracle) -> Difference:
    """onnxruntime against onnxruntime-web."""
    feeds = [sample(oracle, seed) for seed in range(SAMPLES)]
    difference = Difference()
    for feed, want in zip(feeds, web.run(feeds), strict=True):
        difference.add(compare(want, oracle.run(feed)))
    return difference


if __name__ == "__main__":
    sys.exit(main())
