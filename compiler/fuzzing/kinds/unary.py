"""Float ops on single elements, quantized again or left float: what becomes a table."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import Kind, Node, Operands
from ..values import LEVELS, SCALES, Level

# Op, constant inputs, attributes.
UNARY: tuple[tuple[str, tuple[float, ...], dict[str, float]], ...] = (
    ("Relu", (), {}),
    ("Tanh", (), {}),
    ("Sigmoid", (), {}),
    ("LeakyRelu", (), {"alpha": 0.1}),
    ("HardSigmoid", (), {"alpha": 0.2, "beta": 0.5}),
    ("HardSwish", (), {}),
    ("Clip", (-1.5, 2.25), {}),
    ("Clip", (0.0, 6.0), {}),
    ("Abs", (), {}),
    ("Neg", (), {}),
    ("Erf", (), {}),
    ("Exp", (), {}),
    ("Sqrt", (), {}),
    ("Reciprocal", (), {}),
    ("Softsign", (), {}),
    ("Round", (), {}),
    ("Floor", (), {}),
    ("Ceil", (), {}),
    ("Sign", (), {}),
    ("Mul", (0.3,), {}),
    ("Add", (1.7,), {}),
    ("Div", (3.0,), {}),
    ("Sub", (0.11,), {}),
    ("Max", (0.25,), {}),
    ("PRelu", (0.2,), {}),
)


@dataclass(frozen=True)
class UnaryNode(Node):
    """A float operator by its place in UNARY, then QuantizeLinear unless `scale` is None."""

    entry: int
    scale: float | None
    zero_point: Level

    def make(self, b: Builder) -> Tensor:
        op_type, constants, attributes = UNARY[self.entry]
        if op_type == "HardSwish" and b.net.opset < 14:
            op_type = "HardSigmoid"
        x = b.pick(self.x, quantized=False)
        params = None if self.scale is None else b.params(self.scale, self.zero_point)
        result = b.q.unary(x, op_type, params, *constants, **attributes)
        if params is None:
            b.chains.add(result.real)
        return result


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    entries = st.integers(0, len(UNARY) - 1)
    return st.builds(UnaryNode, x, st.booleans(), entries, st.one_of(st.none(), SCALES), LEVELS)


KIND = Kind("unary", nodes)
