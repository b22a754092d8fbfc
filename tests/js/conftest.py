"""Runs scripts of package.json, so that pytest covers the JavaScript tests of this folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders.edit import save
from tests.builders.models import model
from tests.command import succeed
from tests.web import require_packages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled UNet of 32 pixels with the avatar's shaders, every one; several scripts run it."""
    folder = tmp_path_factory.mktemp("artifact")
    succeed("compile", save(model("unet"), folder), "-o", folder / "unet")
    return folder / "unet"


@pytest.fixture(scope="session")
def npm_script(artifact: Path) -> Callable[[str], None]:
    """Runs a script, with the packages of package-lock.json installed; fails with what it says."""
    npm = require_packages("webgpu", "onnx2wgsl-api", "@mediapipe/tasks-vision")

    def run(script: str) -> None:
        environment = os.environ | {"PYTHON": sys.executable, "ONNX2WGSL_ARTIFACTS": str(artifact)}
        command = [npm, "run", "--silent", script]
        process = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, process.stdout + process.stderr

    return run
