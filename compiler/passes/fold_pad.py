"""Makes padding part of the convolution that reads it.

Rule: `qconv(pad(x))` adds the pads to the convolution's own where the pad's constant is the zero
point, which is what a convolution's padding reads. The padded tensor is never made.

Refusals:
- another constant, or the modes reflect and edge: such a pad is a kernel of its own;
- a convolution that upsamples what is padded (the pad lies before the upsampling).
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph
from ..operators.convolution.op import QConv
from ..operators.moves.pad import Pad


@dataclass(frozen=True)
class FoldPad:
    """Constant padding by the zero point into QConv."""

    name: ClassVar[str] = "fold_pad"

    def apply(self, graph: Graph) -> bool:
        producers = graph.producers()
        changed = False
        for op in graph.ops:
            while isinstance(op, QConv) and op.upsample == (1, 1):
                pad = producers.get(op.x)
                if not isinstance(pad, Pad) or pad.mode != "constant":
                    break
                quantization = pad.result.type.quantization
                if quantization is None or pad.value != quantization.zero_point:
                    break
                top, left, bottom, right = pad.pads
                own = op.pads
                op.pads = (own[0] + top, own[1] + left, own[2] + bottom, own[3] + right)
                op.x = pad.x
                changed = True
        graph.remove_dead_ops()
        return changed
