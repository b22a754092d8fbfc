"""canonicalize removes what does nothing, and only that."""

import pytest
from onnx2wgsl.compiler.passes.canonicalize import Canonicalize

from tests.builders.ir import check, unchanged

Q = "{s=0.5, z=3}"
NOTHING = f"""
graph @t (%x: u8[1,2,3,4]{Q}) -> ("y": %y) opset 21 {{
  @t: u8[256] = splat 9
  %y: u8[1,2,3,4]{Q} = lookup(%x, table=@t)
}}
"""


def through(op: str) -> str:
    """A graph in which `op` makes %a of %x."""
    return f"""
    graph @t (%x: u8[1,2,3,4]{Q}) -> ("y": %y) opset 21 {{
      @t: u8[256] = splat 9
      %a: u8[1,2,3,4]{Q} = {op}
      %y: u8[1,2,3,4]{Q} = lookup(%a, table=@t)
    }}
    """


@pytest.mark.parametrize(
    "op",
    [
        "identity(%x)",
        "concat([%x])",
        "pad(%x)",
        "resize(%x)",
        'resize(%x, scales=[1.3, 1.2], coordinates="asymmetric", rounding="floor")',
        'resize(%x, coordinates="asymmetric", rounding="floor")',
    ],
)
def test_ops_that_do_nothing_go(op: str) -> None:
    check(Canonicalize(), through(op), NOTHING)


def test_a_resize_to_another_shape_stays() -> None:
    unchanged(
        Canonicalize(),
        f"""
        graph @t (%x: u8[1,2,3,4]{Q}) -> ("y": %y) opset 21 {{
          %y: u8[1,2,6,4]{Q} = resize(%x, scales=[2.0, 1.2], rounding="floor")
        }}
        """,
    )


@pytest.mark.parametrize("op", ["concat([%x])", "pad(%x)", "resize(%x)"])
def test_on_floats_only_identities_go(op: str) -> None:
    text = 'graph @t (%x: f32[1,2,3,4]) -> ("y": %y) opset 21 {'
    unchanged(Canonicalize(), f"{text} %y: f32[1,2,3,4] = {op} }}")
    check(
        Canonicalize(),
        f"{text} %y: f32[1,2,3,4] = identity(%x) }}",
        text.replace('"y": %y', '"y": %x') + "}",
    )


def test_a_pad_by_something_stays() -> None:
    unchanged(
        Canonicalize(),
        f"""
        graph @t (%x: u8[1,2,3,4]{Q}) -> ("y": %y) opset 21 {{
          %y: u8[1,2,3,5]{Q} = pad(%x, pads=[0, 0, 0, 1], value=3)
        }}
        """,
    )


def test_an_identity_at_an_output_goes() -> None:
    check(
        Canonicalize(),
        f"""
        graph @t (%x: u8[1,2,3,4]{Q}) -> ("y": %y, "z": %x) opset 21 {{
          %y: u8[1,2,3,4]{Q} = identity(%x)
        }}
        """,
        f'graph @t (%x: u8[1,2,3,4]{Q}) -> ("y": %x, "z": %x) opset 21 {{ }}',
    )


PAIR = """
graph @t (%x: u8[1,2,3,4]{{s=0.5, z=3}}) -> ("y": %q) opset 21 {{
  @s: f32[] = [0.5]
  @z: u8[] = [3]
  @s2: f32[] = [{scale}]
  @z2: {dtype}[] = [{zero}]
  %d: f32[1,2,3,4] = dequantize(%x, scale=@s, zero_point=@z)
  %q: {dtype}[1,2,3,4]{{s={scale}, z={zero}}} = quantize(%d, scale=@s2, zero_point=@z2)
}}
"""


def test_quantize_of_dequantize_with_equal_parameters_goes() -> None:
    check(
        Canonicalize(),
        PAIR.format(scale=0.5, dtype="u8", zero=3),
        'graph @t (%x: u8[1,2,3,4]{s=0.5, z=3}) -> ("y": %x) opset 21 { }',
    )


@pytest.mark.parametrize(("scale", "dtype", "zero"), [(0.25, "u8", 3), (0.5, "u8", 4), (0.5, "s8", 3)])
def test_quantize_with_other_parameters_stays(scale: float, dtype: str, zero: int) -> None:
    unchanged(Canonicalize(), PAIR.format(scale=scale, dtype=dtype, zero=zero))


def test_dead_ops_go_and_inputs_stay() -> None:
    check(
        Canonicalize(),
        f"""
        graph @t (%x: u8[1,2,3,4]{Q}, %unused: f32[1,1,1,1]) -> ("y": %x) opset 21 {{
          @t: u8[256] = splat 9
          %a: u8[1,2,3,4]{Q} = lookup(%x, table=@t)
          %b: u8[1,2,3,4]{Q} = lookup(%a, table=@t)
        }}
        """,
        f'graph @t (%x: u8[1,2,3,4]{Q}, %unused: f32[1,1,1,1]) -> ("y": %x) opset 21 {{ }}',
    )
