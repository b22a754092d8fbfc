"""Arrays are read right or refused in one message; no pickle is opened."""

import contextlib
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx2wgsl.media.arrays import BYTES, read_array, read_arrays
from onnx2wgsl.media.errors import MediaError

VALUES = np.random.default_rng(4).uniform(-1, 1, (2, 3, 4)).astype(np.float32)


def refusal(path: Path, read: Any = read_array) -> str:
    """The reason that a file is refused for."""
    with pytest.raises(MediaError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}")
    assert "\n" not in message
    assert "pickle=" not in message
    return message.removeprefix(f"{path} is no whole ")


def npy(array: Any, **options: Any) -> bytes:
    data = io.BytesIO()
    np.save(data, array, **options)
    return data.getvalue()


def with_head(text: str, body: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """An .npy file whose head is any text."""
    head = text.encode() + b"\n"
    return b"\x93NUMPY" + version + len(head).to_bytes(2 if version == b"\1\0" else 4, "little") + head + body


def head(descr: str = "'<f4'", order: str = "False", shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


@pytest.mark.parametrize(
    "array",
    [
        VALUES, np.asfortranarray(VALUES), VALUES[::-1, :, ::2], VALUES.astype(">f4"), np.float32(3),
        np.zeros((0, 3), np.float32), np.arange(5, dtype=np.int64), np.array([True, False]),
    ],
)  # fmt: skip
def test_an_array_is_what_was_saved(tmp_path: Path, array: Any) -> None:
    (tmp_path / "a.npy").write_bytes(npy(array))
    result = read_array(tmp_path / "a.npy")
    assert type(result) is np.ndarray
    assert (result.dtype, result.shape) == (np.asarray(array).dtype, np.shape(array))
    assert result.tobytes() == np.asarray(array).tobytes()
    result[...] = 0  # of memory of its own


class Evil:
    """A pickle of it makes a folder where it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.place,)


def test_no_pickle_is_opened(tmp_path: Path) -> None:
    evil, path = Evil(tmp_path / "opened"), tmp_path / "a.npy"
    path.write_bytes(pickle.dumps(evil))
    refusal(path)
    path.write_bytes(npy(np.array([evil], object), allow_pickle=True))
    refusal(path)
    np.savez(tmp_path / "a.npz", a=np.array([evil], object))
    refusal(tmp_path / "a.npz", read_arrays)
    assert not (tmp_path / "opened").exists()


WHOLE = npy(VALUES)
DAMAGES = {
    "empty": b"",
    "magic": WHOLE[:6],
    "head": WHOLE[:60],
    "truncated": WHOLE[:-1],
    "longer": WHOLE + b"\0",
    "text": b"1, 2, 3\n",
    "zip": b"PK\3\4" + bytes(100),
    "version": WHOLE[:6] + b"\7\0" + WHOLE[8:],
    "a byte of the head": WHOLE.replace(b"(2, 3, 4)", b"\x8e2, 3, 4)"),
    "no Python": with_head("{'descr': "),
    "a call": with_head(head(shape="__import__('os').getpid()")),
    "deep": with_head("(" * 9000),
    "a long head": with_head(head() + " " * 60_000),
    "a longer head": with_head(head() + " " * 20_000_000, version=b"\2\0"),
    "a head of 4 GB": b"\x93NUMPY\2\0\xff\xff\xff\xff" + head().encode(),
    "larger than any memory": with_head(head(shape="(1 << 62,)").replace("1 << 62", str(1 << 62)), bytes(8)),
    "larger than the file": with_head(head(shape="(100000, 100000, 3)"), bytes(8)),
    "a product of 2 ** 64": with_head(head(shape=f"({1 << 32}, {1 << 32})"), b""),
    "negative": with_head(head(shape="(-2,)"), bytes(8)),
    "negative twice": with_head(head(shape="(-2, -1)"), bytes(8)),
    "no whole number": with_head(head(shape="(2.0,)"), bytes(8)),
    "objects": with_head(head(descr="'|O'"), bytes(16)),
    "a dtype that is none": with_head(head(descr="'<f5'"), bytes(16)),
    "a key more": with_head(head()[:-1] + ", 'a': 1}", bytes(8)),
    "Python 2": with_head(head(shape="(2L,)"), bytes(7)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_another_file_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / "a.npy").write_bytes(DAMAGES[damage])
    assert refusal(tmp_path / "a.npy").startswith(".npy file (")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    text = with_head(head(descr="'|u1'", shape=f"({BYTES + 1},)"))
    (tmp_path / "a.npy").write_bytes(text)
    os.truncate(tmp_path / "a.npy", len(text) + BYTES + 1)
    assert f"it holds {BYTES + 1} bytes, and the limit is {BYTES}" in refusal(tmp_path / "a.npy")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for read in (read_array, read_arrays):
        assert refusal(tmp_path / "none", read) == f"{tmp_path / 'none'}: no such file"
        assert refusal(tmp_path, read) == f"{tmp_path}: it is no file"


def test_arrays_come_by_name(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **{"x": VALUES, "b/c": np.arange(3)})
    arrays = read_arrays(tmp_path / "a.npz")
    assert list(arrays) == ["x", "b/c"]
    assert arrays["x"].tobytes() == VALUES.tobytes()


def test_an_archive_that_would_grow_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            with archive.open(f"{number}.npy", "w", force_zip64=True) as member:
                member.write(with_head(head(descr="'|u1'", shape="(1,)")))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    place = content.rindex(b"PK\1\2") + 24  # the size that the last member is said to have
    content[place : place + 4] = (1 << 31).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(content)
    assert f"the limit is {BYTES}" in refusal(tmp_path / "a.npz", read_arrays)


@pytest.mark.parametrize("kind", ["npy", "npz"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    stream = io.BytesIO()
    if kind == "npy":
        np.save(stream, VALUES)
    else:
        np.savez_compressed(stream, x=VALUES, y=np.arange(9))
    content = bytearray(stream.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "a"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(MediaError):
        read_array(path) if kind == "npy" else read_arrays(path)
