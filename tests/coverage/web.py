"""python -m tests.coverage.web [NETWORK ...]: what sessions give that fall back to onnxruntime-web.

On every network of docs/coverage.md (or these) with u8 activations that onnxruntime runs in integers: the
model that `compile --keep-onnx` keeps, run in onnxruntime-web, against onnxruntime on the model itself. How
the device compares with that is told there. Exit status 0 only where no value differs but in networks with
operators that onnxruntime-web rounds otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import onnx
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of
from onnx2wgsl.compiler.reference.portable import with_tables
from onnx2wgsl.compiler.reference.web import WebOracle
from onnx2wgsl.compiler.verify.compare import Difference, compare

from .cases import CASES
from .examine import sample

SAMPLES = 2


def main() -> int:
    """Prints a line a network, and how many values differ in all."""
    total, plain = Difference(), Difference()
    models = {True: 0, False: 0}
    for name, oracle, web in integer_oracles(sys.argv[1:]):
        difference = judged(oracle, web)
        total.add(difference)
        if not web.otherwise:
            plain.add(difference)
        models[not web.otherwise] += 1
        otherwise = ", ".join(f"{count} {kind}" for kind, count in sorted(web.otherwise.items()))
        print(
            f"{name}: {difference.differing} of {difference.values} {difference.first} {otherwise}",
            flush=True,
        )
    print(
        f"{models[True]} without operators that are rounded otherwise: {plain.differing} of {plain.values} "
        f"values differ; with {models[False]} more: {total.differing} of {total.values}"
    )
    return int(bool(plain.differing))


def integer_oracles(
    names: Sequence[str] = (), styles: Sequence[str] = ()
) -> Iterator[tuple[str, Oracle, WebOracle]]:
    """The networks that onnxruntime runs in integers, with u8 activations; of these names and styles.

    The second is onnxruntime, the third onnxruntime-web on what `compile --keep-onnx` keeps.
    """
    for case in CASES:
        if case.style.startswith("s8") or (names and case.network not in names):
            continue
        if styles and case.style not in styles:
            continue
        model = onnx.load(case.path())
        try:
            oracle = reference_of(model)
        except CompileError:
            continue  # no reference, as the report says
        if oracle.integer_groups().exact:
            yield " ".join(case.key), oracle, reference_of(with_tables(model)).in_web()


def judged(oracle: Oracle, web: WebOracle) -> Difference:
    """onnxruntime against onnxruntime-web."""
    feeds = [sample(oracle, seed) for seed in range(SAMPLES)]
    difference = Difference()
    for feed, want in zip(feeds, web.run(feeds), strict=True):
        difference.add(compare(want, oracle.run(feed)))
    return difference


if __name__ == "__main__":
    sys.exit(main())
