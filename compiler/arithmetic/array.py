"""The type of a numpy array, here where nothing else of the compiler is known."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
