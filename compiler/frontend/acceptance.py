"""What onnxruntime refuses is refused with its words: nothing it does not run has bits to be exact to.

The model is loaded without any optimization at first. That tells nearly the same of its nodes, types and
shapes as the level that the reference computes with, and folds no constants, whose sizes nobody has looked at
yet. What the optimizer alone refuses is told where the import asks it for layouts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import onnx
import onnxruntime as ort

from ..errors import CompileError, words_of
from ..reference.session import open_as_is
from .input_shapes import model_inputs

_OF_OPERATORS = re.compile(
    r"is not a registered function/op|Could not find an implementation|NOT_IMPLEMENTED"
)


class RefusedByReferenceError(CompileError):
    """onnxruntime does not load or run the model; `of_operators` where it only lacks an operator."""

    def __init__(self, name: str, step: str, words: str) -> None:
        self.of_operators = _OF_OPERATORS.search(words) is not None
        super().__init__(
            f"{name}: onnxruntime {ort.__version__} can't {step} the model: {words}\n"
            "  correct the model there, or export it again, until onnxruntime runs it"
        )


def refusal_of_reference(model: onnx.ModelProto, name: str) -> RefusedByReferenceError | None:
    """Why onnxruntime does not load the model; None where it does."""
    return None if _refusal(model) is None else RefusedByReferenceError(name, "load", _words(model))


@contextmanager
def told_by_reference(name: str) -> Iterator[None]:
    """Turns an error of the reference into the refusal of the model."""
    try:
        yield
    except CompileError as error:
        if isinstance(error.__cause__, OSError):  # a full disk is not the model's fault
            raise error.__cause__ from None
        raise RefusedByReferenceError(name, "load", words_of(error.__cause__ or error)) from error


def refusal_at_run(model: onnx.ModelProto, name: str) -> RefusedByReferenceError | None:
    """Why onnxruntime does not run the model, whose inputs are static, on zeros; None where it does."""
    try:
        session = open_as_is(model)
        zeros = {
            value.name: np.zeros(
                [dim.dim_value for dim in value.type.tensor_type.shape.dim],
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type),
            )
            for value in model_inputs(model)
        }
        session.run(None, zeros)
    except Exception as error:  # its exceptions share no base class
        return RefusedByReferenceError(name, "run", words_of(error))
    return None


def _words(model: onnx.ModelProto) -> str:
    """What it says of a model that it refused, with the node that is to blame, once each has a name."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        node.name = node.name or next(iter(node.output), "")
    words = _refusal(copy)
    names = {node.name for node in copy.graph.node} - {""}
    if words is None:
        return "nodes of it without names can't be told apart"
    if any(re.search(f"[('\"]{re.escape(name)}[)'\"]", words) for name in names) or _OF_OPERATORS.search(
        words
    ):
        return words
    node = _first_refused(copy)
    return f"{words} (at {node.op_type} {node.name!r})" if node else words


def _refusal(model: onnx.ModelProto) -> str | None:
    """Its words, in one line; None where it loads the model."""
    try:
        open_as_is(model)
    except Exception as error:  # its exceptions share no base class
        return words_of(error)
    return None


def _first_refused(model: onnx.ModelProto) -> onnx.NodeProto | None:
    """The first node with which the nodes up to it are refused, by bisection; None where that is not one."""
    nodes = list(model.graph.node)
    part = onnx.ModelProto()
    part.CopyFrom(model)

    def is_refused(count: int) -> bool:
        del part.graph.node[:], part.graph.output[:]
        part.graph.node.extend(nodes[:count])
        names = [name for node in nodes[:count] for name in node.output if name]
        part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        return _refusal(part) is not None

    at = bisect_left(range(1, len(nodes) + 1), True, key=is_refused)
    return nodes[at] if at < len(nodes) else None
