/**
 * What the outputs of a model are good for, after they were read.
 *
 * @import {Tensor, Values} from './artifact.js'
 */
import { InputError } from './errors.js';

/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {Tensor} output one of `session.outputs`, of shape [1, 1 or 3 or 4, height, width]
 * @param {ArrayLike<number | bigint> | undefined} values as `run` returns them
 */
export function toPixels(output, values) {
  const { name, shape, image } = output ?? /** @type {any} */ ({});
  if (!image) throw new InputError(`Output ${name} is not a picture.`);
  if (!values)
    throw new InputError(`The values of output ${name} are missing: run gives them by name.`);
  const [, channels, height, width] = shape;
  const plane = height * width;
  const pixels = new Uint8ClampedArray(4 * plane).fill(255);
  for (let channel = 0; channel < Math.max(3, channels); channel++) {
    const start = channels === 1 ? 0 : channel * plane;
    // The array rounds ties to even, and clamps.
    for (let i = 0; i < plane; i++)
      pixels[4 * i + channel] = Number(values[start + i]) * image.scale + image.offset;
  }
  return pixels;
}
