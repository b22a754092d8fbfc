"""Interpreter and simulator against onnxruntime: the import and after every pass, bit for bit."""

import pytest
from hypothesis import given
from onnx2wgsl.compiler.fuzzing.kinds import SUPPORTED
from onnx2wgsl.compiler.fuzzing.models import Net
from onnx2wgsl.compiler.fuzzing.nets import batches, nets, oddly_scaled, quantizers, wild_nets

from .checks import check_float_or_exact, check_refused_or_exact, check_stages
from .profiles import examples

# Models of 8 to 12 cases. A unary op asks ONNX Runtime for a table at each stage: fewer of them.
MODELS = {"conv": 40, "unary": 15}
MODELS_A_KIND = 12


@pytest.mark.parametrize("kind", SUPPORTED)
def test_every_stage_of_cases_of_one_op_is_exact(kind: str) -> None:
    @examples(MODELS.get(kind, MODELS_A_KIND))
    @given(batches(kind))
    def check(net: Net) -> None:
        check_stages(net)

    check()


@examples(40)
@given(quantizers())
def test_every_stage_of_quantize_and_dequantize_is_exact(net: Net) -> None:
    check_stages(net)


@examples(120)
@given(nets())
def test_every_stage_of_random_nets_is_exact(net: Net) -> None:
    check_stages(net)


@examples(150)
@given(wild_nets())
def test_what_onnxruntime_leaves_in_float_is_never_taken_for_exact(net: Net) -> None:
    check_float_or_exact(net)


@examples(60)
@given(oddly_scaled())
def test_odd_scales_are_exact_or_refused(net: Net) -> None:
    check_refused_or_exact(net)
