"""onnxruntime-web for tests: the packages of package-lock.json, installed where they are missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def require_packages(*names: str) -> str:
    """The npm command, with these packages installed."""
    command = shutil.which("npm")
    assert command, "npm is missing: install Node.js 20 or later (make setup)"
    if not all((ROOT / "node_modules" / name).is_dir() for name in names):
        subprocess.run([command, "ci", "--no-audit", "--no-fund"], cwd=ROOT, check=True)
    return command


def node() -> str:
    """The node command."""
    command = shutil.which("node")
    assert command, "node is missing: install Node.js 20 or later (make setup)"
    return command
