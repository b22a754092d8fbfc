// window: max of 1 bytes and of the lanes of each
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read_write> output0: array<u32>;
override source: u32;
override source_pitch: u32;
override axis_pitch0: u32;
override outputs0: u32;
override in_words: u32;
override masks: u32;
override row_length: u32;
override pixels: u32;
override words: u32;
override plane0: u32;
override image0: u32;
override table0: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  // The bits of floats of a row-major tensor, `plane0` pixels a channel, `image0` values a picture.
  let at0 = pixel / plane0 * image0 + pixel % plane0;
  output0[at0 + 0u * plane0] = tables[table0 + ((packed >> 0u) & 255u)];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  var rest = pixel;
  var base = 0u;
  let o0 = rest % outputs0;
  rest = rest / outputs0;
  base += o0 * axis_pitch0;
  var best = vec4i(-128);
    for (var word_in = 0u; word_in < in_words; word_in++) {
    let held = arena[source + base * source_pitch + word_in];
    let mask = tables[masks + word_in];
    let real = (held & mask) | (0x80808080u & ~mask);
    let v = vec4i(bitcast<vec4i>(vec4u(real) << vec4u(24u, 16u, 8u, 0u))) >> vec4u(24u);
    best = max(best, v);
    }
  let levels = vec4i(max(max(best.x, best.y), max(best.z, best.w)));
  let b = bitcast<vec4u>(levels) & vec4u(255u);
  store(pixel, word, b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u));
}
