"""Fixtures of the runtime's tests: a small artifact made by hand, and the second adapter."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from onnx2wgsl.runtime_py import InferenceSession

from tests.runtime_py import tiny_artifact as tiny

# Comes with the chromium package; elsewhere, name the file in this variable.
SWIFTSHADER = os.environ.get("ONNX2WGSL_SWIFTSHADER_ICD", "/usr/lib/chromium/vk_swiftshader_icd.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write(tmp_path / "tiny")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceSession]:
    artifact = tiny.write(tmp_path_factory.mktemp("artifact") / "tiny")
    with InferenceSession(artifact, profile=True) as opened:
        yield opened


@pytest.fixture
def in_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python code in a process of its own, with other environment variables."""

    def run(code: str, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *args],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def swiftshader() -> str:
    assert os.path.exists(SWIFTSHADER), (
        f"{SWIFTSHADER} is missing: apt-get install chromium, "
        "or name SwiftShader's ICD file in ONNX2WGSL_SWIFTSHADER_ICD"
    )
    return SWIFTSHADER
