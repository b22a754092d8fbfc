"""Generators as files: architecture, weights, figures. No code runs when one is read."""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import TrainerError
from ..files import read_json, replacing
from .checksum import digest, no_numbers
from .mobile import MobileUNet, PhaseStudents
from .quantized import read_quantized
from .unet import UNet

FORMAT = 2
OTHER_COPY = "use another copy"
BLEND = "blend"
"""What the recipe of a blend has for a stage."""
STAGES = ("teacher", "distill", "finetune", BLEND)
_SECTIONS = ("model", "loss", "optimizer")
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

    A mobile one may have "outer", too.

    Raises:
        TrainerError: no such kind, or a size that it has not.
    """
    kind, size, ngf = (architecture.get(name) for name in ("kind", "size", "ngf"))
    outer = architecture.get("outer", 0)
    if not isinstance(kind, str) or kind not in KINDS:
        raise TrainerError(f"a generator of kind {kind!r}: the kinds are {', '.join(KINDS)}")
    if not (type(size) is int and type(ngf) is int and type(outer) is int):
        raise TrainerError(
            f"a generator of size {size!r}, ngf {ngf!r} and outer {outer!r}: all are whole numbers"
        )
    if kind == "mobile":
        return MobileUNet(size, ngf, outer)
    return KINDS[kind](size, ngf)


def save_generator(path: Path, model: Generator, metrics: Mapping[str, float] | None = None) -> None:
    """Writes {"architecture", "state", "metrics"}, whole or not at all."""
    write(
        path,
        {
            "architecture": model.architecture(),
            "state": {name: value.cpu() for name, value in model.state_dict().items()},
            "metrics": dict(metrics or {}),
        },
    )


def load_generator(path: Path) -> Generator:
    """The generator of a file or run folder, on the CPU, in eval mode.

    A model that `ship` wrote (.onnx) is one, too: its student without norms.

    Raises:
        TrainerError: no such file, a file of something else, or a damaged one.
    """
    file = generator_file(path)
    if file.suffix == ".onnx":
        return read_quantized(file)
    content = _generator(file)
    return generator_of(file, content["architecture"], content["state"])


def generator_of(file: Path, architecture: Any, state: Any) -> Generator:
    """The generator of an architecture and weights that were read from a file, in eval mode.

    Raises:
        TrainerError: no such architecture, weights of another one, or such as are no numbers.
    """
    expected = _weights(file, architecture)
    if not isinstance(state, Mapping):
        raise TrainerError(f"{file}: its weights are a {type(state).__name__}; {OTHER_COPY}")
    for name in expected | dict(state):
        if _kind(state.get(name)) != _kind(expected.get(name)):
            raise TrainerError(
                f"{file}: its weights are not those of {architecture}: {name} is {_kind(state.get(name))}, "
                f"not {_kind(expected.get(name))}; {OTHER_COPY}"
            )
    _require_numbers(file, state)
    model = make(architecture)
    model.load_state_dict(state)
    return model.eval()


def _weights(file: Path, architecture: Any) -> dict[str, Tensor]:
    """The weights that a generator has, without the memory of them."""
    try:
        with torch.device("meta"):
            return dict(make(architecture).state_dict())
    except Exception as error:  # numbers that no tensor can have are told in many ways
        reason = error if isinstance(error, TrainerError) else f"no such generator: {error}"
        raise TrainerError(f"{file}: {reason}; {OTHER_COPY}") from error


def _kind(value: Any) -> str:
    """What a weight is, as text: its dtype and shape."""
    if not isinstance(value, Tensor):
        return "missing" if value is None else type(value).__name__
    return f"{value.dtype} {list(value.shape)}".removeprefix("torch.")


def _require_numbers(file: Path, content: Any) -> None:
    places = no_numbers(content)
    if places:
        raise TrainerError(f"{file} holds weights that are NaN or infinite ({places[0]}); {OTHER_COPY}")


def load_metrics(path: Path) -> dict[str, float]:
    """The figures that a generator was saved with."""
    file = generator_file(path)
    metrics = _generator(file)["metrics"]
    if not isinstance(metrics, dict) or not all(isinstance(v, int | float) for v in metrics.values()):
        raise TrainerError(f"{file}: its metrics are no figures by name; {OTHER_COPY}")
    return metrics


def _generator(file: Path) -> dict[str, Any]:
    return read(
        file,
        ("architecture", "state", "metrics"),
        "generator; give a run folder, its best.pt, or another file that `save_generator` wrote",
    )


def load_recipe(path: Path) -> dict[str, Any]:
    """What a run was asked for, or the run that a file lies in: its config.json; {} without one.

    Raises:
        TrainerError: the config.json is damaged.
    """
    file = (path if path.is_dir() else path.parent) / RECIPE
    if not file.exists():
        return {}
    advice = "mend it, or move the .pt file elsewhere"
    recipe = read_json(file, advice)
    fault = _fault(recipe)
    if fault:
        raise TrainerError(f"{file} is no run's recipe ({fault}): {advice}")
    return dict(recipe)


def _fault(recipe: Any) -> str | None:
    """What a recipe has of another kind than it should, if anything."""
    if not isinstance(recipe, dict):
        return "it is no object"
    if recipe.get("stage") not in STAGES:
        return f"its stage is {recipe.get('stage')!r}, none of {', '.join(STAGES)}"
    wrong = [name for name in _SECTIONS if not isinstance(recipe.get(name, {}), dict)]
    parts = recipe.get("parts", [])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        wrong.append("parts")
    if wrong:
        return f"its {wrong[0]} is of another kind"
    return next(filter(None, (_fault(part["recipe"]) for part in parts if part.get("recipe"))), None)


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


def write(path: Path, content: Mapping[str, Any]) -> None:
    """torch.save of the content, a format number and a checksum, whole or not at all.

    Written through memory: torch's own file writer tells a full disk as a bare RuntimeError.
    """
    sealed = {"format": FORMAT, **content}
    buffer = io.BytesIO()
    torch.save(sealed | {"sha256": digest(sealed)}, buffer)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getbuffer())


def read(path: Path, fields: Collection[str], what: str) -> dict[str, Any]:
    """What `write` wrote, on the CPU.

    Args:
        fields: the keys that it must have.
        what: what should be in the file, and what to do where it isn't.

    Raises:
        TrainerError: the file is damaged, of another format, or holds something else.
    """
    content = read_foreign(path)
    if not isinstance(content, dict) or not set(fields) <= content.keys():
        raise TrainerError(f"{path} holds no {what}")
    if content.get("format") != FORMAT:
        raise TrainerError(
            f"{path} has format {content.get('format')!r}; this version reads {FORMAT}: train it anew"
        )
    checksum = content.pop("sha256", None)
    try:
        whole = checksum == digest(content)
    except Exception:  # a kind of tensor that `write` never has
        whole = False
    if not whole:
        raise TrainerError(f"{path} is damaged: its checksum is of other content; {OTHER_COPY}")
    return content


def read_foreign(path: Path) -> Any:
    """torch.load of data only, of a file that this trainer need not have written; on the CPU.

    Raises:
        TrainerError: the file is damaged or holds more than data.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise nearly every kind that Python has
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise TrainerError(
            f"{path} can't be read as a file of torch ({reason}): it is damaged, broken off or something "
            f"else; {OTHER_COPY}"
        ) from error
