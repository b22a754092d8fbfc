"""The weighted mean of generators that were trained on from one start.

Runs from one start that trade one thing for another (sharpness for distance, here) lie in one
valley of the loss; the mean of their weights is often better than each (Wortsman et al. 2022,
"Model soups", and "Robust fine-tuning of zero-shot models"). It costs nothing when it runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from ..errors import TrainerError
from ..files import write_whole
from .files import BLEND, RECIPE, load_generator, load_recipe, make, save_generator


def blend(parts: Sequence[tuple[Path, float]], folder: Path) -> None:
    """Writes a run folder whose best.pt is the mean of runs by their shares, which sum to 1.

    Its config.json holds the configurations of all of them.

    Raises:
        TrainerError: shares that don't sum to 1, architectures that differ, no such run, or a
            folder in which a run has been trained.
    """
    total = sum(share for _, share in parts)
    if not (abs(total - 1) <= 1e-6 and all(share > 0 for _, share in parts)):
        raise TrainerError(f"shares are above 0 and sum to 1; these sum to {total:g}")
    if folder.is_dir() and load_recipe(folder).get("stage", BLEND) != BLEND:
        raise TrainerError(f"{folder} holds a run that was trained: give the blend another folder")
    models = [load_generator(path) for path, _ in parts]
    first = models[0].architecture()
    for (path, _), model in zip(parts, models, strict=True):
        if model.architecture() != first:
            raise TrainerError(
                f"{path} is {model.architecture()}, {parts[0][0]} is {first}: "
                "only nets of one architecture can be blended"
            )
    states = [model.state_dict() for model in models]
    shares = [share for _, share in parts]
    mean: dict[str, torch.Tensor] = {
        name: _mean([state[name] for state in states], shares) for name in states[0]
    }
    network = make(first)
    network.load_state_dict(mean)
    about = {
        "stage": BLEND,
        "parts": [{"share": share, "recipe": load_recipe(path)} for path, share in parts],
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RECIPE, (json.dumps(about, indent=2) + "\n").encode())
    save_generator(folder / "best.pt", network)


def _mean(values: Sequence[torch.Tensor], shares: Sequence[float]) -> torch.Tensor:
    """Of counters, the first's."""
    if not values[0].is_floating_point():
        return values[0]
    return torch.stack([share * v for v, share in zip(values, shares, strict=True)]).sum(0)
