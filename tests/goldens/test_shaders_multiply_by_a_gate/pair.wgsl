// pair: a function of two bytes, by thresholds
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read_write> output0: array<u32>;
override a_at: u32;
override a_pitch: u32;
override b_at: u32;
override b_pitch: u32;
override b_size0: u32;
override b_stride0: u32;
override zero_a: i32;
override zero_b: i32;
override low: i32;
override thresholds: u32;
override ratio: f32;
override level_offset: f32;
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
      output0[at0 + channel * plane0] = tables[table0 + ((packed >> (lane * 8u)) & 255u)];
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
  var p = 0u;
  var rest = pixel;
  return arena[b_at + p * b_pitch + word];
}

// The result's byte for bytes a and b.
fn combine(a: u32, b: u32) -> u32 {
  let product = (i32(a ^ 0x80u) - zero_a) * (i32(b ^ 0x80u) - zero_b);
  // The product may be off by a rounding; one comparison on each side makes it exact.
  var level = u32(clamp(f32(product) * ratio + level_offset, 0.0, 255.0));
  if (level > 0u && product < bitcast<i32>(tables[thresholds + level - 1u])) {
    level--;
  } else if (level < 255u && product >= bitcast<i32>(tables[thresholds + level])) {
    level++;
  }
  return (u32(i32(level) + low) & 255u) ^ 0x80u;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  let a = read_a(pixel, word);
  let b = read_b(pixel, word);
  var packed = 0u;
  for (var shift_lane = 0u; shift_lane < 32u; shift_lane += 8u) {
    packed |= combine((a >> shift_lane) & 255u, (b >> shift_lane) & 255u) << shift_lane;
  }
  store(pixel, word, packed);
}
