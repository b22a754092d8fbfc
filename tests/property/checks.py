"""What the property tests ask of a random net, and a fault that they must find."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from hypothesis import reject
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.fuzzing.models import Net, build, feed
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.pipeline import Observer
from onnx2wgsl.compiler.verify.compiled import compile_in_memory
from onnx2wgsl.compiler.verify.exact import compare_model, floats_of

NO_COMMON_RANGE = "have no range in common"


def compile_net(net: Net, observe: Observer | None = None) -> tuple[onnx.ModelProto, Program]:
    """The model of a net and its program; drops nets that ask for the one refusal left in them."""
    model = build(net)
    try:
        return model, compile_in_memory(model, observe)
    except CompileError as error:
        if NO_COMMON_RANGE in str(error):
            reject()
        raise


def check_stages(net: Net) -> None:
    """Compares the import, the graph after every pass, and the program with onnxruntime."""
    comparison = compare_model(build(net), [feed(net)])
    if any(NO_COMMON_RANGE in reason for reason in comparison.refused):
        reject()
    comparison.require_exact()


def check_float_or_exact(net: Net) -> None:
    """What onnxruntime leaves in float is refused or a float region here; all else is exact."""
    model = build(net)
    comparison = compare_model(model, [feed(net)])
    if comparison.refused:
        return
    if not comparison.in_float:
        comparison.require_exact()
        return
    try:
        program = compile_in_memory(model)
    except CompileError:
        return
    assert floats_of(program), f"exact here, though onnxruntime left it in float: {comparison.in_float}"


def check_refused_or_exact(net: Net) -> None:
    """What onnxruntime or the compiler refuses is not compared, nor what is left in float."""
    try:
        comparison = compare_model(build(net), [feed(net)])
    except CompileError:
        return
    assert not comparison.crash, comparison.crash
    if not comparison.refused and not comparison.in_float:
        comparison.require_exact()


def truncating(acc: Any, multiplier: Any, zero_point: int, limits: tuple[int, int]) -> Any:
    """A requantization that cuts off where it should round."""
    levels = np.trunc(acc.astype(np.float32) * multiplier).astype(np.int64) + zero_point
    return np.clip(levels, *limits).astype(np.int32)
