"""Rewrites a graph in time that is linear in what changes.

`Graph.users` and `Graph.producers` are made from all ops at each call: enough for a pass that looks at the
graph as it was. A pass that looks at what its own edits left takes an `Editor`, which keeps both up to date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from .graph import Graph, Op, Value


class Editor:
    """A graph in the middle of a pass: who makes and who reads each value, by now.

    Nothing else may change the graph's ops, their operands or its outputs until `close`.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.changed = False
        self._outputs = set(graph.outputs)
        self._users: dict[Value, dict[Op, None]] = defaultdict(dict)
        self._producers: dict[Value, Op] = {}
        # Each op of the beginning with what is inserted around it.
        self._places: list[list[Op]] = [[op] for op in graph.ops]
        self._place: dict[Op, list[Op]] = {}
        for place in self._places:
            self._enter(place[0], place)

    def ops(self) -> list[Op]:
        """The ops by now, in order."""
        return [op for place in self._places for op in place]

    def close(self) -> bool:
        """Gives the ops to the graph; returns whether anything changed."""
        self.graph.ops = self.ops()
        return self.changed

    # ------------------------------------------------------------------------------ questions

    def __contains__(self, op: Op) -> bool:
        return op in self._place

    def producer(self, value: Value) -> Op | None:
        """The op that makes a value; None of graph inputs and constants."""
        return self._producers.get(value)

    def users(self, value: Value) -> list[Op]:
        """The ops that read a value, each once, in no order that means anything."""
        return list(self._users[value])

    def is_output(self, value: Value) -> bool:
        """Whether a value is a graph output."""
        return value in self._outputs

    def only_user(self, value: Value) -> Op | None:
        """The one op that reads a value; None where there are others or none, or it is a graph output."""
        users = self._users[value]
        return next(iter(users)) if len(users) == 1 and value not in self._outputs else None

    # ------------------------------------------------------------------------------ edits

    def assign(self, op: Op, **operands: Any) -> None:
        """Sets fields of an op that hold operands."""
        self._forget_operands(op)
        for name, value in operands.items():
            setattr(op, name, value)
        self._note_operands(op)
        self.changed = True

    def replace_operand(self, op: Op, old: Value, new: Value) -> None:
        """Puts `new` in the place of every use of `old` by `op`."""
        op.replace_operand(old, new)
        self._users[old].pop(op, None)
        self._users[new][op] = None
        self.changed = True

    def replace_value(self, old: Value, new: Value) -> None:
        """Every reader of `old`, and every output that is `old`, takes `new`."""
        for user in self.users(old):
            self.replace_operand(user, old, new)
        self.replace_output(old, new)
        self.changed = True

    def replace_output(self, old: Value, new: Value) -> None:
        """Every output that is `old` becomes `new`."""
        if old in self._outputs:
            self._outputs = self._outputs - {old} | {new}
            self.graph.outputs = [new if value is old else value for value in self.graph.outputs]
            self.changed = True

    def insert_before(self, anchor: Op, ops: Sequence[Op]) -> None:
        """New ops, in their order, before one that is there."""
        self._insert(anchor, 0, ops)

    def insert_behind(self, anchor: Op, ops: Sequence[Op]) -> None:
        """New ops, in their order, behind one that is there."""
        self._insert(anchor, 1, ops)

    def _insert(self, anchor: Op, behind: int, ops: Sequence[Op]) -> None:
        place = self._place[anchor]
        at = place.index(anchor) + behind
        place[at:at] = ops
        for op in ops:
            self._enter(op, place)
        self.changed = True

    def replace(self, op: Op, ops: Sequence[Op]) -> None:
        """New ops, the last of which makes the result of `op`, in its place; what only it read goes."""
        self.insert_before(op, ops)
        self.remove(op)
        self._producers[op.result] = ops[-1]
        self.remove_unread(op.operands)

    def remove(self, op: Op) -> None:
        """Takes out an op whose result nobody reads, or what another op makes by now."""
        self._place.pop(op).remove(op)
        self._forget_operands(op)
        del self._producers[op.result]
        self.changed = True

    def remove_dead_ops(self) -> None:
        """Takes out the ops whose result nobody reads."""
        self.remove_unread([op.result for op in self.ops()])

    def remove_unread(self, values: Sequence[Value]) -> None:
        """Takes out the ops that make some values, where nobody reads them, and what only they read."""
        left = list(values)
        while left:
            value = left.pop()
            op = self.producer(value)
            if op is not None and not self._users[value] and value not in self._outputs:
                self.remove(op)
                left += op.operands

    # ------------------------------------------------------------------------------ records

    def _enter(self, op: Op, place: list[Op]) -> None:
        self._place[op] = place
        self._producers[op.result] = op
        self._note_operands(op)

    def _note_operands(self, op: Op) -> None:
        for value in op.operands:
            self._users[value][op] = None

    def _forget_operands(self, op: Op) -> None:
        for value in op.operands:
            self._users[value].pop(op, None)
