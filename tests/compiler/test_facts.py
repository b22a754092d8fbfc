"""What ONNX Runtime does with operators is said once, in compiler/reference/facts.py."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx2wgsl.compiler.reference import facts
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

COMPILER = Path(facts.__file__).parent.parent
FACTS = Path(facts.__file__).relative_to(COMPILER)
OPERATORS = {schema.name for schema in get_all_operator_schema()}
"""Of ONNX and of onnxruntime's own domains, without these."""
OWN = ("operators", "fuzzing")
"""Rooms whose files say of a family of operators what is its own."""

SETS = {name: value for name, value in vars(facts).items() if name.isupper()}


def operators_in(literal: ast.AST) -> frozenset[str]:
    """The operators that a set, tuple or list spells, where it holds nothing else; else none."""
    if not isinstance(literal, ast.Set | ast.Tuple | ast.List):
        return frozenset()
    values = [item.value for item in literal.elts if isinstance(item, ast.Constant)]
    names = [str(text) for text in values if str(text).rpartition(".")[2] in OPERATORS]
    return frozenset(names) if len(names) == len(literal.elts) else frozenset()


def spelled_sets(source: str) -> Iterator[tuple[int, frozenset[str]]]:
    """Line and names of each literal of two operators or more; tables by operator are none."""
    for node in ast.walk(ast.parse(source)):
        names = operators_in(node)
        if len(names) > 1:
            yield getattr(node, "lineno", 0), names


SPELLED = [
    (path.relative_to(COMPILER), line, names)
    for path in sorted(COMPILER.rglob("*.py"))
    for line, names in spelled_sets(path.read_text("utf-8"))
]


def test_no_set_of_operators_is_spelled_twice() -> None:
    count = Counter(names for _, _, names in SPELLED)
    assert [f"{path}:{line}" for path, line, names in SPELLED if count[names] > 1] == []


def test_sets_of_operators_stand_in_the_facts_or_in_the_family_that_they_are_of() -> None:
    assert sum(path == FACTS for path, _, _ in SPELLED) > 10
    strays = [f"{p}:{line}" for p, line, _ in SPELLED if p != FACTS and p.parts[0] not in OWN]
    assert strays == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('op in ("Relu", "Clip")', {"Relu", "Clip"}),
        ('SET = frozenset(["Add", "com.microsoft.QLinearAdd"])', {"Add", "com.microsoft.QLinearAdd"}),
        ('{"Add", "Mul"} | OTHERS', {"Add", "Mul"}),
    ],
)
def test_a_spelled_set_is_seen(source: str, names: set[str]) -> None:
    assert list(spelled_sets(source)) == [(1, names)]


@pytest.mark.parametrize("source", ['op == "Relu"', '{"Add": 1, "Mul": 2}', '("Add", 3)', '("x", "y")'])
def test_one_name_or_a_table_is_no_set(source: str) -> None:
    assert list(spelled_sets(source)) == []


@pytest.mark.parametrize("name", SETS)
def test_the_facts_name_operators_that_onnxruntime_has(name: str) -> None:
    assert {operator for operator in SETS[name] if operator.rpartition(".")[2] not in OPERATORS} == set()


def test_an_implied_domain_is_that_of_an_operator_that_onnx_lacks() -> None:
    domains = {schema.name: schema.domain for schema in get_all_operator_schema()}
    assert {name: domains[name] for name in facts.IMPLIED_DOMAINS} == facts.IMPLIED_DOMAINS


def test_what_moves_and_what_sums_are_different_operators() -> None:
    assert (facts.MOVING | facts.ORDER_PRESERVING).isdisjoint(facts.SUMMING | facts.INTEGER)
    assert facts.PURE_UNARY.isdisjoint(facts.SUMMING | facts.PURE_WITH_CONSTANT)
    assert facts.PRODUCTS <= facts.SUMMING
    assert facts.NEUTRAL_SECOND <= facts.NEUTRAL.keys() <= facts.PURE_WITH_CONSTANT
