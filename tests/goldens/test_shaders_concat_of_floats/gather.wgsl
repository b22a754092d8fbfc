// gather: words by their addresses in the source
@group(0) @binding(0) var<storage, read> input0: array<u32>;
@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
override source: u32;
override source_pitch: u32;
override fill: u32;
override size3: u32;
override lane3_stride: i32;
override size2: u32;
override lane2_stride: i32;
override size1: u32;
override lane1_stride: i32;
override lane_first: i32;
override pixel_first: i32;
override row_length: u32;
override pixels: u32;
override words: u32;
override offset0: u32;
override pitch0: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  arena[offset0 + pixel * pitch0 + word] = packed;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  var rest = index;
  var p = pixel_first;
  var l = lane_first;
  let i3 = rest % size3;
  l += i32(i3) * lane3_stride;
  rest = rest / size3;
  let i2 = rest % size2;
  l += i32(i2) * lane2_stride;
  rest = rest / size2;
  let i1 = rest % size1;
  l += i32(i1) * lane1_stride;
  let inside = p >= 0;
  let at = source + u32(max(p, 0)) * source_pitch + u32(l);
  store(0u, index, input0[at]);
}
