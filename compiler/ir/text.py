"""Prints a Graph as text and parses it back; prints a Program.

    graph @tiny (%x: f32[1,3,8,8]) -> ("y": %y) opset 21 {
      @s: f32[] = [0.5]
      %q: u8[1,3,8,8]{s=0.5, z=128} = quantize(%x, @s)
      ...
    }

An op prints as a call: operands and attributes by the names of its class' fields, defaults left
out, the first field without its name. Constants stand at the top: small ones in full, uniform ones
as `splat V`, large ones as `external "sha256:…"`, whose data the parser takes from the dictionary
it is given (`inspect --dump-ir` writes it as constants.npz beside the text).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

import numpy as np

from ..errors import CompileError
from ..operators.convolution.kernel import ConvKernel
from .graph import Graph, Op, Value
from .program import Kernel, Program
from .types import NUMPY_DTYPES, Array, Quantization, TensorType

INLINE_ELEMENTS = 32
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.$/-]+")
_TOKEN = re.compile(
    r"""\s+ | \#[^\n]*
    | (?P<name>[%@](?:"(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_.$/-]+))
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<arrow>->)
    | (?P<number>[-+]?(?:inf|nan|\d+\.?\d*(?:e[-+]?\d+)?))
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>[()\[\]{}<>=,:+])""",
    re.VERBOSE,
)


# ---------------------------------------------------------------------------------- printing


def format_name(value: Value) -> str:
    """%name, or @name for a constant; quoted where the name needs it."""
    sigil = "%" if value.data is None else "@"
    plain = _PLAIN_NAME.fullmatch(value.name)
    return sigil + (value.name if plain else json.dumps(value.name))


def format_graph(graph: Graph) -> str:
    """The whole graph as text."""
    inputs = ", ".join(f"{format_name(value)}: {value.type}" for value in graph.inputs)
    pairs = zip(graph.output_names, graph.outputs, strict=True)
    outputs = ", ".join(f"{json.dumps(name)}: {format_name(value)}" for name, value in pairs)
    header = f"graph {format_name(Value(graph.name, TensorType('f32', ()), np.zeros(())))}"
    lines = [f"{header} ({inputs}) -> ({outputs}) opset {graph.opset} {{"]
    lines += [f"  {format_constant(value)}" for value in graph.constants()]
    lines += [f"  {format_op(op)}" for op in graph.ops]
    return "\n".join([*lines, "}", ""])


def format_op(op: Op) -> str:
    """One op as `%result: type = kind(operands, attributes)`."""
    parts = []
    for index, item in enumerate(_operation_fields(type(op))):
        held = getattr(op, item.name)
        if held == _default(item):
            continue
        text = _format_attribute(held)
        parts.append(text if index == 0 else f"{item.name}={text}")
    return f"{format_name(op.result)}: {op.result.type} = {op.kind}({', '.join(parts)})"


def format_constant(value: Value) -> str:
    """A constant's name, type and data."""
    data = value.array
    if data.dtype == np.bool_:
        data = data.astype(np.uint8)  # printed as 0 and 1
    head = f"{format_name(value)}: {value.type} = "
    if data.size <= INLINE_ELEMENTS:
        return f"{head}[{', '.join(map(str, data.ravel()))}]"
    if data.size and (data == data.flat[0]).all():
        return f"{head}splat {data.flat[0]!s}"
    return f'{head}external "{digest(data)}"'


def digest(data: Array) -> str:
    """What `external` names: the SHA-256 of the bytes in row-major order."""
    return "sha256:" + hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()


def _operation_fields(cls: type[Op]) -> list[Field[Any]]:
    """Operands and attributes in the order of their declaration, those by keyword alone last."""
    held = [item for item in fields(cls) if item.name != "result"]
    return sorted(held, key=lambda item: bool(item.kw_only))


def _default(item: Field[Any]) -> Any:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return item.default


def _format_attribute(held: Any) -> str:
    match held:
        case Value():
            return format_name(held)
        case tuple() | list():
            return f"[{', '.join(map(_format_attribute, held))}]"
        case dict():
            body = ", ".join(f"{json.dumps(k)}: {_format_attribute(v)}" for k, v in held.items())
            return f"{{{body}}}"
        case bytes():
            return json.dumps(held.decode())
        case None:
            return "none"
        case bool():
            return "true" if held else "false"
        case str():
            return json.dumps(held)
        case _:
            return repr(held)


# ---------------------------------------------------------------------------------- parsing


def parse_graph(text: str, constants: Mapping[str, Array] | None = None) -> Graph:
    """The graph that `text` prints; `constants` gives the data of `external` ones by name."""
    return _Parser(text, constants or {}).graph()


class _Parser:
    def __init__(self, text: str, constants: Mapping[str, Array]) -> None:
        self.text = text
        self.constants = constants
        self.tokens = list(self._tokenize())
        self.position = 0
        self.values: dict[str, Value] = {}

    def _tokenize(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None:
                raise self._error(at, f"{self.text[at]!r} is not part of the syntax")
            if match.lastgroup is not None:
                yield match.lastgroup, match.group(), at
            at = match.end()
        yield "end", "", at

    def _error(self, at: int, message: str) -> CompileError:
        line = self.text.count("\n", 0, at) + 1
        column = at - self.text.rfind("\n", 0, at)
        return CompileError(f"IR text, line {line}, column {column}: {message}")

    def _fail(self, message: str) -> CompileError:
        return self._error(self.tokens[self.position][2], message)

    def _refuse(self, message: str) -> CompileError:
        """An error about the token that was taken last."""
        return self._error(self.tokens[self.position - 1][2], message)

    def _string(self, token: str) -> str:
        try:
            return str(json.loads(token))
        except ValueError as error:
            raise self._refuse(f"{token} is no JSON string: {error}") from error

    def peek(self) -> str:
        return self.tokens[self.position][1]

    def take(self, kind: str) -> str:
        found, text, _ = self.tokens[self.position]
        if found != kind:
            raise self._fail(f"expected a {kind}, found {text or 'the end'!r}")
        self.position += 1
        return text

    def accept(self, text: str) -> bool:
        if self.peek() == text:
            self.position += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self._fail(f"expected {text!r}, found {self.peek() or 'the end'!r}")

    def name(self) -> str:
        """The next token as a key: sigil and bare name."""
        token = self.take("name")
        return token[0] + (self._string(token[1:]) if token[1] == '"' else token[1:])

    def graph(self) -> Graph:
        self.expect("graph")
        title = self.name()[1:]
        self.expect("(")
        inputs: list[Value] = []
        while not self.accept(")"):
            inputs.append(self.declare())
            self.accept(",")
        self.expect("->")
        self.expect("(")
        outputs: dict[str, str] = {}
        while not self.accept(")"):
            name = self._string(self.take("string"))
            self.expect(":")
            outputs[name] = self.name()
            self.accept(",")
        self.expect("opset")
        opset = int(self.take("number"))
        self.expect("{")
        ops: list[Op] = []
        while not self.accept("}"):
            ops += self.statement()
        missing = [key for key in outputs.values() if key not in self.values]
        if missing:
            raise self._fail(f"output {missing[0]} is never made")
        results = [self.values[key] for key in outputs.values()]
        return Graph(title, inputs, results, list(outputs), ops, opset)

    def declare(self) -> Value:
        key = self.name()
        if key in self.values:
            raise self._refuse(f"{key} is defined twice")
        self.expect(":")
        self.values[key] = Value(key[1:], self.type())
        return self.values[key]

    def type(self) -> TensorType:
        dtype = self.take("word")
        if dtype not in NUMPY_DTYPES:
            raise self._refuse(f"{dtype!r} is no dtype; known are {', '.join(NUMPY_DTYPES)}")
        shape = tuple(int(size) for size in self.value())
        quantization = segments = None
        axis = 1
        if self.accept("{"):
            self.expect("s")
            self.expect("=")
            scale = float(np.float32(self.take("number")))
            self.expect(",")
            self.expect("z")
            self.expect("=")
            quantization = Quantization(scale, int(self.take("number")))
            self.expect("}")
        if self.accept("<"):
            parts = [int(self.take("number"))]
            while self.peek() not in (">", ","):
                self.accept("+")
                parts.append(int(self.take("number")))
            segments = tuple(parts)
            if self.accept(","):
                self.expect("axis")
                self.expect("=")
                axis = int(self.take("number"))
            self.expect(">")
        return TensorType(dtype, shape, quantization, segments, axis)

    def statement(self) -> list[Op]:
        value = self.declare()
        self.expect("=")
        if self.peek() in ("[", "splat", "external"):
            value.data = self.constant(value)
            return []
        return [self.operation(value)]

    def constant(self, value: Value) -> Array:
        dtype, shape = NUMPY_DTYPES[value.type.dtype], value.type.shape
        name = f"@{value.name}"
        try:
            if self.accept("splat"):
                return np.full(shape, self.value(), dtype)
            if self.accept("external"):
                return self.external(name, value.name, dtype).reshape(shape)
            numbers = [float(n) if dtype.kind == "f" else int(n) for n in self.value()]
            if len(numbers) != int(np.prod(shape)):
                raise self._refuse(f"{name} has {len(numbers)} elements for shape {shape}")
            return np.array(numbers, dtype).reshape(shape)
        except (ValueError, TypeError, OverflowError) as error:
            raise self._refuse(f"{name} is no {value.type}: {error}") from error

    def external(self, name: str, key: str, dtype: np.dtype[Any]) -> Array:
        expected = self._string(self.take("string"))
        if key not in self.constants:
            raise self._refuse(f"the data of {name} was not given")
        data = np.asarray(self.constants[key], dtype)
        if digest(data) != expected:
            raise self._refuse(f"{name} has data {digest(data)}, not {expected}")
        return data

    def operation(self, result: Value) -> Op:
        kind = self.take("word")
        if kind not in Op.classes:
            raise self._refuse(f"{kind!r} is no op; known are {', '.join(Op.classes)}")
        cls = Op.classes[kind]
        names = [item.name for item in _operation_fields(cls)]
        held: dict[str, Any] = {}
        self.expect("(")
        while not self.accept(")"):
            name = names[0]
            if self.tokens[self.position][0] == "word" and self.tokens[self.position + 1][1] == "=":
                name = self.take("word")
                self.expect("=")
            if self.tokens[self.position][0] == "end":
                raise self._fail("expected ')', found 'the end'")
            if name not in names or name in held:
                raise self._fail(f"{kind} takes {', '.join(names)} once each, not {name!r}")
            found = self.value()
            held[name] = tuple(found) if isinstance(found, list) else found
            self.accept(",")
        try:
            return cls(result=result, **held)
        except TypeError as error:
            raise self._fail(f"{kind}: {error}") from error

    def value(self) -> Any:
        """A reference, number, string, `none`, `true`, `false`, list or dictionary."""
        kind, text, _ = self.tokens[self.position]
        if kind == "name":
            key = self.name()
            if key not in self.values:
                raise self._refuse(f"{key} is used before it is defined")
            return self.values[key]
        if kind == "string":
            return self._string(self.take("string"))
        if kind == "number":
            self.position += 1
            return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        for word, held in (("none", None), ("true", True), ("false", False)):
            if self.accept(word):
                return held
        if self.accept("["):
            items = []
            while not self.accept("]"):
                items.append(self.value())
                self.accept(",")
            return items
        if self.accept("{"):
            entries: dict[str, Any] = {}
            while not self.accept("}"):
                key = self._string(self.take("string"))
                self.expect(":")
                entries[key] = self.value()
                self.accept(",")
            return entries
        raise self._fail(f"expected a value, found {text or 'the end'!r}")


def format_program(program: Program) -> str:
    """The program as text, one kernel a line."""
    head = f"program @{program.name}"
    if program.arena_words is not None and program.lower_bound_words is not None:
        head += f" arena {program.arena_words * 4} bytes (lower bound {program.lower_bound_words * 4})"
    lines = [f"{head}, {len(program.kernels)} dispatches {{"]
    ranges = program.live_ranges()
    for buffer in program.buffers():
        first, last = ranges[buffer]
        place = "" if buffer.offset is None else f" at 0x{buffer.offset * 4:x}"
        lines.append(f"  buffer {buffer.name}: {buffer.words * 4} bytes{place}  # live {first}..{last}")
    for index, kernel in enumerate(program.kernels):
        lines.append(f"  kernel {index} {_format_kernel(kernel)}")
    return "\n".join([*lines, "}", ""])


def _format_kernel(kernel: Kernel) -> str:
    sources = ", ".join(map(str, kernel.reads())) or getattr(kernel, "input", "")
    targets = ", ".join(map(str, kernel.stores)) or f"output {getattr(kernel, 'output', '')!r}"
    details = ""
    if isinstance(kernel, ConvKernel):
        tile, (kernel_h, kernel_w) = kernel.tile, kernel.kernel_size
        details = (
            f"<k={kernel_h}x{kernel_w}, s={kernel.strides[0]}x{kernel.strides[1]}, "
            f"up={kernel.upsample[0]}x{kernel.upsample[1]}, pixels={tile.pixels}, "
            f"channels={tile.words * 4}, workgroup={tile.workgroup[0]}x{tile.workgroup[1]}"
            + (", depthwise" if kernel.depthwise else f", groups={kernel.group}" * (kernel.group > 1))
            + f", {kernel.elements}" * (kernel.elements != "bytes")
            + ", float in ONNX Runtime" * kernel.float_reference
            + ">"
        )
    return f"{kernel.op}{details} {kernel.name} in=[{sources}] out=[{targets}] # {kernel.macs} MACs"
