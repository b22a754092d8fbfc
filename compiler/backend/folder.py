"""Writes a folder of files whole or not at all, in the place of an earlier artifact and of nothing else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import CompileError
from ..files import cannot_write


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files, or none: into a temporary folder beside the target, which then takes its place."""
    try:
        _check_replaceable(folder, files)
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        fresh = scratch / "new"
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rename(scratch / "old")
        fresh.rename(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:  # also when interrupted between the two renames
        if (scratch / "old").exists() and not folder.exists():
            (scratch / "old").rename(folder)
        shutil.rmtree(scratch, ignore_errors=True)


def _check_replaceable(folder: Path, files: Iterable[str]) -> None:
    """Refuses to replace what is no folder, or what holds anything but an artifact."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CompileError(f"{folder} is a file; give a folder to write to")
    if Path.cwd().is_relative_to(folder.resolve()):
        raise CompileError(
            f"{folder} is the current folder or holds it; give another one, for example build/NAME"
        )
    known = {*files, "shaders", ".DS_Store"}
    known |= {f"shaders/{path.name}" for path in folder.glob("shaders/*.wgsl")}
    known |= {name.replace(".js", ".d.ts") for name in files}  # as earlier versions wrote
    present = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    foreign = [name for name in present if name not in known] if _is_artifact(folder) else present
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise CompileError(
            f"{folder} holds {foreign[0]}{more}, which compile did not write; it is left as it is: "
            "give another folder"
        )


def _is_artifact(folder: Path) -> bool:
    """Whether an artifact is there, of any version, perhaps damaged: then it may be made anew."""
    description = folder / "model.json"
    return (folder / "weights.bin").is_file() or (
        description.is_file() and b"onnx2wgsl" in description.read_bytes()
    )
