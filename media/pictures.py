"""Pictures of four formats, told by their content whatever they are named, of a bounded size."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import MediaError, require_file

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
"""Pillow has decoders for dozens more, and one of them starts another program (EPS: Ghostscript)."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""Of the names of such files."""
PIXELS = 1 << 26
"""More are refused before they are decoded: a small file can hold a picture that fills the memory."""
MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "I;16", "I;16B", "I;16L", "I;16N"}
"""Pillow's kinds of pixels that have one meaning in red, green and blue of eight bits."""
_ADVICE = f"give a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file"

Picture = NDArray[np.uint8]


def read_picture(path: Path, mode: Literal["RGB", "RGBA"] = "RGB") -> Picture:
    """The picture in a file, u8[H,W,3] or, as RGBA, u8[H,W,4]; turned as its camera noted.

    Palettes and greys become colours, of 16 bits a sample the high bytes are taken, of an animation
    the first frame. Alpha (255 where there is none) isn't multiplied into the colours; as RGB it is
    left out. Colour profiles aren't applied.

    Raises:
        MediaError: no such file, another format, too many pixels, pixels of another kind (CMYK, 32
            bits), or a damaged file.
    """
    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                _check(path, image)
                return _pixels(image, mode)
    except MediaError:
        raise
    except UnidentifiedImageError as error:
        raise MediaError(
            f"{path} can't be read as a picture: its format is none of {', '.join(FORMATS)}; {_ADVICE}"
        ) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(path, "".join(re.findall(r"\((\d+) pixels\)", str(error)))) from error
    except Exception as error:  # decoders raise many kinds for damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(f"{path} can't be read as a picture: it is damaged ({reason}); {_ADVICE}") from error


def _check(path: Path, image: Image.Image) -> None:
    """Refuses what the head of a file tells, before its pixels are decoded."""
    width, height = image.size
    if width * height > PIXELS:
        raise _too_large(path, f"{width}x{height} = {width * height}")
    if image.mode not in MODES:
        raise MediaError(
            f"{path} can't be read as a picture: its pixels are {image.mode}; save it as RGB of 8 or 16 bits"
        )


def _too_large(path: Path, count: str) -> MediaError:
    return MediaError(
        f"{path} can't be read as a picture: it has {count} pixels, the limit is {PIXELS}; make it smaller"
    )


def _pixels(image: Image.Image, mode: Literal["RGB", "RGBA"]) -> Picture:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):  # whose conversion would saturate instead of scale
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if upright.mode != "RGB":  # a palette's colours may have alpha
        upright = upright.convert("RGBA")
    return np.asarray(upright.convert(mode))
