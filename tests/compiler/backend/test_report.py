"""The HTML report of a program."""

from onnx2wgsl.compiler.backend.report import render_report
from onnx2wgsl.compiler.ir.program import Buffer, BufferStore, Program, View
from onnx2wgsl.compiler.operators.copy import CopyKernel


def test_a_store_in_the_midst_of_a_buffer_says_which_words() -> None:
    buffer = Buffer("b", 60)
    stores = [BufferStore(View(buffer, 2, 3, 3, first)) for first in (0, 50)]
    kernels = [CopyKernel("k", (1, 1, 2), 3, list(stores), source="x")]
    page = render_report(Program("p", {}, {}, kernels, arena_words=60))
    assert "b; b words 50:53 of 3" in page
