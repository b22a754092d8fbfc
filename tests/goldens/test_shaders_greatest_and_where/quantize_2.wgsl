// quantize: row-major floats to packed int8, by thresholds
@group(0) @binding(0) var<storage, read> input0: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read_write> arena: array<u32>;
override plane: u32;
override image: u32;
override thresholds: u32;
override padding: u32;
override inverse_scale: f32;
override level_offset: f32;
override row_length: u32;
override pixels: u32;
override words: u32;
override offset0: u32;
override pitch0: u32;
override table0: u32;

// Each byte of a word through the table of 256 bytes at word `table`.
fn lookup(table: u32, word: u32) -> u32 {
  let i = (vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
  let at = table + (i >> vec4u(2u));
  let t = vec4u(tables[at.x], tables[at.y], tables[at.z], tables[at.w]);
  let b = (t >> ((i & vec4u(3u)) << vec4u(3u))) & vec4u(255u);
  return b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
}

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  arena[offset0 + pixel * pitch0 + word] = lookup(table0, packed);
}

// The level of one f32, given by its bits, as a byte: -128 + how many thresholds are not above it.
fn quantize(bits: u32) -> u32 {
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0x80u; } // NaN
  let signed = bitcast<i32>(bits);
  let key = signed ^ ((signed >> 31u) & 0x7fffffff);
  // The product may be off by a rounding; one comparison on each side makes it exact.
  var level = u32(clamp(bitcast<f32>(bits) * inverse_scale + level_offset, 0.0, 255.0));
  if (level > 0u && key < bitcast<i32>(tables[thresholds + level - 1u])) {
    level--;
  } else if (level < 255u && key >= bitcast<i32>(tables[thresholds + level])) {
    level++;
  }
  return (level ^ 0x80u) & 255u;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  let at = pixel / plane * image + pixel % plane + word * 4u * plane;
  let b0 = quantize(input0[at + 0u * plane]);
  var b1 = padding;
  if (word < words - 1u) { b1 = quantize(input0[at + 1u * plane]); }
  var b2 = padding;
  if (word < words - 1u) { b2 = quantize(input0[at + 2u * plane]); }
  var b3 = padding;
  if (word < words - 1u) { b3 = quantize(input0[at + 3u * plane]); }
  store(pixel, word, b0 | (b1 << 8u) | (b2 << 16u) | (b3 << 24u));
}
