"""A random net as plain data, its ONNX model, and its inputs."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx

from ..arithmetic.array import Array
from .builder import QDQBuilder, QuantParams, Tensor
from .scales import OddScale
from .values import LIMITS, NUMPY, Dtype, Level, hard_floats

Shape = tuple[int, ...]
Results = Tensor | list[Tensor] | None
MOST_ELEMENTS = 1 << 14
"""A node whose result would be larger, or empty, is left out."""


class Step(Protocol):
    """What a net is made of: see `nodes.Node`, from which all kinds of operators derive."""

    @property
    def bytes_out(self) -> bool:
        """Whether an output of it is bytes or float values."""

    def make(self, b: Builder) -> Results:
        """Adds itself; None, and nothing added, where the operands don't fit."""


@dataclass(frozen=True)
class Input:
    """A graph input; f32 where `as_float`, else bytes. `bytes_out`: see `nodes.Node`."""

    shape: Shape
    scale: float
    zero_point: Level
    as_float: bool
    bytes_out: bool


@dataclass(frozen=True)
class Net:
    """A model in the making. All activations are of `dtype`.

    `wild`: any node reads any tensor, a Relu may stand before any QuantizeLinear, and a Conv needs
    none after it. ONNX Runtime leaves some of that in float. `odd_scale`: what one of its scales is instead.
    """

    dtype: Dtype
    opset: int
    inputs: tuple[Input, ...]
    nodes: tuple[Step, ...]
    seed: int
    wild: bool = False
    odd_scale: OddScale | None = None


def build(net: Net) -> onnx.ModelProto:
    """The model of a net; every tensor that nothing reads is an output."""
    return Builder(net).model()


@dataclass(frozen=True)
class _Entry:
    tensor: Tensor
    bytes_out: bool


class Builder:
    """What a node sees while it adds itself: `q` writes the model, `pick` finds operands.

    `merged` has the stored names of tensors whose scale onnxruntime changes; `chains` the names of
    float tensors that are functions of one byte; `left_out` counts the nodes whose operands did not
    fit.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self.q = QDQBuilder(net.opset)
        self.merged: set[str] = set()
        self.chains: set[str | None] = set()
        self.left_out = 0
        self._inputs: list[Tensor] = []
        self._entries: list[_Entry] = []
        self._used_entries: set[int] = set()

    def model(self) -> onnx.ModelProto:
        for spec in self.net.inputs:
            params = self.params(spec.scale, spec.zero_point)
            self._inputs.append(self.q.input(spec.shape, params, as_float=spec.as_float))
        self._entries = [
            _Entry(tensor, spec.bytes_out) for tensor, spec in zip(self._inputs, self.net.inputs, strict=True)
        ]
        for node in self.net.nodes:
            self._entries += [_Entry(tensor, node.bytes_out) for tensor in self._add(node)]
        for index, entry in enumerate(self._entries):
            if index not in self._used_entries:
                self.q.output(entry.tensor, as_float=not entry.bytes_out)
        model = self.q.build()
        if self.net.odd_scale is not None:
            self.net.odd_scale.put_into(model)
        return model

    def params(self, scale: float, zero_point: Level) -> QuantParams:
        """Parameters of the net's byte type."""
        return QuantParams(scale, zero_point.of(self.net.dtype), self.net.dtype)

    def pick(self, number: int, quantized: bool = True) -> Tensor:
        """0, -1, -2: an input; 1, 2, ...: the latest tensors. Of float ones `chains`, if at all."""
        index = self._index(number, quantized)
        self._used_entries.add(index)
        return self._entries[index].tensor

    def peek(self, number: int, fits: Callable[[Tensor], bool]) -> Tensor | None:
        """The picked tensor where it fits."""
        index = self._index(number, quantized=True)
        if not fits(self._entries[index].tensor):
            return None
        self._used_entries.add(index)
        return self._entries[index].tensor

    def find(self, number: int, fits: Callable[[Tensor], bool]) -> Tensor | None:
        """The picked tensor, or the first one before it that fits, going round."""
        start = self._index(number, quantized=True)
        for step in range(len(self._entries)):
            index = (start - step) % len(self._entries)
            if _is_quantized(self._entries[index].tensor) and fits(self._entries[index].tensor):
                self._used_entries.add(index)
                return self._entries[index].tensor
        return None

    def _index(self, number: int, quantized: bool) -> int:
        if number <= 0:
            index = -number % len(self._inputs)
        else:
            index = len(self._entries) - 1 - (number - 1) % len(self._entries)
        while not self._may_be_read(self._entries[index].tensor, quantized):
            index -= 1  # the inputs are always quantized, and stand first
        return index

    def _may_be_read(self, tensor: Tensor, quantized: bool) -> bool:
        if self.net.wild:
            return tensor.dtype == "f32" and bool(tensor.shape)
        return _is_quantized(tensor) or (not quantized and tensor.real in self.chains)

    def _add(self, node: Step) -> list[Tensor]:
        """The node's results; none, and the model as before, where its operands don't fit."""
        snapshot, used_entries = copy(self.q), set(self._used_entries)
        snapshot.copy_lists()
        outcome = node.make(self)
        results = [] if outcome is None else outcome if isinstance(outcome, list) else [outcome]
        if not results or not all(0 < np.prod(tensor.shape) <= MOST_ELEMENTS for tensor in results):
            self.q, self._used_entries = snapshot, used_entries
            self.left_out += 1
            return []
        return results


def _is_quantized(tensor: Tensor) -> bool:
    """Whether it may be an operand: a tensor without axes is none."""
    return tensor.params is not None and bool(tensor.shape)


def feed(net: Net) -> dict[str, Array]:
    """Seeded inputs of a net: bytes of all values, floats that include what is hard to quantize."""
    random = np.random.default_rng(net.seed)
    arrays: dict[str, Array] = {}
    for index, spec in enumerate(net.inputs):
        low, high = LIMITS[net.dtype]
        if spec.as_float:
            zero_point = spec.zero_point.of(net.dtype)
            arrays[f"x{index}"] = hard_floats(spec.shape, spec.scale, zero_point, low, random)
        else:
            arrays[f"x{index}"] = random.integers(low, high + 1, spec.shape, NUMPY[net.dtype])
    return arrays
