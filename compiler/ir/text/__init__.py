"""Graphs and programs as text that parses back to the same.

    graph @tiny (%x: f32[1,3,8,8]) -> ("y": %y) opset 21 stage integer {
      @s: f32[] = [0.5]
      @w0 "layer.0/weight": s8[4,3,3,3] = external "sha256:…"
      %q: u8[1,3,8,8]{s=0.5, z=128} = quantize(%x, scale=@s)
      %c0 "/layer.0/Conv_output_0": u8[1,4,8,8]{s=0.25, z=0} = qconv(%q, weight=@w0, weight_scale=@s)
      ...
    }

    program @tiny ("x": f32[1,3,8,8]) -> ("y": f32[1,4,8,8]) arena_words=128 lower_bound_words=128 {
      @w0: u32[1,3,1,3,4] = external "sha256:…"
      %b0 "q": 64 words at 0  # live 0..1
      kernel 0 quantize "x" [1, 8, 8] x 1 ("x") -> %b0[64 x 1] {channels=[0, 1, 2, -1], ...}
      kernel 1 conv "layer.0" [1, 8, 8] x 1 (%b0[64 x 1]) -> OutputStore("y", ...) {weight=@w0, ...}
    }

An op or a kernel prints the fields of its class by name, defaults left out, a first one that has no
default without its name; so do the records that kernels hold: `Tile(pixels=8, words=2)`. Classes
enter by being defined (`Op.classes`, `Kernel.classes`), so the operators in question must be imported.

Names: see names.py. `%p0 "x" + ".packed"` is another form of the value "x", its origin.

Constants stand at the top, equal arrays of kernels once: small ones in full, uniform ones as `splat V`,
others as `external "sha256:…"`, whose data the parser takes from the dictionary that it is given
(`external_data`; `--dump-ir` writes it as constants.npz).

A view of a buffer is `%b0[pixels x words]`, or `%b0[pixels x first:end of pitch]`; a store into one may
go `by @table`. A program's values are declared where they stand first.
"""

from .data import digest
from .graphs import format_graph, parse_graph
from .names import Namer
from .programs import format_program, parse_program
from .stages import format_ir, parse_ir
from .things import external_data

__all__ = [
    "Namer",
    "digest",
    "external_data",
    "format_graph",
    "format_ir",
    "format_program",
    "parse_graph",
    "parse_ir",
    "parse_program",
]
