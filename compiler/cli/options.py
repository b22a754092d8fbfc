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


MODEL = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
MODEL_OR_FOLDER = click.Path(path_type=Path)
