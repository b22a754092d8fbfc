/** What a canvas must show, written from the formulas: bytes in rows of RGBA in, bytes out; what to show. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { PYTHON, ROOT } from './host.js';

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

/** A cubic B-spline in linear light, sharpened where the contrast leaves room: by numpy, in f64. */
export function bicubic({ data, width, height }, w, h, sharpness) {
  const numbers = [width, height, sharpness, w, h].map(String);
  const written = execFileSync(PYTHON, ['-m', 'tests.js.display', ...numbers], {
    cwd: ROOT,
    input: Buffer.from(data),
    maxBuffer: 1 << 28,
  });
  return new Float64Array(Uint8Array.from(written).buffer);
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

/** The RGBA bytes of a texture. */
export async function texels(device, texture) {
  const pitch = Math.ceil(texture.width / 64) * 256;
  const buffer = device.createBuffer({ size: pitch * texture.height, usage: 0x9 });
  const encoder = device.createCommandEncoder();
  const size = [texture.width, texture.height];
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: pitch }, size);
  device.queue.submit([encoder.finish()]);
  await buffer.mapAsync(1);
  const rows = new Uint8Array(buffer.getMappedRange());
  const result = new Uint8ClampedArray(4 * texture.width * texture.height);
  for (let y = 0; y < texture.height; y++)
    result.set(rows.subarray(y * pitch, y * pitch + 4 * texture.width), 4 * y * texture.width);
  if (texture.format === 'bgra8unorm')
    for (let i = 0; i < result.length; i += 4)
      [result[i], result[i + 2]] = [result[i + 2], result[i]];
  return result;
}

export const textureOf = (device, width, height, { format = 'rgba8unorm', usage = 0x11 } = {}) =>
  device.createTexture({ size: [width, height], format, usage });
