/**
 * How a picture is shown on a target of any size: the one text of it, which live/display.py reads, too, so
 * nothing is put into it; web/reprojector.js adds to it what shows a picture as a mesh.
 */

export const DISPLAY = /* wgsl */ `
@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var bilinear: sampler;
@group(0) @binding(2) var<uniform> look: vec4f; // width and height of the target, sharpness

@vertex fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment fn nearest(@builtin(position) at: vec4f) -> @location(0) vec4f {
  let size = textureDimensions(picture);
  let p = textureLoad(picture, (2u * vec2u(at.xy) + 1u) * size / (2u * vec2u(look.xy)), 0);
  return vec4f(p.rgb * p.a, p.a);
}

fn texel(at: vec2f) -> vec4f {
  return textureSampleLevel(picture, bilinear, at / vec2f(textureDimensions(picture)), 0.0);
}

// The 16 weights of the spline in 4 taps, each between two texels of a row and of a column.
fn spline(at: vec2f) -> vec4f {
  let i = floor(at - 0.5);
  let f = at - 0.5 - i;
  let r = 1.0 - f;
  let w0 = r * r * r / 6.0;
  let w3 = f * f * f / 6.0;
  let g1 = w3 + (((3.0 - 3.0 * f) * f + 3.0) * f + 1.0) / 6.0;
  let g0 = 1.0 - g1;
  let a = i + 0.5 - w0 / g0;
  let b = i + 1.5 + w3 / g1;
  return mix(mix(texel(a), texel(vec2f(b.x, a.y)), g1.x),
             mix(texel(vec2f(a.x, b.y)), texel(b), g1.x), g1.y);
}

// What is seen at a place of the picture, in texels.
fn shown(p: vec2f) -> vec4f {
  let e = spline(p);
  let n = texel(p - vec2f(0.0, 1.0)).rgb;
  let s = texel(p + vec2f(0.0, 1.0)).rgb;
  let w = texel(p - vec2f(1.0, 0.0)).rgb;
  let o = texel(p + vec2f(1.0, 0.0)).rgb;
  let least = min(e.rgb, min(min(n, s), min(w, o)));
  let most = max(e.rgb, max(max(n, s), max(w, o)));
  let room = saturate(min(least, 1.0 - most) / max(most, vec3f(1e-6)));
  let weight = -0.2 * look.z * sqrt(room);
  let linear = saturate((e.rgb + weight * (n + s + w + o)) / (1.0 + 4.0 * weight));
  let rgb = select(1.055 * pow(linear, vec3f(1.0 / 2.4)) - 0.055, 12.92 * linear,
                   linear <= vec3f(0.0031308));
  return vec4f(rgb * e.a, e.a);
}

@fragment fn bicubic(@builtin(position) at: vec4f) -> @location(0) vec4f {
  return shown(at.xy * vec2f(textureDimensions(picture)) / look.xy);
}
`;
