// picture: RGBA bytes to packed int8, by tables
@group(0) @binding(0) var<storage, read> picture: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read_write> arena: array<u32>;
override levels: u32;
override mask: u32;
override padding: u32;
override row_length: u32;
override pixels: u32;
override words: u32;
override offset0: u32;
override pitch0: u32;

// Each byte of a word through the table of 256 bytes at word `table`.
fn lookup(table: u32, word: u32) -> u32 {
  let i = (vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
  let at = table + (i >> vec4u(2u));
  let t = vec4u(tables[at.x], tables[at.y], tables[at.z], tables[at.w]);
  let b = (t >> ((i & vec4u(3u)) << vec4u(3u))) & vec4u(255u);
  return b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
}

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  arena[offset0 + pixel * pitch0 + word] = packed;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixel = id.x + id.y * row_length;
  if (pixel >= pixels) { return; }
  store(pixel, 0u, (lookup(levels, picture[pixel]) & mask) | padding);
}
