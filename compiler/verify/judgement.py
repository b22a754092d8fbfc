"""What onnxruntime-web, as an independent judge, says of the outputs of a device."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ..reference.oracle import Oracle
from ..reference.web import WebOracle
from .compare import TOLERANCE, Difference, Feed, compare
from .replay import Device


@dataclass
class Judgement:
    """A device, and ONNX Runtime itself, against onnxruntime-web over a number of samples.

    `after_floats`: outputs that depend on float regions, held to TOLERANCE. `otherwise`: the model's
    operators that onnxruntime-web rounds otherwise; of those, `own` end in outputs and were ONNX Runtime's.
    """

    judge: str
    device: str
    samples: int
    after_floats: Collection[str] = ()
    otherwise: Collection[str] = ()
    own: Collection[str] = ()
    difference: Difference = field(default_factory=Difference)
    native: Difference = field(default_factory=Difference)

    @property
    def ok(self) -> bool:
        return self.difference.ok

    @property
    def verdict(self) -> str:
        """One sentence."""
        difference = self.difference
        counts = (
            f"{difference.differing} of {difference.values or 'no exact'} values differ from {self.judge}"
        )
        where = f"in {self.samples} samples on {self.device}"
        own = f", with onnxruntime's own {', '.join(self.own)} at the end" * bool(self.own)
        floats = (
            f"; {len(self.after_floats)} outputs behind float regions within {difference.error:.1e}"
            f" ({TOLERANCE:.0e} is allowed)"
        ) * bool(self.after_floats)
        if self.ok:
            return f"{'exact' if difference.values else 'close'}: {counts} {where}{own}{floats}"
        return (
            f"NOT exact: {counts} {where}{own}{floats}; {difference.first or 'floats'}; "
            f"onnxruntime itself differs from it in {self.native.differing}{self._otherwise()}"
        )

    def _otherwise(self) -> str:
        return f", and it rounds {', '.join(self.otherwise)} otherwise" * bool(self.otherwise)


def judge(
    oracle: Oracle,
    web: WebOracle,
    device: Device,
    samples: Sequence[Feed],
    after_floats: Collection[str],
    tell: Callable[[], None] = lambda: None,
) -> Judgement:
    """Runs all three on the samples. Raises CompileError where one of them can't."""
    expected = web.run(samples)
    judgement = Judgement(
        f"onnxruntime-web {web.version}",
        device.name,
        len(samples),
        after_floats,
        sorted(web.otherwise),
        sorted(web.own),
    )
    for sample, want in zip(samples, expected, strict=True):
        judgement.difference.add(compare(want, device.run(sample), after_floats))
        judgement.native.add(compare(want, oracle.run(sample), after_floats))
        tell()
    return judgement
