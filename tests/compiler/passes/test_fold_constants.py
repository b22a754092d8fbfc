"""fold_constants computes what depends on constants alone."""

from onnx2wgsl.compiler.passes.fold_constants import FoldConstants

from tests.builders.ir import check, unchanged


def test_quantize_of_a_constant_becomes_bytes() -> None:
    check(
        FoldConstants(),
        """
        graph @t (%x: f32[1,1,2,2]) -> ("y": %d) opset 21 {
          @w: f32[6] = [0.25, -0.25, 0.75, 100.0, -100.0, nan]
          @s: f32[] = [0.5]
          @z: s8[] = [1]
          %q: s8[6]{s=0.5, z=1} = quantize(@w, scale=@s, zero_point=@z)
          %d: f32[6] = dequantize(%q, scale=@s, zero_point=@z)
        }
        """,
        """
        graph @t (%x: f32[1,1,2,2]) -> ("y": %d) opset 21 {
          @q: s8[6]{s=0.5, z=1} = [1, 1, 3, 127, -128, -128]
          @s: f32[] = [0.5]
          @z: s8[] = [1]
          %d: f32[6] = dequantize(@q, scale=@s, zero_point=@z)
        }
        """,
    )


def test_quantize_of_a_constant_for_each_channel() -> None:
    graph = check(
        FoldConstants(),
        """
        graph @t (%x: f32[1,1,2,2]) -> ("y": %d) opset 21 {
          @w: f32[2,1,1,2] = [1.0, 2.0, 1.0, 2.0]
          @s: f32[2] = [0.5, 0.25]
          @z: s8[2] = [0, 5]
          %q: s8[2,1,1,2]{s=0.5, z=0} = quantize(@w, scale=@s, zero_point=@z)
          %d: f32[2,1,1,2] = dequantize(%q, scale=@s, zero_point=@z)
        }
        """,
        """
        graph @t (%x: f32[1,1,2,2]) -> ("y": %d) opset 21 {
          @q: s8[2,1,1,2]{s=0.5, z=0} = [2, 4, 9, 13]
          @s: f32[2] = [0.5, 0.25]
          @z: s8[2] = [0, 5]
          %d: f32[2,1,1,2] = dequantize(@q, scale=@s, zero_point=@z)
        }
        """,
        evaluate=False,
    )
    assert graph.ops[0].operands[0].array.tolist() == [[[[2, 4]]], [[[9, 13]]]]


def test_dequantize_of_a_weight_stays_for_fuse_groups() -> None:
    unchanged(
        FoldConstants(),
        """
        graph @t (%x: u8[1,1,2,2]{s=0.5, z=3}) -> ("y": %y) opset 21 {
          @s: f32[] = [0.5]
          @z: u8[] = [3]
          @wq: s8[1,1,1,1] = [7]
          @sw: f32[] = [0.01]
          %d: f32[1,1,2,2] = dequantize(%x, scale=@s, zero_point=@z)
          %w: f32[1,1,1,1] = dequantize(@wq, scale=@sw)
          %c: f32[1,1,2,2] = conv(%d, weight=%w)
          %y: u8[1,1,2,2]{s=0.5, z=3} = quantize(%c, scale=@s, zero_point=@z)
        }
        """,
    )
