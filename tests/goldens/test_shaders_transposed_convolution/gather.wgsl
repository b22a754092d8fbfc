// gather: bytes by their addresses in the source
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read_write> output0: array<u32>;
override source: u32;
override source_pitch: u32;
override fill: u32;
override size2: u32;
override pixel2_table: u32;
override lane2_table: u32;
override size1: u32;
override pixel1_table: u32;
override lane1_table: u32;
override lane_lanes: u32;
override lane_pixels: u32;
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
  output0[at0 + 1u * plane0] = tables[table0 + ((packed >> 8u) & 255u)];
  output0[at0 + 2u * plane0] = tables[table0 + ((packed >> 16u) & 255u)];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  var rest = pixel;
  var p = 0;
  var l = 0;
  let i2 = rest % size2;
  p += bitcast<i32>(tables[pixel2_table + i2]);
  l += bitcast<i32>(tables[lane2_table + i2]);
  rest = rest / size2;
  let i1 = rest % size1;
  p += bitcast<i32>(tables[pixel1_table + i1]);
  l += bitcast<i32>(tables[lane1_table + i1]);
  var packed = 0u;
  for (var lane = 0u; lane < 4u; lane++) {
    let physical = word * 4u + lane;
    let q = p + bitcast<i32>(tables[lane_pixels + physical]);
    let inside = q >= 0;
    let held = u32(select(0, l + bitcast<i32>(tables[lane_lanes + physical]), inside));
    let line = source + u32(max(q, 0)) * source_pitch;
    let byte = (arena[line + held / 4u] >> ((held & 3u) * 8u)) & 255u;
    packed |= select(fill, byte, inside) << (lane * 8u);
  }
  store(pixel, word, packed);
}
