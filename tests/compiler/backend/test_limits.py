"""A kernel that asks for more than every WebGPU device has is told before anything is written."""

import pytest
from onnx2wgsl.compiler.backend.limits import check_limits
from onnx2wgsl.compiler.errors import CompileError


def record(name: str, bindings: int, *workgroups: int) -> dict[str, object]:
    return {"name": name, "bindings": [{}] * bindings, "workgroups": list(workgroups)}


def test_what_every_device_has_passes() -> None:
    check_limits([record("a", 8, 65535, 65535, 1), record("b", 1, 1, 1, 1)])


def test_every_kernel_that_asks_for_more_is_told() -> None:
    with pytest.raises(CompileError) as caught:
        check_limits([record("a", 9, 1, 1, 1), record("b", 8, 1, 65536, 1), record("c", 8, 1, 1, 1)])
    assert str(caught.value) == (
        "the model needs more than a WebGPU device must have:\n"
        "  - kernel 'a' binds 9 storage buffers; 8 can be bound\n"
        "  - kernel 'b' is 65536 workgroups along an axis; 65535 can be run"
    )
