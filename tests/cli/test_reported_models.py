"""Models that failed once: small ones rebuilt after public reports (tests/data/cases), damaged ones found by
mutation. Each is right on the device, or refused in these words.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.command import onnx2wgsl, refusal

CASES = Path(__file__).parents[1] / "data" / "cases"
REFUSED = {
    "abort_negative_dim_slice": r"input 'x' .* has dynamic dimensions \[1, 3, '\?', 8\]: give them",
    "concat_without_axis": r'\("r", Concat, .*Required attribute \'axis\' is missing',
    "conv_pads_two": r"Node \(c\) Op \(Conv\) .*Attribute pads has incorrect size",
    "conv_stride_zero": r"Node \(c\) Op \(Conv\) .*Attribute strides must only contain positive values",
    "convinteger_3d": r"ConvInteger 'y': its input has 5 dimensions; 3 and 4 are taken",
    "duplicate_output_name": r"two tensors of the model have the name 'r': rename one",
    "external_name_too_long": r"external data can't be read: .*File name too long",
    "function_bomb_30": r"the bodies of its functions, has 3,221,225,475 nodes; at most 100,000 are taken",
    "gather_by_input": r"Gather 'y': operand 1 \('input_ids'\) must be constant",
    "hidden_reason": r"(?s)Gather 'Gather_2': operand 1 \('ids'\) must be constant.*GRU 'y': this op",
    "init_too_short": r"the constant 'w' has 100 bytes of data, but int8\[4, 3, 3, 3\] takes 108",
    "matmul_integer_to_float": r"MatMulIntegerToFloat 'y': this operator is not supported",
    "memory_24_concats": r"Concat %r12.q has 8,192 parts; at most 4,096 are taken",
    "memory_input_8000x8000": r"the tensor 'x' has 192,000,000 elements; at most 33,554,432 are taken",
    "microsoft_domain_qdq": r"(?s)QuantizeLinear 'QuantizeLinear_3': this .*DequantizeLinear 'Deq.*: this op",
    "nhwc_max_pool": r"NhwcMaxPool 'y': this operator is not supported",
    "per_channel_scale_wrong_length": r"DequantizeLinear 'wd': it has 1 zero points for 2 scales",
    "resize_scale_nan": r"Scale value must be finite. \(at Resize 'r'\)",
    "scale_nan_weight": r"DequantizeLinear 'wd': operand 1, the scale 'ws', is nan",
    "slice_step_zero": r"Node \(r\) Op \(Slice\) .*'step' cannot be 0",
    "transpose_perm_repeats": r"Node \(r\) Op \(Transpose\) .*perm for Transpose has repeated value",
}
NAMES = sorted(path.stem for path in CASES.glob("*.onnx"))


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(REFUSED)))
def test_the_model_is_exact(name: str) -> None:
    """Floats that stay floats are within their tolerance; no more is promised of them."""
    result = onnx2wgsl("verify", CASES / f"{name}.onnx", "--samples", "2")
    assert (result.status, result.err) == (0, "")
    assert re.search(r"exact: (0 of \d+ (values|words of integer kernels)|no integers) differ", result.out)


@pytest.mark.parametrize("name", REFUSED)
def test_the_model_is_refused(name: str, tmp_path: Path) -> None:
    message = refusal("compile", CASES / f"{name}.onnx", "-o", tmp_path / "artifact")
    assert re.search(REFUSED[name], message)
    assert not (tmp_path / "artifact").exists()
