// Four int8 of a word as integers.
fn unpack(word: u32) -> vec4i {
  return (vec4i(bitcast<i32>(word)) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);
}

// The products of four int8 in x with those of each of four words, summed word by word.
fn dots(x: u32, w: vec4u) -> vec4i {
  let v = unpack(x);
  return vec4i(dot(v, unpack(w.x)), dot(v, unpack(w.y)), dot(v, unpack(w.z)), dot(v, unpack(w.w)));
}
