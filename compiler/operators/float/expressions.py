"""The elementwise operators of float regions: each ONNX operator as a WGSL expression.

`{0}`, `{1}`, ... stand for its operands, `{alpha}` and the like for its attributes; functions that
WGSL lacks, or leaves too inexact, are in `_float_math.wgsl.j2`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

from ...ir.graph import Value
from ...ir.types import Array
from ..onnx_op import WGSL_TYPES

UNARY = {
    "Abs": "abs({0})",
    "Acos": "(1.57079632679 - arc_sine({0}))",
    "Acosh": "log({0} + sqrt(({0} - 1.0) * ({0} + 1.0)))",
    "Asin": "arc_sine({0})",
    "Asinh": "(sign({0}) * log(abs({0}) + sqrt({0} * {0} + 1.0)))",
    "Atan": "arc_tangent({0})",
    "Atanh": "(0.5 * log((1.0 + {0}) / (1.0 - {0})))",
    "Ceil": "ceil({0})",
    "Cos": "sine({0}, 1)",
    "Cosh": "(0.5 * (exp({0}) + exp(-{0})))",
    "Erf": "error_function({0})",
    "Exp": "exp({0})",
    "Floor": "floor({0})",
    "HardSwish": "({0} * clamp({0} / 6.0 + 0.5, 0.0, 1.0))",
    "Identity": "{0}",
    "IsNaN": "((bitcast<u32>({0}) & 0x7fffffffu) > 0x7f800000u)",
    "Log": "log({0})",
    "Mish": "({0} * hyperbolic_tangent(max({0}, 0.0) + log(1.0 + exp(-abs({0})))))",
    "Neg": "(-{0})",
    "Not": "(!{0})",
    "Reciprocal": "(1.0 / {0})",
    "Relu": "max({0}, {zero})",
    "Round": "round({0})",
    "Sigmoid": "(1.0 / (1.0 + exp(-clamp({0}, -87.0, 87.0))))",
    "Sign": "sign({0})",
    "Sin": "sine({0}, 0)",
    "Sinh": "hyperbolic_sine({0})",
    "Softplus": "(max({0}, 0.0) + log(1.0 + exp(-abs({0}))))",
    "Softsign": "({0} / (1.0 + abs({0})))",
    "Sqrt": "sqrt({0})",
    "Tan": "(sine({0}, 0) / sine({0}, 1))",
    "Tanh": "hyperbolic_tangent({0})",
}
WITH_ATTRIBUTES: dict[str, tuple[str, dict[str, float]]] = {
    "Celu": ("select({alpha} * (exp({0} / {alpha}) - 1.0), {0}, {0} >= 0.0)", {"alpha": 1.0}),
    "Elu": ("select({alpha} * (exp({0}) - 1.0), {0}, {0} >= 0.0)", {"alpha": 1.0}),
    "HardSigmoid": ("clamp({alpha} * {0} + {beta}, 0.0, 1.0)", {"alpha": 0.2, "beta": 0.5}),
    "LeakyRelu": ("select({alpha} * {0}, {0}, {0} >= 0.0)", {"alpha": 0.01}),
    "QuickGelu": ("({0} / (1.0 + exp(-clamp({alpha} * {0}, -87.0, 87.0))))", {"alpha": 1.702}),
    "Selu": (
        "({gamma} * select({alpha} * (exp({0}) - 1.0), {0}, {0} > 0.0))",
        {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
    ),
    "Shrink": (
        "select(select(0.0, {0} - {bias}, {0} > {lambd}), {0} + {bias}, {0} < -{lambd})",
        {"bias": 0.0, "lambd": 0.5},
    ),
    "ThresholdedRelu": ("select(0.0, {0}, {0} > {alpha})", {"alpha": 1.0}),
}
BINARY = {
    "Add": "({0} + {1})",
    "And": "({0} && {1})",
    "Div": "({0} / {1})",
    "Equal": "({0} == {1})",
    "Greater": "({0} > {1})",
    "GreaterOrEqual": "({0} >= {1})",
    "Less": "({0} < {1})",
    "LessOrEqual": "({0} <= {1})",
    "Max": "max({0}, {1})",
    "Min": "min({0}, {1})",
    "Mul": "({0} * {1})",
    "Or": "({0} || {1})",
    "PRelu": "select({0} * {1}, {0}, {0} >= {zero})",
    "Sub": "({0} - {1})",
    "Xor": "({0} != {1})",
}
ANY_DTYPE = frozenset(
    [
        "Abs",
        "Add",
        "And",
        "Cast",
        "Clip",
        "Div",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Identity",
        "Less",
        "LessOrEqual",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Neg",
        "Not",
        "Or",
        "Relu",
        "Sign",
        "Sub",
        "Sum",
        "Where",
        "Xor",
    ]
)
"""Those whose expressions are right for integers and booleans, too."""


class Node(NamedTuple):
    """A node whose operands have these names in the shader."""

    attributes: dict[str, Any]
    xs: Sequence[Value]
    result: Value
    names: Sequence[str]

    @property
    def kind(self) -> str:
        """What its operands are in the shader."""
        return WGSL_TYPES[self.xs[0].type.dtype]


def expression(op_type: str, node: Node) -> str:
    """The WGSL expression of a node of an operator in MAP_OPS."""
    attributes, names = node.attributes, node.names
    zero = "0.0" if node.kind == "f32" else "0"
    if op_type in UNARY:
        return UNARY[op_type].format(*names, zero=zero)
    if op_type in WITH_ATTRIBUTES:
        text, defaults = WITH_ATTRIBUTES[op_type]
        values = {name: literal(attributes.get(name, value)) for name, value in defaults.items()}
        return text.format(*names, **values)
    if op_type in BINARY:
        binary = BINARY[op_type]
        return reduce(lambda a, b: binary.format(a, b, zero=zero), names)
    return SPECIAL[op_type](node)


def literal(value: float) -> str:
    """An f32 literal."""
    return f"{float(value)!r}f"


def _cast(node: Node) -> str:
    """A float that i32 does not hold gives -2^31, as x86 converts: what onnxruntime gives for an int32, and
    the mark of an int64 that 32 bits do not hold (`words_of`).
    """
    kind, x = WGSL_TYPES[node.result.type.dtype], node.names[0]
    if (node.kind, kind) == ("f32", "i32"):
        # By its bits, which are more than those of 2^31 for NaN, too.
        return f"select(i32(-2147483648), i32({x}), (bitcast<u32>({x}) & 0x7fffffffu) < 0x4f000000u)"
    return x if kind == node.kind else f"{kind}({x})"


def _clip(node: Node) -> str:
    text = node.names[0]
    for bound, name, function in zip(node.xs[1:], node.names[1:], ("max", "min"), strict=False):
        if bound.type.size:
            text = f"{function}({text}, {name})"
    return text


def _gelu(node: Node) -> str:
    x = node.names[0]
    if node.attributes.get("approximate", "none") == "tanh":
        inner = f"0.7978845608 * ({x} + 0.044715 * {x} * {x} * {x})"
        return f"(0.5 * {x} * (1.0 + hyperbolic_tangent({inner})))"
    return f"(0.5 * {x} * (1.0 + error_function({x} * 0.70710678118)))"


def _is_infinite(node: Node) -> str:
    x, tests = node.names[0], []
    if node.attributes.get("detect_positive", 1):
        tests.append(f"bitcast<u32>({x}) == 0x7f800000u")
    if node.attributes.get("detect_negative", 1):
        tests.append(f"bitcast<u32>({x}) == 0xff800000u")
    return f"({' || '.join(tests) or 'false'})"


def _mod(node: Node) -> str:
    a, b = node.names
    if node.kind == "f32" or node.attributes.get("fmod", 0):
        return f"({a} % {b})"
    return f"((({a} % {b}) + {b}) % {b})"


def _power(node: Node) -> str:
    x, y = node.names
    if node.xs[0].type.dtype != "f32":
        return f"i32(round(power(f32({x}), f32({y}))))"
    exponent = constant_number(node.xs[1])
    simple = {2.0: f"({x} * {x})", 3.0: f"({x} * {x} * {x})", 0.5: f"sqrt({x})", 1.0: x}
    simple[-1.0] = f"(1.0 / {x})"
    if exponent in simple:
        return simple[exponent]
    return f"power({x}, f32({y}))"


def constant_number(value: Value) -> float | None:
    """The number that a constant of one element holds."""
    data: Array | None = value.data
    return float(data.reshape(-1)[0]) if data is not None and data.size == 1 else None


SPECIAL: dict[str, Callable[[Node], str]] = {
    "Cast": _cast,
    "Clip": _clip,
    "Gelu": _gelu,
    "IsInf": _is_infinite,
    "Mean": lambda node: f"(({' + '.join(node.names)}) / {literal(len(node.names))})",
    "Mod": _mod,
    "Pow": _power,
    "Sum": lambda node: f"({' + '.join(node.names)})",
    "Where": lambda node: f"select({node.names[2]}, {node.names[1]}, {node.names[0]})",
}
MAP_OPS = frozenset({*UNARY, *WITH_ATTRIBUTES, *BINARY, *SPECIAL})
"""ONNX operators that are one expression of the elements of their operands."""
