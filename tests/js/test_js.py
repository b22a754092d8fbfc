"""The JavaScript tests without a browser, and what is checked of the sources."""

from collections.abc import Callable

import pytest

SCRIPTS = ["format:check", "api:check", "test:package", "test:node", "test:face"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_npm_script(npm_script: Callable[[str], None], script: str) -> None:
    npm_script(script)
