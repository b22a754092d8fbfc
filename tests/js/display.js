/** What a canvas must show, in f64, written from the formulas: bytes in rows of RGBA in, bytes out; what to show. */
import assert from 'node:assert/strict';

/** Each pixel of the target is that of the picture which its centre lies in. */
export function nearest({ data, width, height }, w, h) {
  const result = new Uint8ClampedArray(4 * w * h);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const at = Math.floor(((y + 0.5) * height) / h) * width + Math.floor(((x + 0.5) * width) / w);
      result.set(data.subarray(4 * at, 4 * at + 4), 4 * (y * w + x));
    }
  return result;
}

/** A cubic B-spline in linear light, sharpened where the contrast leaves room. */
export function bicubic({ data, width, height }, w, h, sharpness) {
  const linear = Float64Array.from({ length: data.length }, (_, i) => decode(data[i] / 255));
  const texel = (x, y, c) => {
    const inside = (i, n) => Math.min(n - 1, Math.max(0, i));
    return linear[4 * (inside(y, height) * width + inside(x, width)) + c];
  };
  /** The sum of texels around a position, by weights of the distance. */
  const filtered = (px, py, c, weights) => {
    const [x, y] = [px, py].map((p) => Math.floor(p - 0.5));
    const [wx, wy] = [px, py].map((p) => weights(p - 0.5 - Math.floor(p - 0.5)));
    let sum = 0;
    for (let j = 0; j < 4; j++)
      for (let i = 0; i < 4; i++) sum += wx[i] * wy[j] * texel(x + i - 1, y + j - 1, c);
    return sum;
  };
  const spline = (f) => [
    (1 - f) ** 3 / 6,
    (3 * f ** 3 - 6 * f ** 2 + 4) / 6,
    (-3 * f ** 3 + 3 * f ** 2 + 3 * f + 1) / 6,
    f ** 3 / 6,
  ];
  const bilinear = (f) => [0, 1 - f, f, 0];
  const result = new Float64Array(4 * w * h).fill(255);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      for (let c = 0; c < 3; c++) {
        const [px, py] = [((x + 0.5) * width) / w, ((y + 0.5) * height) / h];
        const e = filtered(px, py, c, spline);
        const around = [
          [0, -1],
          [0, 1],
          [-1, 0],
          [1, 0],
        ].map(([dx, dy]) => filtered(px + dx, py + dy, c, bilinear));
        const [least, most] = [Math.min(e, ...around), Math.max(e, ...around)];
        const room = Math.min(1, Math.max(0, Math.min(least, 1 - most) / Math.max(most, 1e-6)));
        const weight = (-sharpness / 5) * Math.sqrt(room);
        const sum = around.reduce((a, b) => a + b);
        result[4 * (y * w + x) + c] = 255 * encode((e + weight * sum) / (1 + 4 * weight));
      }
  return result;
}

const decode = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

function encode(value) {
  const v = Math.min(1, Math.max(0, value));
  return v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
}

/** A picture without hard edges, and one with. */
export const smooth = (x, y, c) => 0.6 * Math.sin(x / 5 + c) * Math.cos(y / 7 - c) + 0.2;
export const blocks = (x, y, c) => (((x >> 2) + (y >> 2) + c) % 3 === 0 ? 0.5 : -0.4);

/** A tensor [C,H,W] of a function of x, y and c. */
export function values(channels, height, width, value) {
  const plane = height * width;
  return Float32Array.from({ length: channels * plane }, (_, i) => {
    const [c, at] = [Math.floor(i / plane), i % plane];
    return value(at % width, Math.floor(at / width), c);
  });
}

/** The largest and the mean difference. */
export function apart(a, b) {
  assert.equal(a.length, b.length);
  let [most, sum] = [0, 0];
  a.forEach((value, i) => {
    const difference = Math.abs(value - b[i]);
    most = Math.max(most, difference);
    sum += difference;
  });
  return { most, mean: sum / a.length };
}
