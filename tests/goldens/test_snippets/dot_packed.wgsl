requires packed_4x8_integer_dot_product;

// The products of four int8 in x with those of each of four words, summed word by word.
fn dots(x: u32, w: vec4u) -> vec4i {
  return vec4i(dot4I8Packed(x, w.x), dot4I8Packed(x, w.y), dot4I8Packed(x, w.z), dot4I8Packed(x, w.w));
}
