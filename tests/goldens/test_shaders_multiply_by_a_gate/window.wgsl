// window: sum of 42 bytes
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
override source: u32;
override source_pitch: u32;
override axis_pitch0: u32;
override stride0: i32;
override before0: i32;
override taps0: i32;
override dilation0: i32;
override side0: i32;
override offset_x: i32;
override zero_point: i32;
override multiplier: f32;
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  var rest = pixel;
  var base = 0u;
  let first0 = 0 - before0;
  var best = vec4i(-offset_x);
  for (var t0 = 0; t0 < taps0; t0++) {
    let at0 = first0 + t0 * dilation0;
    let line0 = base + u32(at0) * axis_pitch0;
    let held = arena[source + line0 * source_pitch + word];
    let real = held;
    let v = vec4i(bitcast<vec4i>(vec4u(real) << vec4u(24u, 16u, 8u, 0u))) >> vec4u(24u);
    best += v;
  }
  let levels = requantize(best, vec4f(multiplier), zero_point);
  let b = bitcast<vec4u>(levels) & vec4u(255u);
  store(pixel, word, b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u));
}
