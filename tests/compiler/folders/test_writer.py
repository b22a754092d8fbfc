"""What a user owns in a folder stays, whatever is written there and whenever it is interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.folders import lock, writer
from onnx2wgsl.compiler.folders.manifest import SEAL, record, seal, sha256
from onnx2wgsl.compiler.folders.writer import require_replaceable, write_folder

MANIFEST = "model.json"
NOBODY = 65534
Change = Callable[[Path], object]


def files(text: str) -> dict[str, bytes]:
    """A small folder of ours."""
    content = {name: f"{text} {name}".encode() for name in ("weights.bin", "shaders/conv.wgsl", "page.js")}
    records = [record(name, data) for name, data in content.items()]
    return content | {MANIFEST: seal({"format": "onnx2wgsl", "version": 2, "files": records})}


OLD = files("old")
NEW = files("new") | {"shaders/more.wgsl": b"more"}
NEW[MANIFEST] = seal(
    {"format": "onnx2wgsl", "files": [record(name, data) for name, data in NEW.items() if name != MANIFEST]}
)


def tree(folder: Path) -> dict[str, object]:
    """Everything in a folder: contents of files, targets of links, kinds of all else."""

    def look(path: Path) -> object:
        if path.is_symlink():
            return f"-> {os.readlink(path)}"
        return path.read_bytes() if path.is_file() else path.stat().st_mode

    return {path.relative_to(folder).as_posix(): look(path) for path in sorted(folder.rglob("*"))}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def put(name: str, data: bytes = b"mine") -> Change:
    """Adds or overwrites a file."""

    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    return change


def sealed_text(text: str) -> bytes:
    """The text with its hash, as a manifest ends."""
    return text.encode() + SEAL + sha256(text.encode()).encode() + b'"\n}\n'


def fresh(*changes: Change) -> Change:
    """The same in a folder that holds nothing of ours."""

    def change(folder: Path) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        for one in changes:
            one(folder)

    return change


def link(name: str, target: str) -> Change:
    """Puts a link in the place of what is there, which moves to where it leads."""

    def change(folder: Path) -> None:
        (folder / name).rename(folder / target)
        (folder / name).symlink_to(target)

    return change


def become(action: Change) -> Change:
    """Puts something else in the place of the folder."""

    def change(folder: Path) -> None:
        shutil.rmtree(folder)
        action(folder)

    return change


V1 = b'{"format": "onnx2wgsl", "version": 1, "weights": {"file": "weights.bin", "sha256": "0"}}'
SITE = [put("index.html"), put("weights.bin"), put("shaders/mine.wgsl"), put("page.js")]
WAYS: dict[str, tuple[Change, str]] = {
    "a file beside ours": (put("thesis.txt"), "holds thesis.txt, which onnx2wgsl did not write"),
    "a file in a folder of ours": (put("shaders/mine.wgsl"), "holds shaders/mine.wgsl, which"),
    "a folder": (put("deep/er/thesis.txt"), "holds deep, which"),
    "an empty folder": (lambda a: (a / "empty").mkdir(), "holds empty, which"),
    "a hidden file": (put(".env"), "holds .env, which"),
    "a repository": (put(".git/HEAD"), "holds .git, which"),
    "a repository among ours": (put("shaders/.git/HEAD"), "holds shaders/.git, which"),
    "a name of another case": (put("Weights.bin"), "holds Weights.bin, which"),
    "a name with a newline": (put("a\nb"), "which onnx2wgsl did not write"),
    "a name that is no text": (put(os.fsdecode(b"\xff")), "which onnx2wgsl did not write"),
    "a copy of ours": (put("weights (copy).bin", OLD["weights.bin"]), "holds weights (copy).bin, which"),
    "seven files": (lambda a: [put(f"{i}")(a) for i in range(7)], "holds 0, 1, 2, 3, 4 and 2 more, which"),
    "a folder named like litter": (put(".DS_Store/x"), "holds .DS_Store, which"),
    "a link named like litter": (lambda a: (a / "Thumbs.db").symlink_to("/"), "holds Thumbs.db, which"),
    "a pipe": (lambda a: os.mkfifo(a / "pipe"), "holds pipe, which"),
    "a link": (lambda a: (a / "link").symlink_to("/etc/passwd"), "holds link, which"),
    "a changed file": (put("page.js", b"my page.js!"), "holds page.js, changed since onnx2wgsl wrote it"),
    "a longer file": (put("shaders/conv.wgsl", b"more of it"), "holds shaders/conv.wgsl, changed"),
    "an empty file": (put("weights.bin", b""), "holds weights.bin, changed"),
    "a changed manifest": (put(MANIFEST, OLD[MANIFEST] + b" "), "has a model.json that was changed"),
    "a manifest that lists more": (
        put(MANIFEST, OLD[MANIFEST].replace(b'"page.js"', b'"thesis.js"')), "model.json that was changed",
    ),
    "the manifest of an earlier version": (put(MANIFEST, V1), "is of an earlier version or another tool"),
    "the manifest of another tool": (
        put(MANIFEST, seal({"format": "graph-model", "files": []})), "or another tool",
    ),
    "a manifest of another form": (put(MANIFEST, seal({"format": "onnx2wgsl", "files": [1]})), "tool"),
    "a manifest of files without sizes": (
        put(MANIFEST, seal({"format": "onnx2wgsl", "files": [{"file": "page.js"}]})), "or another tool",
    ),
    "a manifest of lists in lists": (
        put(MANIFEST, sealed_text('{"files": ' + "[" * 100_000)), "or another tool",
    ),
    "no manifest": (lambda a: (a / MANIFEST).unlink(), "holds page.js, shaders, weights.bin, which"),
    "weights alone": (fresh(put("weights.bin")), "holds weights.bin, which"),
    "a site": (fresh(*SITE), "holds index.html, page.js, shaders, weights.bin, which"),
    "a file linked elsewhere": (link("weights.bin", "../precious"), "holds weights.bin, changed"),
    "a manifest linked elsewhere": (link(MANIFEST, "../precious"), "has a model.json that was changed"),
    "a folder linked elsewhere": (link("shaders", "../precious"), "holds shaders, which"),
    "a file in the folder's place": (become(lambda a: a.write_bytes(b"mine")), "is a file; give a folder"),
    "a pipe in the folder's place": (become(os.mkfifo), "is a file; give a folder"),
    "a link to a file": (
        become(lambda a: (put("../precious")(a.parent / "x"), a.symlink_to("precious"))), "is a file; give",
    ),
    "a link in a circle": (become(lambda a: a.symlink_to("a")), "is a file; give a folder"),
    "a link to the user's folder": (
        become(lambda a: (put("../b/thesis.txt")(a.parent / "x"), a.symlink_to("b"))), "holds thesis.txt",
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that was written before, in an otherwise empty one."""
    (tmp_path / "x").mkdir()
    write_folder(tmp_path / "a", OLD, MANIFEST)
    return tmp_path / "a"


@pytest.mark.parametrize("way", WAYS)
def test_what_a_user_owns_stays(folder: Path, way: str) -> None:
    change, reason = WAYS[way]
    change(folder)
    before = tree(folder.parent)
    for attempt in (
        lambda: require_replaceable(folder, MANIFEST),
        lambda: write_folder(folder, NEW, MANIFEST),
    ):
        with pytest.raises(CompileError) as refused:
            attempt()
        assert str(refused.value).startswith(str(folder))
        assert reason in str(refused.value)
        assert tree(folder.parent) == before


@pytest.mark.parametrize("place", [".", "..", "/", "~"])
def test_no_folder_that_one_is_in_is_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.chdir(folder if place == "." else folder / "shaders")
    before = tree(folder.parent)
    with pytest.raises(CompileError, match="is the current folder or your home, or holds it; give"):
        write_folder(Path(place).expanduser(), NEW, MANIFEST)
    assert tree(folder.parent) == before


LITTERED: dict[str, Change] = {
    "an earlier one": lambda _: None,
    "some of an earlier one": lambda a: (a / "weights.bin").unlink(),
    "an empty folder": fresh(),
    "no folder": become(lambda _: None),
    "what a file manager left": put(".DS_Store", b"icons"),
    "a folder that is private": lambda a: a.chmod(0o700),
}


@pytest.mark.parametrize("way", LITTERED)
def test_what_is_ours_is_replaced_whole(folder: Path, way: str) -> None:
    LITTERED[way](folder)
    litter = {".DS_Store": b"icons"} if way == "what a file manager left" else {}
    mode = folder.stat().st_mode if folder.exists() else None
    write_folder(folder, NEW, MANIFEST)
    assert bytes_of(folder) == NEW | litter
    assert mode in (None, folder.stat().st_mode)
    assert {path.name for path in folder.parent.iterdir()} == {"a", "x"}


@pytest.fixture
def shelf() -> Iterator[Path]:
    """A folder of a user who is not root, whom modes bind."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        if root:
            os.seteuid(NOBODY)
        yield Path(folder)
        if root:
            os.seteuid(0)


def test_of_a_read_only_folder_no_scratch_folder_is_left(shelf: Path) -> None:
    write_folder(shelf / "a", OLD, MANIFEST)
    (shelf / "a").chmod(0o555)
    with pytest.raises(CompileError, match="can't be written: Permission denied"):
        write_folder(shelf / "a", NEW, MANIFEST)
    assert bytes_of(shelf / "a") == OLD
    assert [path.name for path in shelf.iterdir()] == ["a"]
    (shelf / "a").chmod(0o755)
    (shelf / "a" / "shaders").chmod(0o555)
    write_folder(shelf / "a", NEW, MANIFEST)
    assert bytes_of(shelf / "a") == NEW
    assert [path.name for path in shelf.iterdir()] == ["a"]


def test_what_may_not_be_read_stays(shelf: Path) -> None:
    write_folder(shelf / "a", OLD, MANIFEST)
    (shelf / "a" / "weights.bin").chmod(0)
    with pytest.raises(CompileError, match="can't be written: Permission denied"):
        write_folder(shelf / "a", NEW, MANIFEST)
    (shelf / "a" / "weights.bin").chmod(0o644)
    assert bytes_of(shelf / "a") == OLD


def test_into_a_read_only_parent_nothing_is_written(shelf: Path) -> None:
    (shelf / "parent").mkdir(mode=0o555)
    with pytest.raises(CompileError, match="can't be written: Permission denied"):
        write_folder(shelf / "parent" / "a", NEW, MANIFEST)
    assert list((shelf / "parent").iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_folder_is_replaced(folder: Path, exists: bool) -> None:
    place = folder.parent / "x" / "link"
    place.symlink_to("../a")
    if not exists:
        shutil.rmtree(folder)
    write_folder(place, NEW, MANIFEST)
    assert os.readlink(place) == "../a"
    assert bytes_of(folder) == NEW


@pytest.mark.parametrize("way", [way for way in WAYS if "place" not in way and "link" not in way])
def test_force_writes_over_our_names_and_keeps_all_others(folder: Path, way: str) -> None:
    WAYS[way][0](folder)
    before = {name: state for name, state in tree(folder).items() if name not in NEW}
    write_folder(folder, NEW, MANIFEST, force=True)
    after = tree(folder)
    assert {name: after[name] for name in before} == before
    assert {name: after[name] for name in NEW} == NEW


@pytest.mark.parametrize("way", [way for way in WAYS if "elsewhere" in way])
def test_force_follows_no_link_in_the_folder(folder: Path, way: str) -> None:
    WAYS[way][0](folder)
    before = tree(folder.parent)
    with pytest.raises(CompileError, match="is a link; remove it first"):
        write_folder(folder, NEW, MANIFEST, force=True)
    assert tree(folder.parent) == before


def test_force_writes_into_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    number = folder.stat().st_ino
    write_folder(Path("."), NEW, MANIFEST, force=True)
    assert bytes_of(folder) == NEW
    assert folder.stat().st_ino == number


def test_a_mount_point_is_written_file_by_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't be moved; what is ours and no longer needed goes."""
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == folder)
    number = folder.stat().st_ino
    write_folder(folder, NEW, MANIFEST)
    write_folder(folder, OLD, MANIFEST)
    assert bytes_of(folder) == OLD
    assert folder.stat().st_ino == number


def test_what_changes_while_it_is_replaced_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path == folder:
            put("thesis.txt")(folder)
        return plain(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(CompileError, match=r"holds thesis\.txt"):
        write_folder(folder, NEW, MANIFEST)
    assert bytes_of(folder) == OLD | {"thesis.txt": b"mine"}


def test_folders_with_names_like_ours_stay(folder: Path) -> None:
    names = [
        ".a.backup",
        ".a.onnx2wgsl-",
        ".a.onnx2wgsl-mine",
        ".b.onnx2wgsl-12345678",
        ".a.onnx2wgsl-12345678",
    ]
    for name in names:
        put(f"{name}/thesis.txt")(folder.parent)
    (folder.parent / ".a.onnx2wgsl-87654321").write_bytes(b"mine")
    put(".a.onnx2wgsl-abcdefgh/old/thesis.txt")(folder.parent)
    before = {name: data for name, data in bytes_of(folder.parent).items() if not name.startswith("a/")}
    write_folder(folder, NEW, MANIFEST)
    after = bytes_of(folder.parent)
    assert {name: after[name] for name in before} == before


# ------------------------------------------------------------------------------- interruptions

CHILD = """
import os, signal, sys
from pathlib import Path
from tests.compiler.folders.test_writer import MANIFEST, NEW, write_folder

steps = int(sys.argv[2])

def count(event, arguments):
    global steps
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod"):
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
write_folder(Path(sys.argv[1]), NEW, MANIFEST)
"""


def killed_at(folder: Path, step: int) -> bool:
    """Writes in another process that dies before a step; whether it came to it."""
    process = subprocess.run([sys.executable, "-c", CHILD, folder, str(step)], check=False)
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0


@pytest.mark.parametrize("present", [True, False])
def test_a_run_that_is_killed_at_any_step_is_made_good_by_the_next(tmp_path: Path, present: bool) -> None:
    for step in range(1, 100):
        parent = tmp_path / str(step)
        folder = parent / "a"
        parent.mkdir()
        if present:
            write_folder(folder, OLD, MANIFEST)
        if not killed_at(folder, step):
            break
        kept = [bytes_of(path) for path in (folder, *parent.glob(".a.*/old")) if path.exists()]
        assert (OLD in kept or NEW in kept) if present else kept in ([], [NEW])
        require_replaceable(folder, MANIFEST)
        assert bytes_of(folder) in (OLD, NEW) if present else bytes_of(folder) in ({}, NEW)
        write_folder(folder, NEW, MANIFEST)
        assert bytes_of(folder) == NEW
        assert [path.name for path in parent.iterdir()] == ["a"]
    assert step >= 15


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_failure_in_the_middle_leaves_the_older_folder(
    failing: str, error: BaseException, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = getattr(Path, failing), []

    def fails_in_the_middle(path: Path, *args: Any) -> Any:
        calls.append(path)
        if len(calls) == 2:  # the second file, or the new folder on its way to its place
            raise error
        return plain(path, *args)

    monkeypatch.setattr(Path, failing, fails_in_the_middle)
    kind = CompileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(kind, match="No space left" if kind is CompileError else None):
        write_folder(folder, NEW, MANIFEST)
    assert len(calls) >= 2
    assert bytes_of(folder) == OLD
    assert {path.name for path in folder.parent.iterdir()} == {"a", "x"}


def test_a_failure_leaves_nothing_where_nothing_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: Path, _: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(CompileError, match=r"a can't be written: No space left on device"):
        write_folder(tmp_path / "out" / "a", NEW, MANIFEST)
    assert list((tmp_path / "out").iterdir()) == []


def test_eight_runs_at_once_follow_one_another(folder: Path) -> None:
    problems: list[BaseException] = []

    def run() -> None:
        try:
            write_folder(folder, NEW, MANIFEST)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert bytes_of(folder) == NEW
    assert {path.name for path in folder.parent.iterdir()} == {"a", "x"}


def test_a_run_does_not_wait_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    with lock.alone(folder.parent) as is_alone:
        assert is_alone
        with pytest.raises(CompileError, match="another onnx2wgsl is writing to "):
            write_folder(folder, NEW, MANIFEST)
    assert bytes_of(folder) == OLD


def test_without_locks_no_scratch_folder_of_others_is_touched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    other = folder.parent / ".a.onnx2wgsl-12345678"
    shutil.copytree(folder, other / "old")
    write_folder(folder, NEW, MANIFEST)
    assert bytes_of(folder) == NEW
    assert bytes_of(other / "old") == OLD


def test_an_artifact_whose_manifest_was_its_model_json_is_replaced(folder: Path) -> None:
    write_folder(folder, NEW | {"files.json": NEW[MANIFEST]}, "files.json")
    assert bytes_of(folder) == NEW | {"files.json": NEW[MANIFEST]}


def test_the_manifest_lists_what_is_there() -> None:
    assert {one["file"] for one in json.loads(NEW[MANIFEST])["files"]} == set(NEW) - {MANIFEST}
    assert writer.require_replaceable is require_replaceable
