// value / 2^shift, rounded half to even; shift in 0..31.
fn shift_round(value: u32, shift: u32) -> u32 {
  if (shift == 0u) { return value; }
  let quotient = value >> shift;
  let rest = value & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  return quotient + select(0u, 1u, rest > half || (rest == half && (quotient & 1u) == 1u));
}

// RN(f32(acc) * scale) rounded half to even and clamped to -limit..limit, in u32 arithmetic alone.
fn scale_one(acc: i32, scale: u32, limit: u32) -> i32 {
  // |acc| as a 24-bit significand a * 2^ea: the conversion to f32.
  var a = select(u32(acc), 0u - u32(acc), acc < 0);
  var ea = 0u;
  let bits = 32u - countLeadingZeros(a);
  if (bits > 24u) {
    ea = bits - 24u;
    a = shift_round(a, ea);
  }
  // scale = m * 2^(es - 150); the 48-bit product a * m as high * 2^24 + low.
  let m = (scale & 0x7fffffu) | 0x800000u;
  let a1 = a >> 12u;
  let a0 = a & 0xfffu;
  let m1 = m >> 12u;
  let m0 = m & 0xfffu;
  let middle = a1 * m0 + a0 * m1;
  let low_sum = a0 * m0 + ((middle & 0xfffu) << 12u);
  let high = a1 * m1 + (middle >> 12u) + (low_sum >> 24u);
  let low = low_sum & 0xffffffu;
  // The product as a 24-bit significand p * 2^ep: the rounding of the f32 multiplication.
  var p = low;
  var ep = 0u;
  if (high != 0u) {
    ep = 32u - countLeadingZeros(high);
    let kept = (high << (24u - ep)) | (low >> ep);
    let cut = low & ((1u << ep) - 1u);
    let half = 1u << (ep - 1u);
    p = kept + select(0u, 1u, cut > half || (cut == half && (kept & 1u) == 1u));
  }
  // The integer part: p * 2^(ea + ep + es - 150).
  let exponent = i32(ea + ep + (scale >> 23u)) - 150;
  var result = 0u;
  if (exponent >= 0) {
    let small = p < limit && exponent < 9;
    let large = select(limit, 0u, p == 0u);
    result = select(large, min(p << min(u32(exponent), 8u), limit), small);
  } else if (exponent > -32) {
    result = min(shift_round(p, u32(-exponent)), limit);
  }
  return select(i32(result), -i32(result), acc < 0);
}

// rne(clamp(acc * scale)) + zero_point in -128..127; exact on every device. |zero_point| <= 128, so 256 saturates either way.
fn requantize(acc: vec4i, scale: vec4f, zero_point: i32) -> vec4i {
  let s = bitcast<vec4u>(scale);
  let v = vec4i(
    scale_one(acc.x, s.x, 256u), scale_one(acc.y, s.y, 256u), scale_one(acc.z, s.z, 256u), scale_one(acc.w, s.w, 256u));
  return clamp(v + zero_point, vec4i(-128), vec4i(127));
}
