"""Pictures of four formats are read right or refused in one message, whatever they are named."""

import contextlib
import io
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.media.errors import MediaError
from onnx2wgsl.media.pictures import PIXELS, read_picture
from PIL import Image

Pixels = NDArray[np.uint8]
SIZE = (5, 7)
RGB = np.random.default_rng(2).integers(0, 256, (*SIZE, 3), np.uint8)
RGBA = np.random.default_rng(3).integers(0, 256, (*SIZE, 4), np.uint8)
GREY = RGB[..., 0]
NONE_OF = "its format is none of PNG, JPEG, WEBP, BMP; give a PNG, JPEG, WEBP or BMP file"


def write(path: Path, pixels: Pixels, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def refusal(path: Path) -> str:
    """The reason that a picture is refused for."""
    with pytest.raises(MediaError) as caught:
        read_picture(path)
    message = str(caught.value)
    assert message.startswith(f"{path}")
    assert "\n" not in message
    return message.removeprefix(f"{path}").removeprefix(" can't be read as a picture: ")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, kind: int, rows: bytes) -> bytes:
    """A PNG file by hand: for what Pillow can't write."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp", "a.jpg"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_has_the_pixels_that_it_has(tmp_path: Path, name: str, mode: str) -> None:
    path = write(tmp_path / name, RGB, **({"lossless": True} if name == "a.webp" else {}))
    picture = read_picture(path, mode)  # type: ignore[arg-type]
    assert (picture.dtype, picture.shape) == (np.uint8, (*SIZE, len(mode)))
    if name == "a.jpg":
        with Image.open(path) as image:
            assert np.array_equal(picture[..., :3], np.asarray(image))
    else:
        assert np.array_equal(picture[..., :3], RGB)
    assert mode == "RGB" or (picture[..., 3] == 255).all()


def of_palette() -> tuple[Image.Image, Pixels]:
    image = Image.fromarray(GREY % 4).convert("L")
    image.putpalette([1, 2, 3, 40, 50, 60, 7, 8, 9, 250, 251, 252])
    colours = np.array([[1, 2, 3], [40, 50, 60], [7, 8, 9], [250, 251, 252]], np.uint8)
    return image, colours[GREY % 4]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Image.fromarray(GREY), np.stack([GREY] * 3, -1)),
        (lambda: Image.fromarray((GREY > 99).astype(bool)), np.stack([(GREY > 99) * 255] * 3, -1)),
        (lambda: Image.fromarray(GREY.astype(np.uint16) * 256 + 77), np.stack([GREY] * 3, -1)),
        (lambda: Image.fromarray(RGBA), RGBA[..., :3]),
        (lambda: Image.fromarray(RGBA[..., :2], "LA"), np.stack([RGBA[..., 0]] * 3, -1)),
        (lambda: of_palette()[0], of_palette()[1]),
    ],
    ids=["grey", "black and white", "16 bits", "alpha", "grey and alpha", "palette"],
)
@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
def test_pixels_of_other_kinds_become_colours(
    tmp_path: Path, make: Callable[[], Image.Image], expected: Pixels
) -> None:
    make().save(tmp_path / "a.png")
    assert np.array_equal(read_picture(tmp_path / "a.png"), expected)


def test_colours_of_16_bits_are_taken_by_their_high_bytes(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + (row.astype(np.uint16) * 256 + 200).astype(">u2").tobytes() for row in RGB)
    (tmp_path / "a.png").write_bytes(png(SIZE[1], SIZE[0], 16, 2, rows))
    assert np.array_equal(read_picture(tmp_path / "a.png"), RGB)


def test_alpha_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    assert np.array_equal(read_picture(write(tmp_path / "a.png", RGBA), "RGBA"), RGBA)
    image, colours = of_palette()
    image.save(tmp_path / "b.png", transparency=bytes([255, 0, 9, 255]))
    picture = read_picture(tmp_path / "b.png", "RGBA")
    assert np.array_equal(picture[..., :3], colours)
    assert np.array_equal(picture[..., 3], np.array([255, 0, 9, 255], np.uint8)[GREY % 4])
    assert np.array_equal(read_picture(tmp_path / "b.png"), colours)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_camera_noted(tmp_path: Path, suffix: str, orientation: int) -> None:
    turned = [
        RGB, RGB[:, ::-1], RGB[::-1, ::-1], RGB[::-1], RGB.transpose(1, 0, 2),
        np.rot90(RGB, -1), RGB[::-1, ::-1].transpose(1, 0, 2), np.rot90(RGB),
    ][orientation - 1]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write(tmp_path / f"a{suffix}", RGB, exif=exif, lossless=True)
    assert np.array_equal(read_picture(path), turned)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_of_an_animation_the_first_frame_is_read(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(pixels) for pixels in (RGB, 255 - RGB)]
    path = tmp_path / f"a{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    assert np.array_equal(read_picture(path), RGB)


def test_the_content_tells_the_format(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", RGB)
    assert np.array_equal(read_picture(path.rename(tmp_path / "a.jpg")), RGB)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PPM", "ICO", "TGA", "PCX", "JPEG2000", "EPS"])
def test_another_format_is_refused_whatever_it_is_named(tmp_path: Path, kind: str) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png", kind)
    assert refusal(tmp_path / "a.png") == NONE_OF


def test_no_ghostscript_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert shutil.which("gs") == str(tmp_path / "gs")
    head = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n(hello) print\n%%EOF\n"
    (tmp_path / "a.png").write_text(head)
    assert refusal(tmp_path / "a.png") == NONE_OF
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("side", [8193, 10_000, 13_000, 50_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, side: int) -> None:
    (tmp_path / "a.png").write_bytes(png(side, side, 8, 0, b""))
    reason = refusal(tmp_path / "a.png")
    assert f"{side * side} pixels, the limit is {PIXELS}; make it smaller" in reason
    (tmp_path / "b.png").write_bytes(png(8192, 8192, 8, 0, b""))
    assert "it is damaged" in refusal(tmp_path / "b.png")


def test_cmyk_is_refused(tmp_path: Path) -> None:
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "a.jpg")
    assert refusal(tmp_path / "a.jpg") == "its pixels are CMYK; save it as RGB of 8 or 16 bits"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.png") == ": no such file"
    assert refusal(tmp_path) == ": it is no file"


def encoded(suffix: str) -> bytes:
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(data, suffix, exif=exif)
    return data.getvalue()


@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "WEBP", "BMP"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    content = bytearray(encoded(suffix))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.png"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(MediaError):
        assert read_picture(path).shape[2] == 3
