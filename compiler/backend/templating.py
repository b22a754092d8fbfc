"""Renders the jinja2 templates of WGSL and of the HTML report."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jinja2

from ..errors import InternalError
from ..lowering.shader import Json


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("onnx2wgsl.compiler", "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the output is WGSL
    )


def render_template(name: str, context: Json) -> str:
    """The text of a template; an error in it names the file and line."""
    return _render(name, lambda: _environment().get_template(f"{name}.j2"), context)


def render_text(text: str, context: Json) -> str:
    """The text of a template that is given as such; it may include those of this package."""
    return _render("of an operator", lambda: _environment().from_string(text), context)


def _render(name: str, load: Callable[[], jinja2.Template], context: Json) -> str:
    try:
        return load().render(context)
    except jinja2.TemplateSyntaxError as error:
        raise InternalError(f"{error.filename}:{error.lineno}: {error}") from error
    except jinja2.TemplateError as error:
        raise InternalError(f"template {name}: {error}") from error
