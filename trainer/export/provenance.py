"""What a checkpoint came from, for the metadata of the ONNX file made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ..config import Config
from ..data.store import read_description
from ..models import generator_file, load_generator, load_metrics, load_recipe
from ..models.files import BLEND


def provenance(source: Path, data: Path) -> dict[str, str]:
    """Metadata by key, each JSON or plain text, without a path of this machine.

    Args:
        source: a run folder, or a .pt file (of a run folder, where config.json lies beside it).
        data: the data set that it is calibrated on.
    """
    file = generator_file(source)
    model = load_generator(file)
    about: dict[str, Any] = {
        "onnx2wgsl.version": metadata.version("onnx2wgsl"),
        "onnx2wgsl.architecture": model.architecture(),
        "onnx2wgsl.validation": load_metrics(file),
        "onnx2wgsl.data": read_description(data)["config"],
    }
    if recipe := load_recipe(file):
        about["onnx2wgsl.recipe"] = recipe
        about["onnx2wgsl.command"] = command(recipe)
    return {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in about.items()
    }


def command(recipe: Mapping[str, Any]) -> str:
    """The command that trains so, with every option that isn't its default; names for paths."""
    if recipe["stage"] == BLEND:
        shares = " ".join(f"RUN{i}={part.get('share')}" for i, part in enumerate(recipe.get("parts", []), 1))
        commands = [command(part["recipe"]) for part in recipe.get("parts", []) if part.get("recipe")]
        return "; ".join([*commands, f"onnx2wgsl-train blend {shares} -o RUN"])
    stage, config = str(recipe["stage"]), Config()
    defaults = {"teacher": config.teach, "distill": config.distill, "finetune": config.finetune}
    words = ["onnx2wgsl-train", stage, "DATA", "-o", "RUN"]
    words += [f"--{name} {name.upper()}" for name in ("init", "teacher") if recipe.get(name)]
    if stage != "finetune":
        words += _options(recipe.get("model", {}), config.model, ("size", "ngf"))
    words += _options(recipe.get("optimizer", {}), defaults[stage], _OPTIMIZER)
    if stage != "teacher":
        words += _options(recipe.get("loss", {}), config.loss, tuple(_LOSS), _LOSS)
    return " ".join(words)


_OPTIMIZER = (
    "epochs", "batch", "learning_rate", "warmup", "ema", "seed", "validation", "runaway", "amp",
)  # fmt: skip
_LOSS = {name: name for name in ("l1", "edge", "detail", "perceptual", "window", "mouth", "gan")} | {
    "teacher": "share"
}
"""Fields and their options."""


def _options(
    values: Mapping[str, Any],
    defaults: object,
    fields: tuple[str, ...],
    names: Mapping[str, str] = {},
) -> Iterator[str]:
    """Options of the fields whose values are no defaults; seeds always."""
    for field in fields:
        value = values.get(field)
        option = "--" + names.get(field, field).replace("_", "-")
        if value is None or (value == getattr(defaults, field) and field != "seed"):
            continue
        if isinstance(value, bool):
            yield option if value else option.replace("--", "--no-", 1)
        else:
            yield f"{option} {value}"
