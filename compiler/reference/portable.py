"""A model of which onnxruntime-web computes the bits that onnxruntime does, as far as that is possible.

onnxruntime-web rounds functions of floats otherwise, and sums and products of bytes at near ties
(`facts.WEB_FUNCTIONS`, `facts.WEB_STEPS`). Where such an operator is all that makes a value of one or two
bytes, it has 256 or 65,536 results: they become a table, made by onnxruntime, and the operator a Gather.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..arithmetic.array import Array
from .facts import PURE_UNARY, QLINEAR_BINARY, WEB_FUNCTIONS, name_of_operator
from .session import open_as_is, open_session, quiet_options, with_outputs

LEVELS = 256
"""Of a byte."""
_FUNCTIONS = PURE_UNARY & WEB_FUNCTIONS
_QLINEAR = {"com.microsoft.QLinearAdd": 2, "com.microsoft.QLinearMul": 2, "com.microsoft.QLinearSigmoid": 1}
"""How many bytes each takes."""
_BYTES: Mapping[int, np.dtype[np.uint8 | np.int8]] = {
    TensorProto.UINT8: np.dtype(np.uint8),
    TensorProto.INT8: np.dtype(np.int8),
}


@dataclass(frozen=True)
class Piece:
    """Nodes that make `output` of bytes, the last of them at last; `sources`: their tensors, one or two."""

    sources: tuple[str, ...]
    dtype: np.dtype[np.uint8 | np.int8]
    nodes: tuple[onnx.NodeProto, ...]
    is_product: bool = False

    @property
    def output(self) -> str:
        return str(self.nodes[-1].output[0])


def with_tables(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with tables in the place of such nodes; itself where it has none."""
    graph = _Graph(model)
    pieces = {id(piece.nodes[-1]): piece for piece in graph.pieces()}
    if not pieces:
        return model
    # A DequantizeLinear may have other readers.
    gone = {
        id(node) for piece in pieces.values() for node in piece.nodes if node.op_type != "DequantizeLinear"
    }
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    for node in model.graph.node:
        if id(node) in pieces:
            piece = pieces[id(node)]
            table = numpy_helper.from_array(graph.table(piece), f"{piece.output}_table")
            constants.append(table)
            nodes += _lookup(piece, table.name, constants)
        elif id(node) not in gone:
            nodes.append(node)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    result.graph.node.extend(_used(nodes, {output.name for output in model.graph.output}))
    result.graph.initializer.extend(constants)
    return result


class _Graph:
    """What is known of a model's tensors."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        graph = model.graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    self._constants[node.output[0]] = attribute.t
        self._producers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._outputs = {output.name for output in graph.output}

    def pieces(self) -> list[Piece]:
        """All that have a table, each operator in one.

        Where the first operand of a sum is repeated along the other, onnxruntime swaps the two: so a sum is
        one of tensors of a shape.
        """
        pieces = list(self._candidates())
        sums = [piece for piece in pieces if len(piece.sources) > 1 and not piece.is_product]
        shapes = _shapes(self._model, {name for piece in sums for name in piece.sources}) if sums else {}

        def is_plain(piece: Piece) -> bool:
            first, second = (shapes[name] for name in piece.sources)
            return first == second and None not in first

        unlike = {id(piece) for piece in sums if not is_plain(piece)}
        return [piece for piece in pieces if id(piece) not in unlike]

    def _candidates(self) -> Iterator[Piece]:
        for node in self._model.graph.node:
            name = name_of_operator(node.domain, node.op_type)
            if name in _QLINEAR:
                piece = self._qlinear(node, _QLINEAR[name])
            elif name in _FUNCTIONS and len(node.input) == 1:
                piece = self._function(node)
            elif name in QLINEAR_BINARY:
                piece = self._binary(node)
            else:
                piece = None
            if piece is not None:
                yield piece

    def table(self, piece: Piece) -> Array:
        """What onnxruntime makes of all bytes, by the first source, then the second."""
        least = np.iinfo(piece.dtype).min
        levels = np.arange(least, least + LEVELS).astype(piece.dtype)
        feeds = [levels] if len(piece.sources) == 1 else [levels.repeat(LEVELS), np.tile(levels, LEVELS)]
        return self._run(piece, dict(zip(piece.sources, feeds, strict=True)))

    def _function(self, node: onnx.NodeProto) -> Piece | None:
        """A function of dequantized bytes, which ends in floats."""
        source = self._dequantized(node.input[0])
        if source is None:
            return None
        return Piece((source.input[0],), _BYTES[self._kind(source)], (source, node))

    def _binary(self, node: onnx.NodeProto) -> Piece | None:
        """A sum or product of two dequantized tensors that is quantized, and nothing else."""
        pair = [self._dequantized(name) for name in node.input]
        end = self._end(node.output[0])
        if None in pair or not end:
            return None
        first, second = (source for source in pair if source is not None)
        kinds = {self._kind(first), self._kind(second), self._kind_after(end[-1])}
        if len(kinds) > 1:
            return None
        sources = tuple(dict.fromkeys((first.input[0], second.input[0])))
        nodes = (first, node, *end) if first is second else (first, second, node, *end)
        return Piece(sources, _BYTES[kinds.pop()], nodes, node.op_type == "Mul")

    def _qlinear(self, node: onnx.NodeProto, count: int) -> Piece | None:
        """An operator on bytes whose parameters are constants."""
        sources = tuple(dict.fromkeys(node.input[0 : 3 * count : 3]))
        rest = [name for name in node.input if name and name not in sources]
        zero_points = [self._constants.get(node.input[3 * i + 2]) for i in range(count)]
        kinds = {zero.data_type for zero in zero_points if zero is not None}
        constant = all(name in self._constants for name in rest)
        if not constant or len(kinds) != 1 or None in zero_points:
            return None
        if any(name in self._constants for name in sources):
            return None
        return Piece(sources, _BYTES[kinds.pop()], (node,), node.op_type == "QLinearMul")

    def _end(self, name: str) -> list[onnx.NodeProto]:
        """The QuantizeLinear that alone reads a tensor, a Relu before it with it; else none."""
        readers = self._readers.get(name, [])
        if len(readers) != 1 or name in self._outputs:
            return []
        (node,) = readers
        if node.op_type == "Relu":
            rest = self._end(node.output[0])
            return [node, *rest] if rest and rest[0].op_type == "QuantizeLinear" else []
        is_plain = node.op_type == "QuantizeLinear" and node.input[0] == name and self._is_single(node)
        return [node] if is_plain else []

    def _dequantized(self, name: str) -> onnx.NodeProto | None:
        """The DequantizeLinear, of one scale, that makes a tensor of bytes that are no constant."""
        node = self._producers.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] in self._constants:
            return None
        return node if self._kind(node) in _BYTES and self._is_single(node) else None

    def _is_single(self, node: onnx.NodeProto) -> bool:
        """Whether a pair's node has one constant scale, f32, and a constant zero point or none."""
        scale = self._constants.get(node.input[1])
        if scale is None or scale.data_type != TensorProto.FLOAT or numpy_helper.to_array(scale).size != 1:
            return False
        return all(name in self._constants for name in node.input[2:] if name)

    def _kind(self, node: onnx.NodeProto) -> int:
        """The element type of what a DequantizeLinear takes; 0 where nothing says it."""
        if len(node.input) > 2 and node.input[2]:
            return self._type(node.input[2])
        maker = self._producers.get(node.input[0])
        if maker is None or maker.op_type != "QuantizeLinear":
            return 0
        return self._kind_after(maker)

    def _kind_after(self, node: onnx.NodeProto) -> int:
        """The element type of what a QuantizeLinear makes; 0 where an attribute says it."""
        if len(node.input) > 2 and node.input[2]:
            return self._type(node.input[2])
        return 0 if node.attribute else int(TensorProto.UINT8)

    def _type(self, name: str) -> int:
        return int(self._constants[name].data_type) if name in self._constants else 0

    def _run(self, piece: Piece, feeds: Mapping[str, Array]) -> Array:
        names = {name for node in piece.nodes for name in node.input}
        constants = []
        for name in sorted(names & self._constants.keys()):
            constant = onnx.TensorProto()
            constant.CopyFrom(self._constants[name])
            constant.name = name
            if len(constant.dims) == 1:  # a single one, for a tensor of one axis
                del constant.dims[:]
            constants.append(constant)
        inputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in feeds.items()
        ]
        graph = helper.make_graph(
            piece.nodes, "piece", inputs, [onnx.ValueInfoProto(name=piece.output)], constants
        )
        model = helper.make_model(
            graph, opset_imports=self._model.opset_import, ir_version=self._model.ir_version
        )
        options = quiet_options()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.qdqisint8allowed", "1")
        (result,) = open_session(model, options).run(None, dict(feeds))
        return np.asarray(result)


def _shapes(model: onnx.ModelProto, names: set[str]) -> dict[str, list[int | str | None]]:
    """The shapes of tensors as onnxruntime infers them; None for a side that it does not know."""
    session = open_as_is(with_outputs(model, sorted(names)))
    return {value.name: value.shape for value in session.get_outputs()}


def _lookup(piece: Piece, table: str, constants: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    """The nodes that look bytes up in a table, whose `constants` are added."""
    output = piece.output
    nodes: list[onnx.NodeProto] = []

    def step(kind: str, *inputs: str) -> str:
        name = f"{output}_index{len(nodes)}"
        to = {"to": TensorProto.INT32} if kind == "Cast" else {}
        nodes.append(onnx.NodeProto(op_type=kind, input=inputs, output=[name]))
        nodes[-1].attribute.extend(helper.make_attribute(*attribute) for attribute in to.items())
        return name

    def number(value: int) -> str:
        name = f"{output}_number{value}"
        constants.append(numpy_helper.from_array(np.array(value, np.int32), name))
        return name

    index = step("Cast", piece.sources[0])
    shift = -int(np.iinfo(piece.dtype).min)
    if len(piece.sources) > 1:
        index = step("Mul", index, number(LEVELS))
        index = step("Add", index, step("Cast", piece.sources[1]))
        shift *= LEVELS + 1
    if shift:
        index = step("Add", index, number(shift))
    return [*nodes, helper.make_node("Gather", [table, index], [output], axis=0)]


def _used(nodes: Sequence[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """Without the DequantizeLinears that nothing reads any more."""
    reads = Counter(name for node in nodes for name in node.input)
    return [
        node
        for node in nodes
        if node.op_type != "DequantizeLinear" or node.output[0] in outputs or reads[node.output[0]]
    ]
