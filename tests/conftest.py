"""Settings that all tests share."""

import os
import signal
import tempfile

import pytest
from hypothesis import settings

LONGEST = (
    "tests/js/test_browser",
    "tests/js/test_live",
    "tests/js/test_js",
    "tests/outside/",
    "tests/test_exactness.py",
    "tests/property/test_stages.py",
    "tests/zoo/test_web.py",
    "tests/trainer/test_ci.py",
    "tests/trainer/test_training.py",
)
"""What takes minutes starts first, so that no worker is left with it at the end."""

# `ci` draws the same examples each time; `deep` searches: pytest --hypothesis-profile=deep
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("deep", max_examples=4000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# For numpy, torch and the software adapter, here and in processes that tests start.
# One thread each: the workers share the cores already, and at these sizes a second one mostly waits.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Without the optimizer of llvmpipe's compiler, which takes longer than all that the shaders compute.
# With it, as users have it, tests/test_exactness.py runs every variant.
os.environ.setdefault("GALLIVM_PERF", "nopt")

# A shell's background job ignores Ctrl-C, and so would every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Vulkan drivers complain on stderr where a login session has not set it.
if "XDG_RUNTIME_DIR" not in os.environ:
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="onnx2wgsl-xdg-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/goldens and face/vectors.json from what is generated",
    )
