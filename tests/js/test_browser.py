"""The runtime's tests in a browser."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("script", ["test:browser", "test:embedding"])
def test_npm_script(npm_script: Callable[[str], None], script: str) -> None:
    npm_script(script)
