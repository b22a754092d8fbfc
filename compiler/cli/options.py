"""Options and argument types that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


class ShapeType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """`name=1,3,256,256` as (name, shape)."""

    name = "NAME=N,C,H,W"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, tuple[int, ...]]:
        name, separator, sizes = str(value).rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.split(","))
        except ValueError:
            shape = ()
        if not separator or not name or not shape or min(shape) < 1:
            self.fail(f"{value!r} is not of the form NAME=1,3,256,256", param, ctx)
        return name, shape


class NormalizeType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """`name=scale,offset` as (name, (scale, offset))."""

    name = "NAME=SCALE,OFFSET"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, tuple[float, float]]:
        name, _, numbers = str(value).rpartition("=")
        try:
            scale, offset = (float(number) for number in numbers.split(","))
        except ValueError:
            self.fail(f"{value!r} is not of the form NAME=0.00784,-1", param, ctx)
        return name, (scale, offset)


class RangeType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """`name=low,high` as (name, (low, high))."""

    name = "NAME=LOW,HIGH"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, tuple[float, float]]:
        name, separator, numbers = str(value).rpartition("=")
        try:
            low, high = (float(number) for number in numbers.split(","))
        except ValueError:
            low, high = 1.0, 0.0
        if not separator or not name or not (math.isfinite(low) and math.isfinite(high)) or low > high:
            self.fail(f"{value!r} is not of the form NAME=0,1, two numbers in their order", param, ctx)
        return name, (low, high)


FITS = ("cover", "contain", "stretch")


class RunFitType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """One of FITS, or `x,y,width,height` as four numbers."""

    name = "|".join((*FITS, "X,Y,WIDTH,HEIGHT"))

    def convert(self, value: Any, param: Any, ctx: Any) -> str | tuple[float, ...]:
        if value in FITS:
            return str(value)
        try:
            numbers = tuple(float(number) for number in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
            self.fail(f"{value!r} is none of {', '.join(FITS)}, and not of the form 0,0,640,480", param, ctx)
        return numbers


class PictureType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """`[name=]value` as (name, value), "" being the only picture input; the value one of some words, or
    numbers, so many.
    """

    def __init__(self, words: tuple[str, ...] = (), numbers: str = "", counts: tuple[int, ...] = ()) -> None:
        self.words, self.example, self.counts = words, numbers, counts
        self.name = f"[NAME=]{'|'.join(words) or numbers}"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Any]:
        if isinstance(value, tuple):  # click converts defaults, too
            return value
        name, _, text = str(value).rpartition("=")
        if self.words:
            if text not in self.words:
                self.fail(f"{text!r} is none of {', '.join(self.words)}", param, ctx)
            return name, text
        try:
            numbers = tuple(float(number) for number in text.split(","))
        except ValueError:
            numbers = ()
        if len(numbers) not in self.counts or not all(map(math.isfinite, numbers)):
            self.fail(f"{value!r} is not of the form {self.name}", param, ctx)
        return name, numbers


class ColorType(PictureType):
    """`[name=]r,g,b` as (name, three whole numbers from 0 to 255)."""

    def __init__(self) -> None:
        super().__init__(numbers="0,0,0", counts=(3,))

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Any]:
        name, numbers = super().convert(value, param, ctx)
        if not all(number in range(256) for number in numbers):
            self.fail(f"{value!r} is not of the form {self.name}, each from 0 to 255", param, ctx)
        return name, tuple(map(int, numbers))


def picture_options(function: Function) -> Function:
    """--mean, --std, --fit, --channels and --pad, of the inputs that are pictures."""
    options = {
        "pad": (
            ColorType(),
            "The red, green and blue beside a picture whose fit is contain; black otherwise.",
        ),
        "channels": (PictureType(("rgb", "bgr")), "The order of an input's channels; rgb otherwise."),
        "fit": (
            PictureType(FITS),
            "How a picture of other proportions meets the input: cover (otherwise) cuts it, contain pads it, "
            "stretch distorts it.",
        ),
        "std": (PictureType(numbers="0.229,0.224,0.225", counts=(1, 3, 4)), "See --mean; 1 otherwise."),
        "mean": (
            PictureType(numbers="0.485,0.456,0.406", counts=(1, 3, 4)),
            "An input's value is (byte / 255 - MEAN) / STD; of red, green and blue, or one number.",
        ),
    }
    for name, (kind, text) in options.items():
        function = click.option(f"--{name}", name, type=kind, multiple=True, help=text)(function)
    return function


def shape_option(function: Function) -> Function:
    """--shape, for models with dynamic dimensions."""
    return click.option(
        "--shape",
        "shapes",
        type=ShapeType(),
        multiple=True,
        help="Shape of an input with dynamic dimensions, for example input=1,3,256,256.",
    )(function)


def device_options(function: Function) -> Function:
    """--adapter, --dot and --requantize."""
    for option in (
        click.option(
            "--requantize",
            type=click.Choice(["fast", "integer"]),
            help="Force a requantization variant; otherwise the device is probed.",
        ),
        click.option(
            "--dot",
            type=click.Choice(["packed", "emulated"]),
            help="Force a dot product variant; otherwise the device is probed.",
        ),
        click.option("--adapter", metavar="NAME", help="Part of an adapter's name (see doctor)."),
    ):
        function = option(function)
    return function


FILE = click.Path(path_type=Path, dir_okay=False)
MODEL = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
MODEL_OR_FOLDER = click.Path(path_type=Path)
