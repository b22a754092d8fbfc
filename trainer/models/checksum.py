"""What a file of torch holds, walked through: its checksum, and whether its numbers are numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def digest(content: Any) -> str:
    """SHA-256 of mappings, lists and tuples of tensors, numbers, texts and None, in their order.

    It is of what the file holds, so that it can stand in the file itself.
    """
    sha256 = hashlib.sha256()
    for place, value in leaves(content):
        sha256.update(repr(place).encode())
        if isinstance(value, Tensor):
            sha256.update(f"{value.dtype}{list(value.shape)}".encode())
            sha256.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        else:
            sha256.update(repr(value).encode())
    return sha256.hexdigest()


def no_numbers(content: Any) -> list[str]:
    """The places of tensors that hold NaN or infinities."""
    return [
        ".".join(map(str, place))
        for place, value in leaves(content)
        if isinstance(value, Tensor) and value.is_floating_point() and not bool(value.isfinite().all())
    ]


def leaves(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Everything that holds nothing further, with the keys and indices that lead to it."""
    if isinstance(content, Mapping):
        parts: Any = content.items()
    elif isinstance(content, list | tuple):
        parts = enumerate(content)
    else:
        yield place, content
        return
    yield place, type(content).__name__ if isinstance(content, list | tuple) else "mapping"
    for key, value in parts:
        yield from leaves(value, (*place, key))
