"""onnxruntime-web, on real networks, finds what onnxruntime computes; all: `python -m tests.coverage.web`."""

import pytest

from tests.coverage.web import integer_oracles, judged
from tests.web import require_packages

NETWORKS = ("lenet", "mlp", "mnist_conv", "temporal", "mobile_unet")
STYLE = "u8s8_per_channel"


@pytest.mark.parametrize("network", NETWORKS)
def test_no_value_differs(network: str) -> None:
    require_packages("onnxruntime-web")
    oracles = dict(integer_oracles([network], [STYLE]))
    oracle = oracles[f"{network} {STYLE}"]
    difference = judged(oracle, oracle.in_web())
    assert difference.differing == 0, difference.first
    assert difference.values > 0
