// float_reduce: ReduceMean
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
override a_at: u32;
override a_out0: u32;
override a_out1: u32;
override a_reduced0: u32;
override a_reduced1: u32;
override out0: u32;
override out1: u32;
override reduced0: u32;
override reduced1: u32;
override row_length: u32;
override pixels: u32;
override words: u32;
override offset0: u32;
override pitch0: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  arena[offset0 + pixel * pitch0 + word] = packed;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  var rest = index;
  let o1 = rest % out1;
  rest = rest / out1;
  let o0 = rest;
  let a_base = a_at + o0 * a_out0 + o1 * a_out1;
  var acc0 = f32(0.0);
  for (var k0 = 0u; k0 < reduced0; k0++) {
    for (var k1 = 0u; k1 < reduced1; k1++) {
      let a_word = a_base + k0 * a_reduced0 + k1 * a_reduced1;
      let a = bitcast<f32>(arena[a_word]);
      acc0 = acc0 + a;
    }
  }
  let acc = acc0;
  store(0u, index, bitcast<u32>(acc / 42.0f));
}
