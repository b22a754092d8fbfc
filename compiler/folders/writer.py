"""Writes a folder whole or not at all, in the place of an earlier one of ours and of nothing else.

A new folder is made whole in a scratch folder beside the target, `.NAME.onnx2wgsl-XXXXXXXX`; then the
earlier one moves into the scratch folder (`old`), the new one takes its place, and the scratch folder goes.
A run that is killed between the two moves leaves no target: the next run to that target moves `old` back
first. Other scratch folders that were left go with the next run that succeeds. Runs into one parent folder
wait for each other. (Without locks, as on Windows, nothing is moved back, and only a run's own scratch folder
goes.)
"""

from __future__ import annotations

import glob
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from ..errors import CompileError
from ..files import cannot_write, write_all
from .lock import alone
from .manifest import LITTER, Contents, contents

_NAMES_SHOWN = 5
_SCRATCH = ".{}.onnx2wgsl-"


def require_replaceable(folder: Path, manifest: str, force: bool = False) -> None:
    """Raises CompileError where `write_folder` would, so that nobody waits for a refusal."""
    with _told(folder):
        target = _target(folder)
        with alone(target.parent) as is_alone:
            if is_alone:
                _restore(target)
            _require(folder, target, manifest, force)


def write_folder(folder: Path, files: Mapping[str, bytes], manifest: str, force: bool = False) -> None:
    """Writes all files, or none, through a link where `folder` is one; `files[manifest]` lists the others.

    An empty folder and what an earlier call wrote are replaced. Where anything else is in the way it raises
    CompileError; with `force` it writes file by file instead, over what has these names, and leaves all else.
    """
    with _told(folder):
        target = _target(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target.parent) as is_alone:
            if is_alone:
                _restore(target)
            if _require(folder, target, manifest, force):
                _overwrite(folder, target, files, manifest)
            else:
                _replace(folder, target, files, manifest)
            if is_alone:
                _sweep(target, manifest)


def _target(folder: Path) -> Path:
    return Path(os.path.realpath(folder))


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Tells what the system refuses."""
    try:
        yield
    except OSError as error:
        raise cannot_write(folder, error) from error


def _require(folder: Path, target: Path, manifest: str, force: bool) -> bool:
    """Whether to write file by file, around what is there; raises CompileError where that is not allowed."""
    if not os.path.lexists(target):
        return False
    if not target.is_dir():
        raise CompileError(f"{folder} is a file; give a folder to write to")
    present = contents(target, manifest)
    if force:
        return bool(present.users) or _holds_user(target) or os.path.ismount(target)
    if _holds_user(target):
        raise CompileError(
            f"{folder} is the current folder or your home, or holds it; "
            "give another one, for example build/NAME"
        )
    if present.users:
        raise _refusal(folder, present, manifest)
    return os.path.ismount(target)


def _holds_user(target: Path) -> bool:
    places = (os.getcwd(), os.path.expanduser("~"))
    return any(_target(Path(place)).is_relative_to(target) for place in places)


def _refusal(folder: Path, present: Contents, manifest: str) -> CompileError:
    reasons = []
    if present.foreign:
        reasons.append(f"holds {_enumerated(present.foreign)}, which onnx2wgsl did not write")
    if present.changed:
        reasons.append(f"holds {_enumerated(present.changed)}, changed since onnx2wgsl wrote it")
    if manifest in present.foreign:
        reasons.append(f"has a {manifest} that was changed, or is of an earlier version or another tool")
    return CompileError(
        f"{folder} {', and '.join(reasons)}; it is left as it is: give another folder, or --force to write "
        "over the files that have the names of the new ones and keep all others"
    )


def _enumerated(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _overwrite(folder: Path, target: Path, files: Mapping[str, bytes], manifest: str) -> None:
    """Writes file by file, the manifest last; raises CompileError where a link would lead elsewhere."""
    for name in files:
        for path in (target / name, *(target / name).parents):
            if path.is_relative_to(target) and path != target and path.is_symlink():
                raise CompileError(f"{folder}: {path.relative_to(target)} is a link; remove it first")
    stale = [name for name in contents(target, manifest).own if name not in files]
    ordered = sorted(files, key=lambda name: name == manifest)
    write_all({target / name: files[name] for name in ordered})
    for name in stale:
        (target / name).unlink()


def _replace(folder: Path, target: Path, files: Mapping[str, bytes], manifest: str) -> None:
    """Makes the new folder in a scratch folder, and puts it in the place of the old one."""
    prefix = _SCRATCH.format(target.name)
    scratch = Path(mkdtemp(prefix=prefix, dir=target.parent))
    old, new = scratch / "old", scratch / "new"
    try:
        for name, content in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if target.exists():
            _adopt(target, new)
            target.rename(old)
            present = contents(old, manifest)
            if present.users:  # since it was looked at
                raise _refusal(folder, present, manifest)
        new.rename(target)
    finally:  # also when interrupted between the two moves
        if old.exists() and not target.exists():
            old.rename(target)
        _discard(scratch)


def _adopt(target: Path, new: Path) -> None:
    """Gives the new folder the mode of the earlier one, and the litter in it."""
    for litter in LITTER:
        if (target / litter).is_file():
            shutil.copy2(target / litter, new / litter, follow_symlinks=False)
    new.chmod(stat.S_IMODE(target.stat().st_mode))


def _discard(scratch: Path) -> None:
    """Removes a scratch folder; `old`, by now replaced, first loses the name under which it would be kept."""
    with suppress(OSError):
        if (scratch / "old").exists():
            (scratch / "old").rename(scratch / "gone")
        for place, folders, _ in os.walk(scratch):  # from a read-only folder nothing can be removed
            for name in folders:
                if not os.path.islink(os.path.join(place, name)):
                    os.chmod(os.path.join(place, name), stat.S_IRWXU)
        shutil.rmtree(scratch, ignore_errors=True)


def _scratches(target: Path) -> list[Path]:
    """The scratch folders of earlier runs, oldest first."""
    pattern = glob.escape(_SCRATCH.format(target.name)) + "?" * 8
    own = [path for path in target.parent.glob(pattern) if path.is_dir() and not path.is_symlink()]
    return sorted(own, key=lambda path: path.stat().st_mtime)


def _restore(target: Path) -> None:
    """Moves back what a run that was killed had moved away, the latest where there are several."""
    for scratch in reversed(_scratches(target)):
        if (scratch / "old").is_dir() and not os.path.lexists(target):
            (scratch / "old").rename(target)


def _sweep(target: Path, manifest: str) -> None:
    """Removes what runs that were killed have left, unless someone has put something there since."""
    for scratch in _scratches(target):
        old = scratch / "old"
        is_ours = {path.name for path in scratch.iterdir()} <= {"old", "new", "gone"}
        if is_ours and not (old.exists() and contents(old, manifest).users):
            _discard(scratch)
