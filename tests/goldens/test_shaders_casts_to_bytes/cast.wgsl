// cast: row-major f32 to packed bytes
@group(0) @binding(0) var<storage, read> input0: array<u32>;
@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
override plane: u32;
override image: u32;
override source: u32;
override channels: u32;
override flip: u32;
override row_length: u32;
override pixels: u32;
override words: u32;
override offset0: u32;
override pitch0: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  arena[offset0 + pixel * pitch0 + word] = packed;
}

// The low byte of a word as an i32; of a float, cut off to an i32, 0 where that can't hold it.
fn low_byte(word: u32) -> u32 {
  if ((word & 0x7fffffffu) >= 0x4f000000u) { return 0u; } // 2^31, infinite, NaN
  return u32(i32(bitcast<f32>(word))) & 255u;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  let at = source + pixel / plane * image + pixel % plane;
  var packed = 0u;
  for (var lane = 0u; lane < 4u; lane++) {
    let channel = word * 4u + lane;
    if (channel < channels) {
      packed |= (low_byte(input0[at + channel * plane]) ^ flip) << (lane * 8u);
    }
  }
  store(pixel, word, packed);
}
