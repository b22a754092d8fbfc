// conv 1x1, stride 1, tiles of 1 pixels x 4 channels
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> output0: array<u32>;
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
override zero_at: u32;
override weight_sums_at: u32;
override plane: u32;
override channels: u32;
override weights_at: u32;
override bias_at: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  output0[word] = packed;
}

var<private> x_zero: i32;
var<private> padding: u32;

// Stores the sums of 1 pixels as integers, row-major: `plane` pixels a channel.
fn finish(x: u32, row: u32, word: u32, sums: array<vec4i, 1>) {
  let bias = bitcast<vec4i>(weights[bias_at + word]) - x_zero * bitcast<vec4i>(weights[weight_sums_at + word]);
  var s = sums;
  for (var p = 0u; p < 1u && x + p < width; p++) {
    let pixel = row * width + x + p;
    let at = pixel / plane * plane * channels + pixel % plane;
    let total = s[p] + bias;
    for (var lane = 0u; lane < 4u && word * 4u + lane < channels; lane++) {
      let sum = total[lane];
      store(0u, at + (word * 4u + lane) * plane, bitcast<u32>(sum));
    }
  }
}

@compute @workgroup_size(lanes, groups)
fn main(@builtin(global_invocation_id) id: vec3u) {
  // 1 pixels of a row from column x, 1 output word from `word`.
  x_zero = bitcast<i32>(arena[zero_at] << 24u) >> 24u;
  padding = (arena[zero_at] & 255u) * 0x01010101u;
  let word = id.y;
  if (id.x >= tiles || word >= words) { return; }
  let row = id.x / row_tiles;
  let y = i32(row % height);
  let x = (id.x % row_tiles) * 1u;
  let left = i32(x);
  let image = source + row / height * source_height * source_width * pitch;
  var a0_0 = vec4i();
  for (var ky = 0u; ky < 1u; ky++) {
    let v = y * 1 + i32(ky) - 0;
    let line = image + u32(v) * source_width * pitch;
    for (var ci = 0u; ci < in_words; ci++) {
      let at = line + u32(left) * pitch + ci;
      let v0 = arena[at];
      let w0 = weights_at + ((word * 1u + ky) * in_words + ci) * 1u;
      let w0_0 = weights[w0];
      a0_0 += dots(v0, w0_0);
    }
  }
  finish(x, row, word, array(a0_0));
}
