"""Settings that all tests share."""

import os
import tempfile

import pytest
from hypothesis import settings

# `ci` draws the same examples each time; `deep` searches: pytest --hypothesis-profile=deep
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("deep", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Vulkan drivers complain on stderr where a login session has not set it.
if "XDG_RUNTIME_DIR" not in os.environ:
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="onnx2wgsl-xdg-")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/goldens and face/vectors.json from what is generated",
    )
