"""onnxruntime-web, on what `compile --keep-onnx` keeps of real networks, finds what onnxruntime computes of
them; `python -m tests.coverage.web` prints a line for each.
"""

import re
from pathlib import Path

from onnx2wgsl.compiler.verify.compare import Difference

from tests.coverage.web import integer_oracles, judged
from tests.web import require_packages

README = Path(__file__).parents[2] / "README.md"
INEXACT = {"espcn u8u8_dynamic", "autoencoder u8u8_dynamic"}
"""They end in a Sigmoid or Tanh of floats that are not of one byte: some units in the last place."""


def test_no_value_differs_in_the_models_that_readme_counts() -> None:
    require_packages("onnxruntime-web")
    same, apart, values = 0, {}, 0
    for name, oracle, web in integer_oracles():
        difference: Difference = judged(oracle, web)
        if difference.differing:
            apart[name] = difference.first
        else:
            same += 1
            values += difference.values
    assert apart.keys() <= INEXACT, apart
    text = README.read_text("utf-8")
    claim = re.search(r"0 of ([\d,]+) values of (\d+) models with uint8\s+activations", text)
    assert claim
    assert [int(number.replace(",", "")) for number in claim.groups()] == [values, same]
