"""A folder is written whole or not at all, and only an artifact is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onnx2wgsl.compiler.errors import CompileError

from tests.compiler.artifacts import AVATAR, contents, write


def test_an_older_artifact_is_replaced(tiny: Path, tmp_path: Path) -> None:
    write(tiny, tmp_path / "a")
    (tmp_path / "a" / "shaders" / "stale.wgsl").write_text("old")
    described = write(AVATAR, tmp_path / "a")
    assert described["name"] == "avatar_256_u8"
    assert not (tmp_path / "a" / "shaders" / "stale.wgsl").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_empty_folder_is_filled(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(tiny, tmp_path / "a")
    assert (tmp_path / "a" / "model.json").exists()


def test_a_foreign_folder_is_refused_and_untouched(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("dear")
    before = contents(tmp_path / "a")
    with pytest.raises(CompileError, match=r"holds thesis\.txt.*it is left as it is"):
        write(tiny, tmp_path / "a")
    assert contents(tmp_path / "a") == before


def test_a_file_in_the_way_is_refused_and_untouched(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("dear")
    with pytest.raises(CompileError, match="is a file; give a folder"):
        write(tiny, tmp_path / "a")
    assert (tmp_path / "a").read_text() == "dear"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_failure_in_the_middle_leaves_the_older_artifact(
    failing: str,
    error: BaseException,
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "out" / "a"
    write(tiny, target)
    before = contents(target)
    plain, calls = getattr(Path, failing), []

    def fails_in_the_middle(path: Path, *args: Any) -> Any:
        calls.append(path)
        if len(calls) == 2:  # the second file, or the fresh folder on its way to its place
            raise error
        return plain(path, *args)

    monkeypatch.setattr(Path, failing, fails_in_the_middle)
    kind = CompileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(kind, match="No space left" if kind is CompileError else None):
        write(AVATAR, target)
    monkeypatch.undo()
    assert len(calls) >= 2
    assert contents(target) == before
    assert [path.name for path in target.parent.iterdir()] == ["a"]


def test_a_failure_leaves_nothing_where_nothing_was(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, _: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(CompileError, match=r"a can't be written: No space left on device"):
        write(tiny, tmp_path / "out" / "a")
    assert list((tmp_path / "out").iterdir()) == []
