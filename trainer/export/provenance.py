"""What a checkpoint came from, for the metadata of the ONNX file made of it."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

from ..data.store import read_description
from ..models import generator_file, load_generator, load_metrics


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
    recipe = file.parent / "config.json"
    if recipe.is_file():
        about["onnx2wgsl.recipe"] = _without_paths(json.loads(recipe.read_text()))
    return {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in about.items()
    }


def _without_paths(value: Any) -> Any:
    """JSON whose absolute paths are their last parts."""
    if isinstance(value, dict):
        return {key: _without_paths(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_paths(part) for part in value]
    if isinstance(value, str):
        return " ".join(Path(w).name if w.startswith("/") else w for w in value.split(" "))
    return value
