// Requantizes each case (accumulator, bits of the scale, zero point, expected result), so that a device's rounding can be compared with the reference.
@group(0) @binding(0) var<storage, read> cases: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> results: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&cases)) { return; }
  let one = cases[id.x];
  let acc = vec4i(bitcast<i32>(one.x));
  results[id.x] = requantize(acc, vec4f(bitcast<f32>(one.y)), bitcast<i32>(one.z)).x;
}
