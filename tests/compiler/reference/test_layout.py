"""Roles of QLinearAdd in whole nets, where onnxruntime chooses the layout."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.arithmetic import qlinear_add
from onnx2wgsl.compiler.operators.binary import roles_depend_on_layout, swapped_in
from onnx2wgsl.compiler.reference.layout import OptimizedGraph
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.builders.nodes import Array, model_of

FULL = (1, 8, 4, 5)
# Roles change hundreds of the 65,536 pairs.
A_Q, B_Q, C_Q = (0.026, 23), (0.09, 233), (0.024, 175)


def telling_reals() -> tuple[float, Array]:
    """One a, and all b, so that the sums differ with the roles."""
    levels = np.arange(256)
    straight, exchanged = (
        qlinear_add(levels[:, None], levels, A_Q, B_Q, C_Q, (0, 255), swapped=roles)
        for roles in (False, True)
    )
    differing = straight != exchanged
    a = int(differing.sum(axis=1).argmax())
    return (a - A_Q[1]) * A_Q[0], (np.flatnonzero(differing[a]) - B_Q[1]) * B_Q[0]


class Net:
    """x -> [Conv ->] b; p -> [Conv ->] a; a + b [-> Conv]; each between QuantizeLinear and
    DequantizeLinear. The operands and the sum are outputs, too.
    """

    def __init__(self, shape: tuple[int, ...], convs: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}
        self._random = np.random.default_rng(1)
        for name, quantized, size in (("a", A_Q, shape), ("b", B_Q, FULL)):
            source = f"{name}_in"
            if name in convs:
                self._pair(f"{name}0", source, (0.03, 100))
                source = self._conv(f"{name}0_real", f"{name}_conv", size[1])
            self._pair(name, source, quantized)
        self.nodes.append(helper.make_node("Add", ["a_real", "b_real"], ["sum"], name="the_add"))
        self._pair("c", "sum", C_Q)
        if "c" in convs:
            self._pair("d", self._conv("c_real", "c_conv", FULL[1]), (0.05, 90))
        self.output = "d_real" if "c" in convs else "c_real"
        a, b = telling_reals()
        self.inputs = {
            "a_in": np.full(shape, a, np.float32),
            "b_in": self._random.choice(b, FULL).astype(np.float32),
        }

    def model(self) -> onnx.ModelProto:
        return model_of(self.nodes, self.inputs, self.constants, self.output)

    def _pair(self, name: str, source: str, quantized: tuple[float, int]) -> None:
        self.constants[f"{name}_s"] = np.float32(quantized[0])
        self.constants[f"{name}_z"] = np.uint8(quantized[1])
        parameters = [f"{name}_s", f"{name}_z"]
        self.nodes += [
            helper.make_node("QuantizeLinear", [source, *parameters], [f"{name}_q"]),
            helper.make_node("DequantizeLinear", [f"{name}_q", *parameters], [f"{name}_real"]),
        ]

    def _conv(self, source: str, name: str, channels: int) -> str:
        weight = self._random.integers(-60, 60, (channels, channels, 1, 1)).astype(np.int8)
        self.constants |= {f"{name}_w": weight, f"{name}_ws": np.float32(0.02)}
        self.constants[f"{name}_wz"] = np.int8(0)
        parameters = [f"{name}_{part}" for part in ("w", "ws", "wz")]
        self.nodes += [
            helper.make_node("DequantizeLinear", parameters, [f"{name}_real"]),
            helper.make_node("Conv", [source, f"{name}_real"], [name]),
        ]
        return name


CASES = [  # shape of A, where there are Convs, swapped
    ((1, 8, 1, 1), "", True),
    ((1, 8, 1, 1), "b", True),
    ((1, 8, 1, 1), "c", True),
    ((1, 8, 1, 1), "bc", False),
    ((1, 8, 1, 1), "ab", False),
    ((1, 8, 1, 1), "abc", False),
    ((1, 1, 4, 5), "", False),
    ((1, 1, 4, 5), "bc", True),
    ((1, 1, 4, 5), "ab", True),
    ((1, 8, 4, 1), "b", True),
    ((1, 8, 4, 1), "bc", False),
    ((1, 1, 1, 1), "", True),
    ((1, 1, 1, 1), "abc", True),
    (FULL, "", False),
    (FULL, "abc", False),
]


@pytest.mark.parametrize(("shape", "convs", "swapped"), CASES)
def test_roles(shape: tuple[int, ...], convs: str, swapped: bool) -> None:
    net = Net(shape, convs)
    oracle = Oracle(net.model())
    assert swapped_in(OptimizedGraph(oracle.optimized, ["the_add"]), "the_add") == swapped
    if "c" not in convs:
        operands = oracle.intermediate(net.inputs, ["a_q", "b_q"])
        total = oracle.run(net.inputs)[net.output]
        straight, exchanged = (
            qlinear_add(operands["a_q"], operands["b_q"], A_Q, B_Q, C_Q, (0, 255), swapped=roles)
            for roles in (False, True)
        )
        expected = np.rint(total / np.float32(C_Q[0])).astype(int) + C_Q[1]
        assert ((exchanged if swapped else straight) == expected).all()
        if not convs:
            assert (straight != exchanged).all()


def test_when_the_layout_matters() -> None:
    assert roles_depend_on_layout((1, 8, 1, 1), FULL)
    assert roles_depend_on_layout((1, 1, 4, 5), FULL)
    assert not roles_depend_on_layout(FULL, FULL)
    assert not roles_depend_on_layout(FULL, (1, 8, 1, 1))
    assert not roles_depend_on_layout((1, 1, 1, 1), FULL)
    assert not roles_depend_on_layout((8, 1, 1), FULL)


def test_only_nodes_that_are_asked_for_are_known() -> None:
    optimized = OptimizedGraph(Oracle(Net(FULL, "").model()).optimized, ["another"])
    assert swapped_in(optimized, "the_add") is None
