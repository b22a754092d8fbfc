// matmul: two packed operands, tiles of 3 rows x 4 columns
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> output0: array<u32>;
override a_at: u32;
override a_pitch: u32;
override a_first: u32;
override b_at: u32;
override b_pitch: u32;
override b_first: u32;
override rows: u32;
override columns: u32;
override out_words: u32;
override in_words: u32;
override masks: u32;
override bias_at: u32;
override zero_point: i32;
override zero_a: i32;
override zero_b_at: u32;
override multiplier_at: u32;
override row_tiles: u32;
override invocation_count: u32;
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
  if (index >= invocation_count) { return; }
  let word = index % out_words;
  let tile = index / out_words;
  let batch = tile / row_tiles;
  let row = tile % row_tiles * 3u;
  let a_batch = tables[a_first + batch];
  let a0_at = a_at + (a_batch + row) * a_pitch;
  let a1_at = a_at + (a_batch + min(row + 1u, rows - 1u)) * a_pitch;
  let a2_at = a_at + (a_batch + min(row + 2u, rows - 1u)) * a_pitch;
  let column = min(word * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(columns - 1u));
  let b_columns = b_at + (tables[b_first + batch] + column) * b_pitch;
  var sum0 = vec4i();
  var row_sum0 = 0;
  var sum1 = vec4i();
  var row_sum1 = 0;
  var sum2 = vec4i();
  var row_sum2 = 0;
  var column_sums = vec4i();
  for (var k = 0u; k < in_words; k++) {
    let w = vec4u(arena[b_columns.x + k], arena[b_columns.y + k], arena[b_columns.z + k], arena[b_columns.w + k]);
    let mask = tables[masks + k];
    let ones = 0x01010101u & mask;
    let v0 = arena[a0_at + k] & mask;
    sum0 += dots(v0, w);
    row_sum0 += dots(v0, vec4u(ones)).x;
    let v1 = arena[a1_at + k] & mask;
    sum1 += dots(v1, w);
    row_sum1 += dots(v1, vec4u(ones)).x;
    let v2 = arena[a2_at + k] & mask;
    sum2 += dots(v2, w);
    row_sum2 += dots(v2, vec4u(ones)).x;
    column_sums += dots(ones, w);
  }
  finish(batch, row, word, sum0 - zero_a * column_sums - bitcast<vec4i>(weights[zero_b_at + word]) * row_sum0);
  finish(batch, row + 1u, word, sum1 - zero_a * column_sums - bitcast<vec4i>(weights[zero_b_at + word]) * row_sum1);
  finish(batch, row + 2u, word, sum2 - zero_a * column_sums - bitcast<vec4i>(weights[zero_b_at + word]) * row_sum2);
}

// Stores the sums of four columns of a row as bytes.
fn finish(batch: u32, row: u32, word: u32, sums: vec4i) {
  if (row >= rows) { return; }
  let pixel = batch * rows + row;
  let total = sums + bitcast<vec4i>(weights[bias_at + word]);
  let v = bitcast<vec4u>(requantize(total, bitcast<vec4f>(weights[multiplier_at + word]), zero_point)) & vec4u(255u);
  store(pixel, word, v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u));
}
