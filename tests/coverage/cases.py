"""What the report covers: networks by name and origin, and the styles that each is tried in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

from tests.zoo.files import network_path
from tests.zoo.networks import NETWORKS
from tests.zoo.others import QUANTIZED, TRAINED
from tests.zoo.quantization import MORE_STYLES, STYLES

FOR_ALL = ("u8s8_per_channel", "s8s8_symmetric", "u8s8_operators")
IN_TURN = tuple(style for style in STYLES | MORE_STYLES if style not in FOR_ALL)
"""Each network is tried in FOR_ALL and in two of these."""


@dataclass(frozen=True)
class Case:
    """A network in one style of quantization; `path` makes its file where it is not cached."""

    network: str
    family: str
    origin: str
    style: str
    path: Callable[[], Path] = field(compare=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.network, self.style


def _all() -> Iterator[Case]:
    nets = [(net.name, net.family, "tests/zoo") for net in NETWORKS.values()]
    nets += [(net.name, net.family, net.source) for net in TRAINED.values()]
    for turn, (name, family, origin) in enumerate(nets):
        others = [IN_TURN[(2 * turn + i) % len(IN_TURN)] for i in range(2)]
        for style in chain(FOR_ALL, others):
            yield Case(name, family, origin, style, partial(network_path, name, style))
    for net in QUANTIZED:
        yield Case(net.name, net.family, "amd-quark", net.style, partial(_same, net.path))


def _same(path: Path) -> Path:
    return path


CASES = tuple(_all())


def networks() -> list[str]:
    """The names of all networks, in the report's order."""
    return list(dict.fromkeys(case.network for case in CASES))
