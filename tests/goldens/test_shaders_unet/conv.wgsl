// conv 4x4, stride 2, tiles of 8 pixels x 8 channels
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

// Requantizes the sums of 8 pixels and stores each as the bytes of a word.
fn finish(x: u32, row: u32, word: u32, sums: array<vec4i, 8>) {
  let bias = bitcast<vec4i>(weights[bias_at + word]);
  let multiplier = bitcast<vec4f>(weights[multiplier_at + word]);
  var s = sums;
  for (var p = 0u; p < 8u && x + p < width; p++) {
    let v = bitcast<vec4u>(requantize(s[p] + bias, multiplier, zero_point)) & vec4u(255u);
    store(row * width + x + p, word, v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u));
  }
}

@compute @workgroup_size(lanes, groups)
fn main(@builtin(global_invocation_id) id: vec3u) {
  // 8 pixels of a row from column x, 2 output words from `word`.
  let word = id.y * 2u;
  if (id.x >= tiles || word >= words) { return; }
  let row = id.x / row_tiles;
  let y = i32(row % height);
  let x = (id.x % row_tiles) * 8u;
  let left = i32(x * 2u);
  let image = source + row / height * source_height * source_width * pitch;
  let x0 = left + -1;
  let in0 = x0 >= 0 && x0 < i32(source_width);
  let c0 = u32(clamp(x0, 0, i32(source_width) - 1)) * pitch;
  let x17 = left + 16;
  let in17 = x17 >= 0 && x17 < i32(source_width);
  let c17 = u32(clamp(x17, 0, i32(source_width) - 1)) * pitch;
  var a0_0 = vec4i();
  var a0_1 = vec4i();
  var a1_0 = vec4i();
  var a1_1 = vec4i();
  var a2_0 = vec4i();
  var a2_1 = vec4i();
  var a3_0 = vec4i();
  var a3_1 = vec4i();
  var a4_0 = vec4i();
  var a4_1 = vec4i();
  var a5_0 = vec4i();
  var a5_1 = vec4i();
  var a6_0 = vec4i();
  var a6_1 = vec4i();
  var a7_0 = vec4i();
  var a7_1 = vec4i();
  for (var ky = 0u; ky < 4u; ky++) {
    let v = y * 2 + i32(ky) - 1;
    let last = i32(source_height) - 1;
    let inside = v >= 0 && v <= last;
    let line = image + u32(clamp(v, 0, last)) * source_width * pitch;
    for (var ci = 0u; ci < in_words; ci++) {
      let at = line + u32(left) * pitch + ci;
      let v0 = load(line + c0 + ci, inside && in0);
      let v1 = load(at, inside);
      let v2 = load(at + 1u * pitch, inside);
      let v3 = load(at + 2u * pitch, inside);
      let v4 = load(at + 3u * pitch, inside);
      let v5 = load(at + 4u * pitch, inside);
      let v6 = load(at + 5u * pitch, inside);
      let v7 = load(at + 6u * pitch, inside);
      let v8 = load(at + 7u * pitch, inside);
      let v9 = load(at + 8u * pitch, inside);
      let v10 = load(at + 9u * pitch, inside);
      let v11 = load(at + 10u * pitch, inside);
      let v12 = load(at + 11u * pitch, inside);
      let v13 = load(at + 12u * pitch, inside);
      let v14 = load(at + 13u * pitch, inside);
      let v15 = load(at + 14u * pitch, inside);
      let v16 = load(at + 15u * pitch, inside);
      let v17 = load(line + c17 + ci, inside && in17);
      let w0 = weights_at + ((word * 4u + ky) * in_words + ci) * 4u;
      let w0_0 = weights[w0];
      let w0_1 = weights[w0 + 1u];
      let w0_2 = weights[w0 + 2u];
      let w0_3 = weights[w0 + 3u];
      a0_0 += dots(v0, w0_0) + dots(v1, w0_1) + dots(v2, w0_2) + dots(v3, w0_3);
      a1_0 += dots(v2, w0_0) + dots(v3, w0_1) + dots(v4, w0_2) + dots(v5, w0_3);
      a2_0 += dots(v4, w0_0) + dots(v5, w0_1) + dots(v6, w0_2) + dots(v7, w0_3);
      a3_0 += dots(v6, w0_0) + dots(v7, w0_1) + dots(v8, w0_2) + dots(v9, w0_3);
      a4_0 += dots(v8, w0_0) + dots(v9, w0_1) + dots(v10, w0_2) + dots(v11, w0_3);
      a5_0 += dots(v10, w0_0) + dots(v11, w0_1) + dots(v12, w0_2) + dots(v13, w0_3);
      a6_0 += dots(v12, w0_0) + dots(v13, w0_1) + dots(v14, w0_2) + dots(v15, w0_3);
      a7_0 += dots(v14, w0_0) + dots(v15, w0_1) + dots(v16, w0_2) + dots(v17, w0_3);
      let w1 = weights_at + (((word + 1u) * 4u + ky) * in_words + ci) * 4u;
      let w1_0 = weights[w1];
      let w1_1 = weights[w1 + 1u];
      let w1_2 = weights[w1 + 2u];
      let w1_3 = weights[w1 + 3u];
      a0_1 += dots(v0, w1_0) + dots(v1, w1_1) + dots(v2, w1_2) + dots(v3, w1_3);
      a1_1 += dots(v2, w1_0) + dots(v3, w1_1) + dots(v4, w1_2) + dots(v5, w1_3);
      a2_1 += dots(v4, w1_0) + dots(v5, w1_1) + dots(v6, w1_2) + dots(v7, w1_3);
      a3_1 += dots(v6, w1_0) + dots(v7, w1_1) + dots(v8, w1_2) + dots(v9, w1_3);
      a4_1 += dots(v8, w1_0) + dots(v9, w1_1) + dots(v10, w1_2) + dots(v11, w1_3);
      a5_1 += dots(v10, w1_0) + dots(v11, w1_1) + dots(v12, w1_2) + dots(v13, w1_3);
      a6_1 += dots(v12, w1_0) + dots(v13, w1_1) + dots(v14, w1_2) + dots(v15, w1_3);
      a7_1 += dots(v14, w1_0) + dots(v15, w1_1) + dots(v16, w1_2) + dots(v17, w1_3);
    }
  }
  finish(x, row, word, array(a0_0, a1_0, a2_0, a3_0, a4_0, a5_0, a6_0, a7_0));
  finish(x, row, word + 1u, array(a0_1, a1_1, a2_1, a3_1, a4_1, a5_1, a6_1, a7_1));
}
