// conv 3x3, upsampled 2 times, tiles of 2x8 pixels x 4 channels, nine products for four pixels
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

// Four int8 of a word.
fn unpack(word: u32) -> vec4f {
  return vec4f((vec4i(bitcast<i32>(word)) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

// The word at `at`, or the padding.
fn load(at: u32, inside: bool) -> vec4f {
  return unpack(select(padding, arena[at], inside));
}

// A word of a source column: less its own, above; its own; less that below.
fn column(at: vec3u, inside: vec3<bool>) -> mat3x4f {
  let own = load(at.y, inside.y);
  return mat3x4f(load(at.x, inside.x) - own, own, own - load(at.z, inside.z));
}

// A weight of four output channels, each a column of four input channels.
fn weight(at: u32) -> mat4x4f {
  let w = weights[at];
  return mat4x4f(unpack(w.x), unpack(w.y), unpack(w.z), unpack(w.w));
}

// The factors of the nine products: rows and columns first, all, last.
fn factors(at: u32) -> array<mat4x4f, 9> {
  let row = in_words * 3u;
  let g0 = weight(at);
  let g1 = weight(at + 1u);
  let g2 = weight(at + 2u);
  let k0 = weight(at + row * 2u);
  let k1 = weight(at + row * 2u + 1u);
  let k2 = weight(at + row * 2u + 2u);
  let h0 = g0 + weight(at + row) + k0;
  let h1 = g1 + weight(at + row + 1u) + k1;
  let h2 = g2 + weight(at + row + 2u) + k2;
  return array(g0, g0 + g1 + g2, g2, h0, h0 + h1 + h2, h2, k0, k0 + k1 + k2, k2);
}

// Four pixels from their own column and the differences at its left and right.
fn nine(left: mat3x4f, own: mat3x4f, right: mat3x4f, f: array<mat4x4f, 9>) -> mat4x4f {
  let g = own[0] * f[1];
  let h = own[1] * f[4];
  let k = own[2] * f[7];
  let h0 = left[1] * f[3] + h;
  let h1 = h - right[1] * f[5];
  return mat4x4f(
    left[0] * f[0] + g + h0,
    g - right[0] * f[2] + h1,
    h0 - left[2] * f[6] - k,
    h1 - k + right[2] * f[8]
  );
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
  let word = id.y;
  if (id.x >= tiles || word >= words) { return; }
  let line = id.x / row_tiles;
  let y = i32(line % source_height);
  let left = i32(id.x % row_tiles) * 4;
  let ys = vec3i(y - 1, y, y + 1);
  let rows = (ys >= vec3i()) & (ys < vec3i(i32(source_height)));
  let image = source + line / source_height * source_height * source_width * pitch;
  let lines = image + vec3u(clamp(ys, vec3i(), vec3i(i32(source_height) - 1))) * source_width * pitch;
  let x0 = left + -1;
  let is0 = x0 >= 0 && x0 < i32(source_width);
  let c0 = u32(clamp(x0, 0, i32(source_width) - 1)) * pitch;
  let x1 = left + 0;
  let c1 = u32(x1) * pitch;
  let x2 = left + 1;
  let c2 = u32(x2) * pitch;
  let x3 = left + 2;
  let c3 = u32(x3) * pitch;
  let x4 = left + 3;
  let c4 = u32(x4) * pitch;
  let x5 = left + 4;
  let is5 = x5 >= 0 && x5 < i32(source_width);
  let c5 = u32(clamp(x5, 0, i32(source_width) - 1)) * pitch;
  var a0 = mat4x4f();
  var a1 = mat4x4f();
  var a2 = mat4x4f();
  var a3 = mat4x4f();
  for (var ci = 0u; ci < in_words; ci++) {
    let v0 = column(lines + c0 + ci, rows & vec3(is0));
    let v1 = column(lines + c1 + ci, rows);
    let d1 = v0 - v1;
    let v2 = column(lines + c2 + ci, rows);
    let d2 = v1 - v2;
    let v3 = column(lines + c3 + ci, rows);
    let d3 = v2 - v3;
    let v4 = column(lines + c4 + ci, rows);
    let d4 = v3 - v4;
    let v5 = column(lines + c5 + ci, rows & vec3(is5));
    let d5 = v4 - v5;
    let f = factors(weights_at + (word * 3u * in_words + ci) * 3u);
    a0 += nine(d1, v1, d2, f);
    a1 += nine(d2, v2, d3, f);
    a2 += nine(d3, v3, d4, f);
    a3 += nine(d4, v4, d5, f);
  }
  let x = u32(left) * 2u;
  let row = line * 2u;
  finish(x, row, word, array(vec4i(a0[0]), vec4i(a0[1]), vec4i(a1[0]), vec4i(a1[1]), vec4i(a2[0]), vec4i(a2[1]), vec4i(a3[0]), vec4i(a3[1])));
  finish(x, row + 1u, word, array(vec4i(a0[2]), vec4i(a0[3]), vec4i(a1[2]), vec4i(a1[3]), vec4i(a2[2]), vec4i(a2[3]), vec4i(a3[2]), vec4i(a3[3])));
}
