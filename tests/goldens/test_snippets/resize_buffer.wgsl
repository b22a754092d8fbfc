// One pass of a picture's resize, across or down: each pixel is a sum of source pixels by coefficients in units of 2^-22.
struct Plan {
  size: vec2u, // of the result
  start: vec2u, // where the picture begins in it
  extent: vec2u, // the picture's size there
  step: vec2u, // from one summed source pixel to the next
  origin: vec2u, // the source pixel that coordinates count from
  pitch: u32, // source words a row
  taps: u32, // coefficients a pixel
  pad: u32, // the word beside the picture
  axis: array<i32>, // for each pixel along it: the first source pixel, the coefficients
}

@group(0) @binding(0) var<storage, read> plan: Plan;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(2) var<storage, read> source: array<u32>;

fn load(at: vec2u) -> vec4i {
  return vec4i((vec4u(source[at.y * plan.pitch + at.x]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (any(id.xy >= plan.size)) { return; }
  let at = id.xy - plan.start; // wraps before the start
  var word = plan.pad;
  if (all(at < plan.extent)) {
    let place = (at.x * plan.step.x + at.y * plan.step.y) * (plan.taps + 1u);
    let first = plan.origin + at * (1u - plan.step) + u32(plan.axis[place]) * plan.step;
    var sum = vec4i(1 << 21u);
    for (var tap = 0u; tap < plan.taps; tap++) {
      sum += plan.axis[place + 1u + tap] * load(first + tap * plan.step);
    }
    let bytes = vec4u(clamp(sum >> vec4u(22u), vec4i(0), vec4i(255))) << vec4u(0u, 8u, 16u, 24u);
    word = bytes.x | bytes.y | bytes.z | bytes.w;
  }
  result[id.y * plan.size.x + id.x] = word;
}
