"""fuse_moves lets concat, resize and pad work on stored bytes."""

import pytest
from onnx2wgsl.compiler.passes.fuse_moves import FuseMoves

from tests.builders.ir import check, unchanged

HEAD = """
graph @t (%x: u8[1,2,2,2]{s=0.5, z=7}, %z: u8[1,1,2,2]{s=0.25, z=9}) -> ("y": %y) opset 21 {
  @sx: f32[] = [0.5]
  @zx: u8[] = [7]
  @sz: f32[] = [0.25]
  @zz: u8[] = [9]
  @sy: f32[] = [0.3]
  @zy: u8[] = [3]
  %dx: f32[1,2,2,2] = dequantize(%x, scale=@sx, zero_point=@zx)
"""
DZ = "  %dz: f32[1,1,2,2] = dequantize(%z, scale=@sz, zero_point=@zz)\n"


def quantized(x: str, shape: str, scale: float = 0.3, zero: int = 3, name: str = "%y") -> str:
    s, z = ("@sy", "@zy") if scale == 0.3 else ("@sx", "@zx")
    type_ = f"u8[{shape}]{{s={scale}, z={zero}}}"
    return f"  {name}: {type_} = quantize({x}, scale={s}, zero_point={z})\n"


# --- rule 1: concat


def test_concat_is_of_requantized_parts() -> None:
    before = HEAD + DZ + "  %c: f32[1,3,2,2] = concat([%dx, %dz])\n" + quantized("%c", "1,3,2,2")
    after = HEAD + quantized("%dx", "1,2,2,2", name="%y.0") + DZ
    after += quantized("%dz", "1,1,2,2", name="%y.1")
    after += "  %y: u8[1,3,2,2]{s=0.3, z=3} = concat([%y.0, %y.1])\n}"
    lines = after.split("\n")
    parts = [line for line in lines if "%y.0:" in line]
    after = "\n".join(line for line in lines if line not in parts)
    after = after.replace("  %y.1:", f"{parts[0]}\n  %y.1:")
    check(FuseMoves(), before + "}", after)


def test_a_chain_of_elementwise_ops_is_a_part() -> None:
    chain = '  %t: f32[1,2,2,2] = elementwise([%dx], op_type="Tanh")\n'
    before = HEAD + DZ + chain + "  %c: f32[1,3,2,2] = concat([%t, %dz])\n"
    after = HEAD + DZ + chain + quantized("%t", "1,2,2,2", name="%y.0")
    after += quantized("%dz", "1,1,2,2", name="%y.1")
    after += "  %y: u8[1,3,2,2]{s=0.3, z=3} = concat([%y.0, %y.1])\n}"
    check(FuseMoves(), before + quantized("%c", "1,3,2,2") + "}", after)


def test_floats_that_nobody_else_reads_are_parts() -> None:
    conv = """
      @wq: s8[1,2,1,1] = [3, 4]
      @sw: f32[] = [0.01]
      %w: f32[1,2,1,1] = dequantize(@wq, scale=@sw)
      %k: f32[1,1,2,2] = conv(%dx, weight=%w)
    """
    before = HEAD + conv + "  %c: f32[1,3,2,2] = concat([%dx, %k])\n" + quantized("%c", "1,3,2,2")
    after = HEAD + conv + quantized("%dx", "1,2,2,2", name="%y.0")
    after += quantized("%k", "1,1,2,2", name="%y.1")
    after += "  %y: u8[1,3,2,2]{s=0.3, z=3} = concat([%y.0, %y.1])\n}"
    check(FuseMoves(), before + "}", after)


def test_a_constant_part_becomes_bytes() -> None:
    constant = "  @k: f32[1,1,2,2] = [0.0, 0.3, 99.0, -0.9]\n"
    concat = "  %c: f32[1,3,2,2] = concat([%dx, @k])\n"
    after = HEAD + "  @y.1: u8[1,1,2,2]{s=0.3, z=3} = [3, 4, 255, 0]\n"
    after += quantized("%dx", "1,2,2,2", name="%y.0")
    after += "  %y: u8[1,3,2,2]{s=0.3, z=3} = concat([%y.0, @y.1])\n}"
    check(FuseMoves(), HEAD + constant + concat + quantized("%c", "1,3,2,2") + "}", after)


def test_floats_with_other_readers_are_no_part() -> None:
    text = HEAD.replace("%z: u8[1,1,2,2]{s=0.25, z=9}", "%z: f32[1,1,2,2]")
    text = text.replace('("y": %y)', '("y": %y, "c": %c)')
    concat = "  %c: f32[1,3,2,2] = concat([%dx, %z])\n"
    unchanged(FuseMoves(), text + concat + quantized("%c", "1,3,2,2") + "}")


# --- rule 2: resize and pad

MODES = 'scales=[2.0, 2.0], coordinates="asymmetric", rounding="floor"'


def test_resize_works_on_bytes() -> None:
    before = HEAD + f"  %r: f32[1,2,4,4] = resize(%dx, {MODES})\n"
    after = HEAD.replace("%dx: f32[1,2,2,2] = dequantize(%x", "MOVED")
    move = f"%r.q: u8[1,2,4,4]{{s=0.5, z=7}} = resize(%x, {MODES})\n"
    move += "  %r: f32[1,2,4,4] = dequantize(%r.q"
    after = after.replace("MOVED", move)
    end = quantized("%r", "1,2,4,4", 0.5, 7) + "}"
    check(FuseMoves(), before + end, after + end)


def test_pad_by_zero_pads_bytes_by_the_zero_point() -> None:
    before = HEAD + "  %p: f32[1,2,3,2] = pad(%dx, pads=[1, 0, 0, 0])\n"
    move = "%p.q: u8[1,2,3,2]{s=0.5, z=7} = pad(%x, pads=[1, 0, 0, 0], value=7)\n"
    move += "  %p: f32[1,2,3,2] = dequantize(%p.q"
    after = HEAD.replace("%dx: f32[1,2,2,2] = dequantize(%x", move)
    end = quantized("%p", "1,2,3,2", 0.5, 7) + "}"
    check(FuseMoves(), before + end, after + end)


@pytest.mark.parametrize(("value", "level"), [("1.5", 10), ("-3.5", 0), ("124.0", 255)])
def test_a_pad_by_a_value_that_a_byte_stands_for(value: str, level: int) -> None:
    before = HEAD + f"  %p: f32[1,2,3,2] = pad(%dx, pads=[1, 0, 0, 0], value={value})\n"
    move = f"%p.q: u8[1,2,3,2]{{s=0.5, z=7}} = pad(%x, pads=[1, 0, 0, 0], value={level})\n"
    move += "  %p: f32[1,2,3,2] = dequantize(%p.q"
    after = HEAD.replace("%dx: f32[1,2,2,2] = dequantize(%x", move)
    end = quantized("%p", "1,2,3,2") + "}"
    check(FuseMoves(), before + end, after + end)


@pytest.mark.parametrize(("value", "level"), [("0.25", 4), ("-4.0", 0), ("124.5", 255)])
def test_a_pad_by_another_value_is_of_what_quantize_makes(value: str, level: int) -> None:
    pad = f"  %p: f32[1,2,3,2] = pad(%dx, pads=[1, 0, 0, 0], value={value})\n"
    after = HEAD + quantized("%dx", "1,2,2,2", name="%y.0")
    after += f"  %y: u8[1,2,3,2]{{s=0.3, z=3}} = pad(%y.0, pads=[1, 0, 0, 0], value={level})\n}}"
    check(FuseMoves(), HEAD + pad + quantized("%p", "1,2,3,2") + "}", after)


@pytest.mark.parametrize(
    ("move", "byte_move"),
    [
        (f"resize(%dx, {MODES})", f"resize(%x, {MODES})"),
        ("pad(%dx, pads=[2, 2, 0, 0])", "pad(%x, pads=[2, 2, 0, 0], value=7)"),
    ],
)
def test_what_a_float_op_reads_is_moved_as_bytes(move: str, byte_move: str) -> None:
    tail = '  %k: f32[1,2,4,4] = elementwise([%m], op_type="Tanh")\n' + quantized("%k", "1,2,4,4") + "}"
    after = f"%m.q: u8[1,2,4,4]{{s=0.5, z=7}} = {byte_move}\n  %m: f32[1,2,4,4] = dequantize(%m.q"
    check(
        FuseMoves(),
        HEAD + f"  %m: f32[1,2,4,4] = {move}\n" + tail,
        HEAD.replace("%dx: f32[1,2,2,2] = dequantize(%x", after) + tail,
    )


# --- rule 3: concat of equal quantization


def test_a_float_concat_of_equal_quantization_moves_bytes() -> None:
    text = HEAD.replace('("y": %y)', '("y": %c)')
    before = text + "  %c: f32[1,4,2,2] = concat([%dx, %dx])\n}"
    move = "%c.q: u8[1,4,2,2]{s=0.5, z=7} = concat([%x, %x])\n  %c: f32[1,4,2,2] = dequantize(%c.q"
    check(FuseMoves(), before, text.replace("%dx: f32[1,2,2,2] = dequantize(%x", move) + "}")


def test_a_float_concat_of_other_quantization_stays() -> None:
    text = HEAD.replace('("y": %y)', '("y": %c)') + DZ
    unchanged(FuseMoves(), text + "  %c: f32[1,3,2,2] = concat([%dx, %dz])\n}")


# --- rule 5: what is looked up by bytes


def test_bytes_are_moved_before_they_are_cast_to_floats() -> None:
    head = """graph @t (%x: u8[1,2,3]) -> ("y": %y) opset 21 {
      @t: f32[256] = splat 0.5
    """
    move = 'form="transpose", attributes={"perm": [0, 2, 1]}'
    before = f"  %d: f32[1,2,3] = lookup(%x, table=@t)\n  %y: f32[1,3,2] = move(%d, {move})\n}}"
    after = f"  %y.q: u8[1,3,2] = move(%x, {move})\n  %y: f32[1,3,2] = lookup(%y.q, table=@t)\n}}"
    check(FuseMoves(), head + before, head + after)
