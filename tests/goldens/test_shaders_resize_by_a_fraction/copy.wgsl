// copy: packed words, by the indices of rows and columns where there are any
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
override source: u32;
override source_pitch: u32;
override source_height: u32;
override source_width: u32;
override height: u32;
override width: u32;
override padding: u32;
override rows_at: u32;
override columns_at: u32;
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
  let pixel = index / words;
  let word = index % words;
  let row = pixel / width;
  // Source row and column; 0xffffffff where the padding stands.
  let y = tables[rows_at + row % height];
  let x = tables[columns_at + pixel % width];
  let line = row / height * source_height + min(y, source_height - 1u);
  let at = source + (line * source_width + min(x, source_width - 1u)) * source_pitch + word;
  store(pixel, word, select(arena[at], padding, max(x, y) == 0xffffffffu));
}
