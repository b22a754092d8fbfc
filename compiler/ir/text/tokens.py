"""The text as tokens; errors with line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from ...errors import CompileError

T = TypeVar("T")
_TOKEN = re.compile(
    r"""\s+ | \#[^\n]*
    | (?P<name>[%@](?:"(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_.$/-]+))
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<arrow>->)
    | (?P<number>[-+]?(?:(?:inf|nan)\b|\d+(?:\.(?!\.)\d*)?(?:e[-+]?\d+)?))
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\.\.|[()\[\]{}<>=,:+])""",
    re.VERBOSE,
)


class Tokens:
    """Takes tokens one after another."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenize())
        self.position = 0

    def _tokenize(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise self._error(at, f"{self._text[at]!r} is not part of the syntax")
            if match.lastgroup is not None:
                yield match.lastgroup, match.group(), at
            at = match.end()
        yield "end", "", at

    def _error(self, at: int, message: str) -> CompileError:
        line = self._text.count("\n", 0, at) + 1
        column = at - self._text.rfind("\n", 0, at)
        return CompileError(f"IR text, line {line}, column {column}: {message}")

    def fail(self, message: str, position: int | None = None) -> CompileError:
        """An error about the next token, or about the one at `position`."""
        return self._error(self._tokens[self.position if position is None else position][2], message)

    def refuse(self, message: str) -> CompileError:
        """An error about the token that was taken last."""
        return self.fail(message, self.position - 1)

    def peek(self, ahead: int = 0) -> str:
        """The text of a token to come; "" at the end."""
        return self._tokens[min(self.position + ahead, len(self._tokens) - 1)][1]

    def kind(self, ahead: int = 0) -> str:
        """name, string, arrow, number, word, sign or end."""
        return self._tokens[min(self.position + ahead, len(self._tokens) - 1)][0]

    def take(self, kind: str) -> str:
        if self.kind() != kind:
            raise self.fail(f"expected a {kind}, found {self.peek() or 'the end'!r}")
        self.position += 1
        return self.peek(-1)

    def accept(self, text: str) -> bool:
        if self.kind() in ("name", "string") or self.peek() != text:
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.fail(f"expected {text!r}, found {self.peek() or 'the end'!r}")

    def end(self) -> None:
        if self.kind() != "end":
            raise self.fail(f"expected the end, found {self.peek()!r}")

    def bracketed(self, first: str, last: str, item: Callable[[], T]) -> list[T]:
        """Items between two signs, with or without commas."""
        self.expect(first)
        return self.until(last, item)

    def until(self, last: str, item: Callable[[], T]) -> list[T]:
        """Items up to a sign."""
        items = []
        while not self.accept(last):
            if self.kind() == "end":
                raise self.fail(f"expected {last!r}, found 'the end'")
            items.append(item())
            self.accept(",")
        return items

    def string(self) -> str:
        return self._unquoted(self.take("string"))

    def name(self) -> str:
        """The next token as sigil and bare name."""
        token = self.take("name")
        return token[0] + (self._unquoted(token[1:]) if token[1] == '"' else token[1:])

    def integer(self) -> int:
        token = self.take("number")
        if not re.fullmatch(r"[-+]?\d+", token):
            raise self.refuse(f"expected a whole number, found {token!r}")
        return int(token)

    def _unquoted(self, token: str) -> str:
        try:
            return str(json.loads(token))
        except ValueError as error:
            raise self.refuse(f"{token} is no JSON string: {error}") from error
