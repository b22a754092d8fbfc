"""The data of constants as text: small ones in full, uniform ones as `splat`, others by digest."""

from __future__ import annotations

import hashlib

import numpy as np

from ..types import Array

INLINE_ELEMENTS = 32


def digest(data: Array) -> str:
    """What `external` names: the SHA-256 of the bytes in row-major order."""
    return "sha256:" + hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()


def format_data(data: Array) -> str:
    """`[0.5, -0.5]`, `splat 7` or `external "sha256:…"`, of which the parser makes the same bytes."""
    if not _is_spelled(data):
        return f'external "{digest(data)}"'
    numbers = data.astype(np.uint8) if data.dtype == np.bool_ else data
    if data.size <= INLINE_ELEMENTS:
        return f"[{', '.join(map(str, numbers.ravel()))}]"
    return f"splat {numbers.flat[0]!s}"


def is_external(data: Array) -> bool:
    """Whether the text has the digest alone, so that the parser must be given the data."""
    return not _is_spelled(data)


def _is_spelled(data: Array) -> bool:
    return _is_text_exact(data) and (data.size <= INLINE_ELEMENTS or _is_uniform(data))


def _is_uniform(data: Array) -> bool:
    raw = np.ascontiguousarray(data).view(np.uint8).reshape(data.size, -1)
    return bool((raw == raw[0]).all())


def _is_text_exact(data: Array) -> bool:
    """Whether numbers say all: of a NaN they say that it is one, not its bits."""
    if data.dtype != np.float32:
        return True
    bits = np.ascontiguousarray(data).view(np.uint32)[np.isnan(data)]
    return bool((bits == np.array(np.nan, np.float32).view(np.uint32)).all())


def of_bytes(data: Array, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> Array:
    """The bytes of `data` as another dtype and shape; ValueError where they are not as many."""
    raw = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    return raw.view(dtype).reshape(shape).copy()
