"""Compiling takes work in proportion to the model: calls are counted, so that no clock decides."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from onnx2wgsl.compiler.driver import compile_file
from onnx2wgsl.compiler.fuzzing.chains import CHAINS, chain

from tests.builders.edit import save


def calls(name: str, groups: int, folder: Path) -> int:
    """How many functions compiling so many groups calls, those written in C among them."""
    path, count = save(chain(name, groups), folder), 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        compile_file(path, folder / str(groups))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", CHAINS)
def test_twice_the_groups_are_twice_the_work(name: str, tmp_path: Path) -> None:
    # The first time, templates are read and modules loaded.
    _, few, more, most = (calls(name, groups, tmp_path) for groups in (4, 8, 16, 32))
    assert (most - more) / (more - few) == pytest.approx(2, rel=0.1)
