/**
 * The resize of pictures on the CPU, for where no device does it: the bytes are those of pictures.js, and of
 * runtime_py/pictures.py.
 *
 * @import {Fit} from './pictures.js'
 */
import { BITS, coefficients, placement } from './pictures.js';

/**
 * A picture of RGBA bytes at the size of an input.
 *
 * @param {{bytes: Uint8Array, width: number, height: number}} picture
 * @param {number[]} size width and height
 * @param {Fit} fit
 * @param {number[]} pad red, green and blue beside it
 */
export function fitted({ bytes, width, height }, [w, h], fit, pad) {
  const { box, target } = placement(width, height, w, h, fit);
  if (width === w && height === h && typeof fit === 'string') return new Uint8ClampedArray(bytes);
  const [x, y, columns, lines] = target;
  const across = coefficients(width, box[0], box[2], columns);
  const down = coefficients(height, box[1], box[3], lines);
  const first = down.axis[0];
  const rows = Math.min(height, down.axis[(lines - 1) * (down.taps + 1)] + down.taps) - first;
  for (let i = 0; i < down.axis.length; i += down.taps + 1) down.axis[i] -= first;
  const source = bytes.subarray(4 * first * width, 4 * (first + rows) * width);
  const band = passed(source, across, columns, rows, { step: 4, pitch: 4 * width });
  // What is beside the picture is seen where it does not cover all.
  const result = new Uint8ClampedArray(4 * w * h);
  new Uint32Array(result.buffer).fill(
    new Uint32Array(Uint8Array.of(...pad.slice(0, 3), 255).buffer)[0],
  );
  const inner = passed(band, down, lines, columns, { step: 4 * columns, pitch: 4 });
  for (let column = 0; column < columns; column++)
    for (let line = 0; line < lines; line++)
      for (let c = 0; c < 4; c++)
        result[4 * ((y + line) * w + x + column) + c] = inner[4 * (column * lines + line) + c];
  return result;
}

/**
 * Weighted sums along lines of pixels, rounded to bytes: the results of a line after those of the one before.
 *
 * @param {Uint8Array} source
 * @param {{taps: number, axis: Int32Array}} table
 * @param {number} count results in a line
 * @param {number} lines
 * @param {{step: number, pitch: number}} strides in bytes: from pixel to pixel of a line, from line to line
 */
function passed(source, { taps, axis }, count, lines, { step, pitch }) {
  const result = new Uint8Array(4 * count * lines);
  let at = 0;
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < count; i++) {
      const place = i * (taps + 1);
      const start = line * pitch + axis[place] * step;
      for (let c = 0; c < 4; c++) {
        let sum = 2 ** (BITS - 1);
        for (let k = 0; k < taps; k++) {
          const coefficient = axis[place + 1 + k];
          // Beyond the last pixel it is 0.
          if (coefficient) sum += coefficient * source[start + k * step + c];
        }
        result[at++] = Math.min(255, sum >> BITS);
      }
    }
  return result;
}
