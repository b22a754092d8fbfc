// copy: words as they are
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read_write> output0: array<u32>;
override source: u32;
override source_pitch: u32;
override row_length: u32;
override pixels: u32;
override words: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  output0[word] = packed;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  let pixel = index / words;
  let word = index % words;
  store(pixel, word, arena[source + pixel * source_pitch + word]);
}
