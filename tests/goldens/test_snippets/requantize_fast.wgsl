// rne(clamp(acc * scale)) + zero_point in -128..127; exact where the device rounds one f32 product to nearest-even.
fn requantize(acc: vec4i, scale: vec4f, zero_point: i32) -> vec4i {
  let low = vec4f(f32(-128 - zero_point));
  let high = vec4f(f32(127 - zero_point));
  return vec4i(round(clamp(vec4f(acc) * scale, low, high))) + zero_point;
}
