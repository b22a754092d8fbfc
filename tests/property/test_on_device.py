"""WGSL on the real adapter against the simulator, bit for bit, in all variants.

A pipeline takes a software adapter about 50 ms to compile: each model holds many cases, and the
profile `ci` draws few models.
"""

import pytest
from hypothesis import given
from onnx2wgsl.compiler.fuzzing.kinds import SUPPORTED
from onnx2wgsl.compiler.fuzzing.models import Net, feed
from onnx2wgsl.compiler.fuzzing.nets import batches, nets, quantizers
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.stages import run_stage

from .checks import compile_net
from .gpu import in_every_variant
from .profiles import examples

MODELS = {"conv": 5}
MODELS_A_KIND = 2


def check_on_device(net: Net) -> None:
    """All outputs of every variant equal the simulator's."""
    model, program = compile_net(net)
    inputs = feed(net)
    expected = run_stage(program, inputs)
    for variant, outputs in in_every_variant(model, program, inputs):
        for name, want in expected.items():
            assert same_bits({name: outputs[name]}, {name: want}), f"{name}, {variant}"


@pytest.mark.parametrize("kind", SUPPORTED)
def test_cases_of_one_op_are_exact(kind: str) -> None:
    @examples(MODELS.get(kind, MODELS_A_KIND))
    @given(batches(kind))
    def check(net: Net) -> None:
        check_on_device(net)

    check()


@examples(8)
@given(quantizers())
def test_quantize_and_dequantize_are_exact(net: Net) -> None:
    check_on_device(net)


@examples(8)
@given(nets())
def test_random_nets_are_exact(net: Net) -> None:
    check_on_device(net)
