"""WGSL on the real adapter against the simulator, bit for bit, in all variants.

A pipeline takes a software adapter about 50 ms to compile: each model holds many cases, and the
profile `ci` draws few models.
"""

import pytest
from hypothesis import given

from .checks import compile_net, run_stage, same_bits
from .gpu import OnDevice
from .models import feed
from .profiles import examples
from .strategies import Net, batches, nets, quantizers

MODELS = {"conv": 5, "concat": 5, "resize": 5, "pad": 5, "unary": 5, "requantize": 5}


def check_on_device(net: Net) -> None:
    """All outputs of every variant equal the simulator's."""
    model, program = compile_net(net)
    given_feed = feed(net)
    expected = run_stage(program, given_feed)
    on_device = OnDevice(model, program)
    try:
        for variant, outputs in on_device.run(given_feed):
            for name, want in expected.items():
                assert same_bits({name: outputs[name]}, {name: want}), f"{name}, {variant}"
    finally:
        on_device.close()


@pytest.mark.parametrize("kind", MODELS)
def test_cases_of_one_op_are_exact(kind: str) -> None:
    @examples(MODELS[kind])
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
