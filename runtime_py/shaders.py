"""What of a shader would end the process: wgpu's parser overflows its stack on texts nested too deeply."""

import re
from collections.abc import Iterator
from itertools import accumulate

DEPTH = 64
"""Brackets within brackets, at most; naga fell at some 3,000."""
STATEMENT = 4096
"""Characters between two of `;`, `{` and `}`, at most: naga descends for every sign and every `array<`."""
BRANCHES = 64
"""`else` in a file, at most: naga descends for each of a chain."""
# A line ends where WGSL says.
_COMMENT = re.compile("//[^\n\v\f\r\x85\u2028\u2029]*")
_BRACKETS = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)


def shader_problems(text: str) -> Iterator[str]:
    """Yields what is wrong with a shader's text; what the compiler writes is far from these bounds."""
    code = _COMMENT.sub("", text)
    if "/*" in code:
        yield "it has a block comment"
    if max(accumulate(_BRACKETS.get(sign, 0) for sign in code), default=0) > DEPTH:
        yield f"its brackets nest more than {DEPTH} deep"
    if max(map(len, re.split("[;{}]", code))) > STATEMENT:
        yield f"it has a statement of more than {STATEMENT} characters"
    if len(re.findall(r"\belse\b", code)) > BRANCHES:
        yield f"it has more than {BRANCHES} branches"
