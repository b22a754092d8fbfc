// select: one of two, as a condition says
@group(0) @binding(0) var<storage, read> tables: array<u32>;
@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
@group(0) @binding(2) var<storage, read_write> output2: array<u32>;
override condition_at: u32;
override condition_size0: u32;
override condition_stride0: u32;
override condition_size1: u32;
override condition_stride1: u32;
override a_at: u32;
override a_pitch: u32;
override b_at: u32;
override b_pitch: u32;
override row_length: u32;
override pixels: u32;
override words: u32;
override plane0: u32;
override image0: u32;
override table0: u32;
override channels0: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  // The bits of floats of a row-major tensor, `plane0` pixels a channel, `image0` values a picture.
  let at0 = pixel / plane0 * image0 + pixel % plane0;
  for (var lane = 0u; lane < 4u; lane++) {
    let channel = word * 4u + lane;
    if (channel < channels0) {
      output2[at0 + channel * plane0] = tables[table0 + ((packed >> (lane * 8u)) & 255u)];
    }
  }
}

// The word of a that meets word `word` of pixel `pixel` of the result.
fn read_a(pixel: u32, word: u32) -> u32 {
  let p = pixel;
  return arena[a_at + p * a_pitch + word];
}

// The word of b that meets word `word` of pixel `pixel` of the result.
fn read_b(pixel: u32, word: u32) -> u32 {
  let p = pixel;
  return arena[b_at + p * b_pitch + word];
}

// Where the element of condition lies that meets pixel `pixel` of the result.
fn place_condition(pixel: u32) -> u32 {
  var p = condition_at;
  var rest = pixel;
  p += rest % condition_size0 * condition_stride0;
  rest = rest / condition_size0;
  p += rest % condition_size1 * condition_stride1;
  return p;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  let at = place_condition(pixel);
  let mask = select(0u, 0xffffffffu, tables[at] != 0u);
  store(pixel, word, (read_a(pixel, word) & mask) | (read_b(pixel, word) & ~mask));
}
