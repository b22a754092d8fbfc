"""Which operators are taken."""

from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler.errors import UnsupportedError
from onnx2wgsl.compiler.oracle import IMPURE_UNARY
from onnx2wgsl.compiler.pipeline import compile_model

from tests.zoo import QDQBuilder, QuantParams


@pytest.mark.parametrize("op", sorted(IMPURE_UNARY))
def test_an_op_whose_result_depends_on_the_position_is_refused(op: str, tmp_path: Path) -> None:
    builder = QDQBuilder(opset=18)  # the first with Mish
    x = builder.input((1, 2, 3, 3), QuantParams(0.05, 128))
    builder.output(builder.unary(x, op, QuantParams(0.02, 128)))
    onnx.save(builder.build(), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedError, match=f"{op}.*depends on an element's position"):
        compile_model(tmp_path / "m.onnx")
