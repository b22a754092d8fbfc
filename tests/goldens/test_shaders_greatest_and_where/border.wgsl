// border: i64 from one word an element
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read_write> output1: array<u32>;
override source: u32;
override row_length: u32;
override pixels: u32;
override words: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  output1[word] = packed;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let held = arena[source + index / 2u];
  store(0u, index, select(held, u32(bitcast<i32>(held) >> 31u), (index & 1u) == 1u));
}
