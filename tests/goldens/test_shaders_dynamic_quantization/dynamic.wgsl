// dynamic: the scale of DynamicQuantizeLinear
@group(0) @binding(0) var<storage, read_write> arena: array<u32>;
@group(0) @binding(1) var<storage, read_write> output1: array<u32>;
override a_at: u32;
override b_at: u32;
override row_length: u32;
override pixels: u32;
override words: u32;
override offset1: u32;
override pitch1: u32;

// Stores word `word` of pixel `pixel`.
fn store(pixel: u32, word: u32, packed: u32) {
  output1[word] = packed;
  arena[offset1 + pixel * pitch1 + word] = packed;
}

// f32 addition, product and quotient of finite operands on their bits, rounded to nearest even, in u32 arithmetic alone:
// exact on every device, subnormals included, whatever it does with its own f32. Results too large become infinity.

// A finite f32 as sign (bit 31), biased exponent and a significand whose leading bit is bit 23; a zero has significand 0.
struct Soft { sign: u32, exponent: i32, significand: u32 }

fn soft_unpack(bits: u32) -> Soft {
  let field = (bits >> 23u) & 0xffu;
  let fraction = bits & 0x7fffffu;
  let shift = select(countLeadingZeros(fraction) - 8u, 0u, field != 0u);
  let significand = select(fraction << (shift & 31u), fraction | 0x800000u, field != 0u);
  return Soft(bits & 0x80000000u, select(1i - i32(shift), i32(field), field != 0u), significand);
}

// value >> shift, the last bit set if a bit was lost; shift in 0..31.
fn soft_shift(value: u32, shift: u32) -> u32 {
  return (value >> shift) | select(0u, 1u, (value & ((1u << shift) - 1u)) != 0u);
}

// significand * 2^(exponent - 153), rounded; its leading bit is at most bit 27, below bit 26 only where exponent is 1.
fn soft_pack(sign: u32, exponent: i32, significand: u32) -> u32 {
  let carry = significand >> 27u;
  var e = exponent + i32(carry);
  let down = u32(clamp(1 - e, 0, 31 - i32(carry)));
  let m = soft_shift(significand, carry + down);
  e = max(e, 1);
  if (e > 254) { return sign | 0x7f800000u; }
  // The hidden bit adds one to the exponent's field, as does a significand that rounds up to 2^24.
  let up = select(0u, 1u, (m & 7u) > 4u || (m & 15u) == 12u);
  return sign | ((u32(e - 1) << 23u) + (m >> 3u) + up);
}

fn soft_integer(value: i32) -> u32 {
  let magnitude = select(u32(value), 0u - u32(value), value < 0);
  if (magnitude == 0u) { return 0u; }
  let zeros = countLeadingZeros(magnitude);
  let m = select(magnitude << (max(zeros, 5u) - 5u), soft_shift(magnitude, 5u - min(zeros, 5u)), zeros < 5u);
  return soft_pack(u32(value) & 0x80000000u, 158 - i32(zeros), m);
}

fn soft_add(a: u32, b: u32) -> u32 {
  let swap = (b & 0x7fffffffu) > (a & 0x7fffffffu);
  let large = select(a, b, swap);
  let small = select(b, a, swap);
  let large_field = (large >> 23u) & 0xffu;
  let small_field = (small >> 23u) & 0xffu;
  let hidden_large = select(0u, 0x800000u, large_field != 0u);
  let hidden_small = select(0u, 0x800000u, small_field != 0u);
  // 24 bits, then a guard bit, a round bit and a sticky bit.
  let m = ((large & 0x7fffffu) | hidden_large) << 3u;
  let e = max(large_field, 1u);
  let n = soft_shift(((small & 0x7fffffu) | hidden_small) << 3u, min(e - max(small_field, 1u), 31u));
  let sum = select(m + n, m - n, (large ^ small) >= 0x80000000u);
  if (sum == 0u) { return large & small & 0x80000000u; }
  let up = max(countLeadingZeros(sum), 5u) - 5u;
  return soft_pack(large & 0x80000000u, i32(e) - i32(up), sum << up);
}

fn soft_mul(a: u32, b: u32) -> u32 {
  let x = soft_unpack(a);
  let y = soft_unpack(b);
  let sign = x.sign ^ y.sign;
  if (x.significand == 0u || y.significand == 0u) { return sign; }
  // The 48-bit product as high * 2^24 + low, from 12-bit limbs.
  let x1 = x.significand >> 12u;
  let x0 = x.significand & 0xfffu;
  let y1 = y.significand >> 12u;
  let y0 = y.significand & 0xfffu;
  let middle = x1 * y0 + x0 * y1;
  let low_sum = x0 * y0 + ((middle & 0xfffu) << 12u);
  let high = x1 * y1 + (middle >> 12u) + (low_sum >> 24u);
  let m = (high << 4u) | soft_shift(low_sum & 0xffffffu, 20u);
  return soft_pack(sign, x.exponent + y.exponent - 127, m);
}

// b must not be zero.
fn soft_div(a: u32, b: u32) -> u32 {
  let x = soft_unpack(a);
  let y = soft_unpack(b);
  let sign = x.sign ^ y.sign;
  if (x.significand == 0u) { return sign; }
  let less = x.significand < y.significand;
  // The quotient as 1 and three digits of 8 bits; the rest stays below the divisor.
  var rest = select(x.significand, x.significand << 1u, less) - y.significand;
  var quotient = 1u;
  for (var digit = 0u; digit < 3u; digit++) {
    let next = rest << 8u;
    quotient = (quotient << 8u) | (next / y.significand);
    rest = next % y.significand;
  }
  let m = (quotient << 2u) | select(0u, 1u, rest != 0u);
  return soft_pack(sign, x.exponent - y.exponent + 127 - select(0, 1, less), m);
}


@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x + id.y * row_length;
  if (index >= pixels * words) { return; }
  // The least element, or zero if that is less.
  let a = arena[a_at];
  let low = select(0u, a, a >= 0x80000000u);
  let b = arena[b_at];
  let high = select(b, 0u, b >= 0x80000000u);
  let range = soft_add(high, low ^ 0x80000000u);
  store(0u, 0u, select(soft_div(range, 0x437f0000u), 0x3f800000u, (range & 0x7fffffffu) == 0u));
}
