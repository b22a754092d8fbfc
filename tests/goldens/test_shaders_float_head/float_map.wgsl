// float_map: Sub
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read_write> output0: array<u32>;
override x0_at: u32;
override x0_stride0: u32;
override x1_at: u32;
override x1_stride0: u32;
override size0: u32;
override row_length: u32;
override pixels: u32;
override words: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  output0[word] = packed;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  var rest = index;
  let i0 = rest;
  let x0 = bitcast<f32>(arena[x0_at + i0 * x0_stride0]);
  let x1 = bitcast<f32>(tables[x1_at + i0 * x1_stride0]);
  let t0 = (x0 - x1);
  store(0u, index, bitcast<u32>(t0));
}
