// window: max of 3 f32
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
override source: u32;
override axis_pitch0: u32;
override stride0: i32;
override before0: i32;
override taps0: i32;
override dilation0: i32;
override side0: i32;
override row_length: u32;
override pixels: u32;
override words: u32;
override offset0: u32;
override pitch0: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  arena[offset0 + pixel * pitch0 + word] = packed;
}

// Orders the bits of floats as integers; its own inverse.
fn key(bits: u32) -> i32 {
  return bitcast<i32>(bits) ^ ((bitcast<i32>(bits) >> 31u) & 0x7fffffff);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  var rest = index;
  var base = 0u;
  let first0 = 0 - before0;
  var best = i32(-2147483647 - 1);
  for (var t0 = 0; t0 < taps0; t0++) {
    let at0 = first0 + t0 * dilation0;
    let line0 = base + u32(at0) * axis_pitch0;
    let held = arena[source + line0];
    best = max(best, key(held));
  }
  store(0u, index, bitcast<u32>(key(bitcast<u32>(best))));
}
