"""The live page's tests in a browser."""

from collections.abc import Callable


def test_npm_script(npm_script: Callable[[str], None]) -> None:
    npm_script("test:live")
