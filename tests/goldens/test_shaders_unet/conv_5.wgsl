// conv 3x3, stride 1, upsampled 2 times, tiles of 2 pixels x 4 channels
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4u>;
override tiles: u32;
override row_tiles: u32;
override lanes: u32;
override groups: u32;
override words: u32;
override height: u32;
override width: u32;
override source: u32;
override pitch: u32;
override source_height: u32;
override source_width: u32;
override in_words: u32;
override padding: u32;
override zero_point: i32;
override weights_at: u32;
override bias_at: u32;
override multiplier_at: u32;
override offset0: u32;
override pitch0: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  arena[offset0 + pixel * pitch0 + word] = packed;
}

// The word at `at`, or the padding.
fn load(at: u32, inside: bool) -> u32 {
  return select(padding, arena[at], inside);
}

// Requantizes the sums of 2 pixels and stores each as the bytes of a word.
fn finish(x: u32, row: u32, word: u32, sums: array<vec4i, 2>) {
  let bias = bitcast<vec4i>(weights[bias_at + word]);
  let multiplier = bitcast<vec4f>(weights[multiplier_at + word]);
  var s = sums;
  for (var p = 0u; p < 2u && x + p < width; p++) {
    let v = bitcast<vec4u>(requantize(s[p] + bias, multiplier, zero_point)) & vec4u(255u);
    store(row * width + x + p, word, v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u));
  }
}

@compute @workgroup_size(lanes, groups)
fn main(@builtin(global_invocation_id) id: vec3u) {
  // 2 pixels of a row from column x, 1 output word from `word`.
  let word = id.y;
  if (id.x >= tiles || word >= words) { return; }
  let row = id.x / row_tiles;
  let y = i32(row % height);
  let x = (id.x % row_tiles) * 2u;
  let left = i32(x / 2u);
  let image = source + row / height * source_height * source_width * pitch;
  let x0 = left + -1;
  let in0 = x0 >= 0 && x0 < i32(source_width);
  let c0 = u32(clamp(x0, 0, i32(source_width) - 1)) * pitch;
  let x2 = left + 1;
  let in2 = x2 >= 0 && x2 < i32(source_width);
  let c2 = u32(clamp(x2, 0, i32(source_width) - 1)) * pitch;
  var a0_0 = vec4i();
  var a1_0 = vec4i();
  for (var ky = 0u; ky < 3u; ky++) {
    let v = y * 1 + i32(ky) - 1;
    let last = i32(source_height) * 2 - 1;
    let inside = v >= 0 && v <= last;
    let line = image + u32(clamp(v, 0, last)) / 2u * source_width * pitch;
    for (var ci = 0u; ci < in_words; ci++) {
      let at = line + u32(left) * pitch + ci;
      let v0 = load(line + c0 + ci, inside && in0);
      let v1 = load(at, inside);
      let v2 = load(line + c2 + ci, inside && in2);
      let w0 = weights_at + ((word * 3u + ky) * in_words + ci) * 3u;
      let w0_0 = weights[w0];
      let w0_1 = weights[w0 + 1u];
      let w0_2 = weights[w0 + 2u];
      a0_0 += dots(v0, w0_0) + dots(v1, w0_1) + dots(v1, w0_2);
      a1_0 += dots(v1, w0_0) + dots(v1, w0_1) + dots(v2, w0_2);
    }
  }
  finish(x, row, word, array(a0_0, a1_0));
}
