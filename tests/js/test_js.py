"""Runs the JavaScript tests of this folder, so that pytest covers them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import succeed
from tests.web import require_packages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def npm() -> str:
    """The npm command, with the packages of package-lock.json installed."""
    return require_packages("webgpu", "onnx2wgsl-api")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled avatar, which several scripts run."""
    folder = tmp_path_factory.mktemp("artifact") / "avatar"
    succeed("compile", ROOT / "models" / "avatar_256_u8.onnx", "-o", folder)
    return folder


SCRIPTS = ["format:check", "api:check", "test:package", "test:node", "test:browser", "test:face"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_npm_script(npm: str, artifact: Path, script: str) -> None:
    environment = os.environ | {"PYTHON": sys.executable, "ONNX2WGSL_ARTIFACTS": str(artifact)}
    command = [npm, "run", "--silent", script]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
