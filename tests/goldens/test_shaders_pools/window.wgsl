// window: max of 6 bytes
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read_write> output0: array<u32>;
override source: u32;
override source_pitch: u32;
override axis_pitch0: u32;
override outputs0: u32;
override stride0: i32;
override before0: i32;
override taps0: i32;
override dilation0: i32;
override side0: i32;
override axis_pitch1: u32;
override outputs1: u32;
override stride1: i32;
override before1: i32;
override taps1: i32;
override dilation1: i32;
override side1: i32;
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
  let first0 = i32(o0) * stride0 - before0;
  let o1 = rest % outputs1;
  rest = rest / outputs1;
  let first1 = i32(o1) * stride1 - before1;
  var best = vec4i(-128);
  for (var t1 = 0; t1 < taps1; t1++) {
    let at1 = first1 + t1 * dilation1;
    if (at1 < 0 || at1 >= side1) { continue; }
    let line1 = base + u32(at1) * axis_pitch1;
  for (var t0 = 0; t0 < taps0; t0++) {
    let at0 = first0 + t0 * dilation0;
    if (at0 < 0 || at0 >= side0) { continue; }
    let line0 = line1 + u32(at0) * axis_pitch0;
    let held = arena[source + line0 * source_pitch + word];
    let real = held;
    let v = vec4i(bitcast<vec4i>(vec4u(real) << vec4u(24u, 16u, 8u, 0u))) >> vec4u(24u);
    best = max(best, v);
  }
  }
  let levels = best;
  let b = bitcast<vec4u>(levels) & vec4u(255u);
  store(pixel, word, b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u));
}
