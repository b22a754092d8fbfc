// unpack: packed int8 to row-major bytes
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read_write> output0: array<u32>;
override plane: u32;
override image: u32;
override source: u32;
override source_pitch: u32;
override channels: u32;
override flip: u32;
override output_words: u32;
override output_bytes: u32;
override row_length: u32;
override pixels: u32;
override words: u32;

// Byte `at` of the row-major output.
fn byte_at(at: u32) -> u32 {
  let pixel = at / image * plane + at % plane;
  let channel = at / plane % channels;
  let lane = channel;
  let word = arena[source + pixel * source_pitch + lane / 4u];
  return ((word >> ((lane & 3u) * 8u)) & 255u) ^ flip;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let word = id.x + id.y * row_length;
  if (word >= output_words) { return; }
  var packed = 0u;
  for (var lane = 0u; lane < 4u; lane++) {
    let at = word * 4u + lane;
    if (at < output_bytes) { packed |= byte_at(at) << (lane * 8u); }
  }
  output0[word] = packed;
}
