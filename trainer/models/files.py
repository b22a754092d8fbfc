"""Generators as files: architecture, weights, figures. No code runs when one is read."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import TrainerError
from ..files import replacing
from .mobile import MobileUNet, PhaseStudents
from .unet import UNet

FORMAT = 1
RECIPE = "config.json"
"""What a run was asked for, in its folder."""
KINDS: dict[str, type[UNet] | type[MobileUNet] | type[PhaseStudents]] = {
    "unet": UNet,
    "mobile": MobileUNet,
    "phases": PhaseStudents,
}

Generator = UNet | MobileUNet | PhaseStudents


def make(architecture: Mapping[str, Any]) -> Generator:
    """The generator of {"kind": "unet" | "mobile" | "phases", "size", "ngf"}, freshly started.

    Raises:
        TrainerError: no such kind, or a size that it has not.
    """
    kind = architecture.get("kind")
    if kind not in KINDS:
        raise TrainerError(f"a generator of kind {kind!r}: the kinds are {', '.join(KINDS)}")
    return KINDS[kind](int(architecture["size"]), int(architecture["ngf"]))


def save_generator(path: Path, model: Generator, metrics: Mapping[str, float] | None = None) -> None:
    """Writes {"format", "architecture", "state", "metrics"}, whole or not at all."""
    write(
        path,
        {
            "format": FORMAT,
            "architecture": model.architecture(),
            "state": {name: value.cpu() for name, value in model.state_dict().items()},
            "metrics": dict(metrics or {}),
        },
    )


def load_generator(path: Path) -> Generator:
    """The generator of a file or run folder, on the CPU, in eval mode.

    Raises:
        TrainerError: no such file, a file of something else, or a broken one.
    """
    file = generator_file(path)
    content = read(file)
    if not isinstance(content, dict) or not {"architecture", "state"} <= content.keys():
        raise TrainerError(
            f"{file} holds no generator; give a run folder, its best.pt, or another file "
            "that `save_generator` wrote"
        )
    if content.get("format") != FORMAT:
        raise TrainerError(f"{file} has format {content.get('format')}; this version reads {FORMAT}")
    model = make(content["architecture"])
    try:
        model.load_state_dict(content["state"])
    except RuntimeError as error:
        raise TrainerError(
            f"{file}: its weights are not those of {content['architecture']}: {error}"
        ) from error
    return model.eval()


def load_metrics(path: Path) -> dict[str, float]:
    """The figures that a generator was saved with."""
    return dict(read(generator_file(path)).get("metrics", {}))


def load_recipe(path: Path) -> dict[str, Any]:
    """What a run was asked for, or the run that a file lies in: its config.json; {} without one.

    Raises:
        TrainerError: the config.json is broken.
    """
    file = (path if path.is_dir() else path.parent) / RECIPE
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text()))
    except ValueError as error:
        raise TrainerError(f"{file} is broken ({error}): mend it, or move the .pt file elsewhere") from error


def generator_file(path: Path) -> Path:
    """A run folder's best.pt; any other path as it is.

    Raises:
        TrainerError: there is no such file, or a run folder without a best epoch as yet.
    """
    if path.is_dir():
        best = path / "best.pt"
        if not best.is_file():
            raise TrainerError(f"{path} has no best.pt: train for at least one epoch first")
        return best
    if not path.is_file():
        raise TrainerError(f"{path} does not exist: give a run folder or a .pt file")
    return path


def write(path: Path, content: Any) -> None:
    """torch.save, whole or not at all.

    Written through memory: torch's own file writer tells a full disk as a bare RuntimeError.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getbuffer())


def read(path: Path, device: str = "cpu") -> Any:
    """torch.load of data only.

    Raises:
        TrainerError: the file is broken or holds more than data.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainerError(
            f"{path} can't be read as a file of torch: {reason}. It is broken or something else; "
            "use another copy"
        ) from error
