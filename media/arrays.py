"""Arrays of numpy's files, without what could run code or allocate more than a file holds."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import MediaError, require_file

BYTES = 1 << 31
"""More in one file are refused before they are read."""

Array = NDArray[Any]


def read_array(path: Path, advice: str = "make one with numpy.save") -> Array:
    """The array in an .npy file, of any dtype but objects, in the order (C or Fortran) that it has there.

    advice: what an error tells to do.

    Raises:
        MediaError: no such file, another kind of file, objects, fewer or more bytes than its head
            tells, or more than BYTES.
    """
    with _told_as(path, ".npy file", advice):
        mapped = np.lib.format.open_memmap(path, mode="r")
        _check_size(mapped.nbytes)
        rest = path.stat().st_size - mapped.offset - mapped.nbytes
        if rest:
            raise ValueError(f"{rest} bytes follow the array")
        return np.array(mapped)


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays in an .npz file by name.

    Raises:
        MediaError: as `read_array`, of any of them, or one whose checksum is wrong.
    """
    with (
        _told_as(path, ".npz file", "make one with numpy.savez(path, name=array)"),
        zipfile.ZipFile(path) as file,
    ):
        _check_size(sum(info.file_size for info in file.infolist()))
        return {name.removesuffix(".npy"): _member(file, name) for name in file.namelist()}


def _member(file: zipfile.ZipFile, name: str) -> Array:
    """One array; to read to its end compares its checksum."""
    with file.open(name) as member:
        array: Array = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):
            raise ValueError(f"bytes follow the array in {name}")
        return array


def _check_size(count: int) -> None:
    if count > BYTES:
        raise ValueError(f"it holds {count} bytes, and the limit is {BYTES}")


@contextmanager
def _told_as(path: Path, kind: str, advice: str) -> Iterator[None]:
    """Makes one MediaError of whatever the body raises."""
    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # numpy, zipfile and zlib raise many kinds for damaged files
        reason = " ".join(str(error).split()).partition(". ")[0]  # what follows is advice for programs
        reason = reason.replace(" when allow_pickle=False", "")
        reason = reason or type(error).__name__
        raise MediaError(f"{path} is no whole {kind} ({reason}); {advice}", reason) from error
