// arg: which element is the max along axis 3
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
override source: u32;
override length: u32;
override source_pitch: u32;
override along_pitch: u32;
override size2: u32;
override axis_pitch2: u32;
override size1: u32;
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
  var pixel = 0u;
  var lane = 0u;
  pixel += rest % size2 * axis_pitch2;
  rest = rest / size2;
  lane = (rest % size1);
  rest = rest / size1;
  var best = 0;
  var found = 0u;
  for (var i = 0u; i < length; i++) {
    let p = pixel + i * along_pitch;
    let l = lane;
    let value = i32(arena[source + p * source_pitch + l / 4u] << (24u - (l & 3u) * 8u)) >> 24u;
    if (i == 0u || value > best) {
      best = value;
      found = i;
    }
  }
  store(0u, index, found);
}
