"""verify_program: each rule of a well-formed program, broken, gives its message."""

from __future__ import annotations

import pytest
from onnx2wgsl.compiler.errors import InternalError
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.program_verifier import verify_program
from onnx2wgsl.compiler.ir.text import parse_program

VALID = """program @t ("x": f32[8]) -> ("y": f32[1,16,2,2], "w": f32[16], "r": f32[64]) arena_words=88 {
  @t: f32[256] = splat 0.5
  %a: 8 words at 0
  %c: 16 words at 8
  %f: 64 words at 24
  kernel copy "load" [1, 2, 2] x 2 ("x") -> %a[4 x 2], %c[4 x 0:2 of 4]
  kernel copy "more" [1, 2, 2] x 2 (%a[4 x 2]) -> %c[4 x 2:4 of 4]
  kernel copy "low" [1, 2, 2] x 2 (%c[4 x 0:2 of 4]) ->
    OutputStore("y", table=@t, channels=[0..7], total=16),
    OutputStore("", table=@t, channels=[0..7], total=16, view=%f[1 x 64])
  kernel copy "high" [1, 2, 2] x 2 (%c[4 x 2:4 of 4]) ->
    OutputStore("y", table=@t, channels=[8..15], total=16),
    OutputStore("", table=@t, channels=[8..15], total=16, view=%f[1 x 64])
  kernel copy "words" [1, 1, 1] x 16 (%c[1 x 16]) -> WordStore("w")
  kernel copy "rows" [1, 1, 1] x 64 (%f[1 x 64]) -> WordStore("r")
}"""
UNPLACED = VALID.replace(" arena_words=88", "")
for place in (" at 0", " at 8", " at 24"):
    UNPLACED = UNPLACED.replace(place + "\n", "\n")


def program(text: str, *changes: tuple[str, str]) -> Program:
    for right, wrong in changes:
        assert right in text
        text = text.replace(right, wrong)
    return parse_program(text)


def problems(text: str, *changes: tuple[str, str]) -> list[str]:
    with pytest.raises(InternalError) as caught:
        verify_program(program(text, *changes), "a_pass")
    head, *lines = str(caught.value).split("\n  - ")
    assert head == "internal error: the program is not valid after a_pass:"
    return lines


@pytest.mark.parametrize("text", [VALID, UNPLACED])
def test_a_valid_program_passes(text: str) -> None:
    verify_program(program(text), "a_pass")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('"more"', '"load"', "2 kernels are called 'load'"),
        ('("x")', '("z")', "kernel 'load' reads the input 'z', which there is not"),
        (
            'copy "load" [1, 2, 2] x 2 ("x")',
            'pack "load" [1, 2, 2] x 2 ("z")',
            "kernel 'load' reads the input 'z', which there is not",
        ),
        # views
        ("(%a[4 x 2])", "(%a[5 x 2])", "kernel 'more' reads buffer 'a', which has 8 words"),
        (
            "(%a[4 x 2])",
            "(%a[2 x 0:4 of 2])",
            "kernel 'more' reads buffer 'a', words 0:4 of 2, which has 8 words",
        ),
        (
            "(%a[4 x 2])",
            "(%a[4 x 2:4 of 2])",
            "kernel 'more' reads buffer 'a', words 2:4 of 2, which has 8 words",
        ),
        ("2:4 of 4]\n", "2:4 of 5]\n", "kernel 'more' stores buffer 'c', words 2:4 of 5, which has 16 words"),
        # words
        (
            "(%a[4 x 2])",
            "(%c[4 x 4])",
            "kernel 'more' reads 8 words of buffer 'c' that are not stored before",
        ),
        (
            "2:4 of 4]\n",
            "1:3 of 4]\n",
            "kernel 'more' stores 4 words of buffer 'c', words 1:3 of 4 that are stored already",
        ),
        (
            "[0..7], total=16, view",
            "[0..8], total=16, view",
            "kernel 'high' stores 4 words of buffer 'f' that are stored already",
        ),
        (
            "[0..7], total=16, view",
            "[1..7], total=16, view",
            "kernel 'rows' reads 4 words of buffer 'f' that are not stored before",
        ),
        (
            "[0..7], total=16, view",
            "[0..7], total=15, view",
            "kernel 'low' stores 60 words into buffer 'f', which has 64",
        ),
        # outputs
        ('"w": f32', '"v": f32[1], "w": f32', "output 'v' is not stored"),
        ('WordStore("w")', 'WordStore("v")', "kernel 'words' stores the output 'v', which there is not"),
        ('WordStore("w")', 'WordStore("w"), WordStore("r")', "output 'r' is stored by 'words' and 'rows'"),
        (
            'WordStore("w")',
            'WordStore("w"), WordStore("y")',
            "output 'y' is stored by 'low' and 'high' and 'words'",
        ),
        (
            '"y", table=@t, channels=[0..7]',
            '"y", table=@t, channels=[0..5, 7]',
            "output 'y' has 16 channels; not stored: [6], stored again: []",
        ),
        (
            '"y", table=@t, channels=[8..15]',
            '"y", table=@t, channels=[7..14]',
            "output 'y' has 16 channels; not stored: [15], stored again: [7]",
        ),
        ("f32[1,16,2,2]", "f32[1,16,2,3]", "output 'y' has 96 elements, kernel 'low' stores 64"),
        (
            'WordStore("r")',
            'OutputStore("r", table=@t, channels=[0..2], total=3)',
            "output 'r' has 64 elements, kernel 'rows' stores 3",
        ),
        (
            'WordStore("r")',
            'OutputStore("r", table=@t, channels=[0, 0, 2], total=3)',
            "output 'r' has 3 channels; not stored: [1], stored again: [0]",
        ),
        (
            'WordStore("r")',
            ", ".join(['OutputStore("r", table=@t, channels=[0], total=1)'] * 2),
            "output 'r' is stored by 'rows' and 'rows'",
        ),
        (
            '"w": f32[16]',
            '"w": f32[17]',
            "output 'w' has 17 words, kernel 'words' stores 16 at most",
        ),
        # places
        ("8 words at 0", "8 words", "buffer 'a' has no place"),
        ("64 words at 24", "64 words at 25", "buffer 'f' lies outside the arena of 88 words"),
        ("64 words at 24", "64 words at 20", "buffers 'c' and 'f' are live at once and share 4 words"),
    ],
)
def test_a_broken_rule_is_told(right: str, wrong: str, message: str) -> None:
    assert message in problems(VALID, (right, wrong))


def test_buffers_that_are_not_live_at_once_may_share_words() -> None:
    verify_program(program(VALID, ("64 words at 24", "64 words at 0"), (" at 8", " at 64")), "a_pass")


def test_a_kernel_binds_at_most_eight_buffers() -> None:
    """The arena and seven outputs can be bound, not one more."""
    for count in (7, 8):
        outputs = ", ".join(f'"w{number}": f32[16]' for number in range(count))
        stores = ", ".join(f'WordStore("w{number}")' for number in range(count))
        changes = ('"w": f32[16]', outputs), ('WordStore("w")', stores)
        if count == 7:
            verify_program(program(VALID, *changes), "a_pass")
        else:
            assert problems(VALID, *changes) == ["kernel 'words' binds 9 storage buffers; devices have 8"]


def test_all_problems_are_told_at_once() -> None:
    changes = ('"more"', '"load"'), ('WordStore("w")', 'WordStore("v")'), ("8 words at 0", "8 words")
    assert problems(VALID, *changes) == [
        "2 kernels are called 'load'",
        "kernel 'words' stores the output 'v', which there is not",
        "output 'w' is not stored",
        "buffer 'a' has no place",
    ]
