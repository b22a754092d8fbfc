"""What every kind of operator promises of its models, also one that the compiler does not take yet:
onnxruntime loads and runs them, wholly in integers."""

import pytest
from hypothesis import given
from onnx2wgsl.compiler.fuzzing.kinds import KINDS, SUPPORTED
from onnx2wgsl.compiler.fuzzing.models import Builder, Net, feed
from onnx2wgsl.compiler.fuzzing.nets import batches
from onnx2wgsl.compiler.reference.oracle import reference_of

from .profiles import examples


@pytest.mark.parametrize("kind", KINDS)
def test_onnxruntime_runs_it_in_integers(kind: str) -> None:
    drawn = left_out = 0

    @examples(6)
    @given(batches(kind))
    def check(net: Net) -> None:
        nonlocal drawn, left_out
        built = Builder(net)
        model = built.model()
        drawn, left_out = drawn + len(net.nodes), left_out + built.left_out
        oracle = reference_of(model)
        groups = oracle.integer_groups()
        assert groups.exact, groups
        oracle.run(feed(net))

    check()
    assert left_out <= drawn / 2, "too many nodes find no operand that fits"


def test_supported_kinds_are_kinds() -> None:
    assert set(SUPPORTED) <= set(KINDS)
    assert len(set(SUPPORTED)) == len(SUPPORTED)
