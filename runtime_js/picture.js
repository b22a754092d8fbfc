/** Between output tensors and pictures. */

/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {{name: string, shape: number[], image?: {scale: number, offset: number}}} output one of
 *   `session.outputs`, of shape [1, channels, height, width] with 1, 3 or 4 channels
 * @param {ArrayLike<number>} values planar, as `run` returns them
 * @returns {Uint8ClampedArray<ArrayBuffer>} height * width * 4 bytes
 */
export function toPixels({ name, shape, image }, values) {
  if (!image) throw new Error(`output ${name} is not a picture.`);
  const [, channels, height, width] = shape;
  const plane = height * width;
  const pixels = new Uint8ClampedArray(4 * plane).fill(255);
  for (let channel = 0; channel < Math.max(3, channels); channel++) {
    const from = channels === 1 ? 0 : channel * plane;
    // A Uint8ClampedArray rounds to nearest even and clamps.
    for (let i = 0; i < plane; i++)
      pixels[4 * i + channel] = values[from + i] * image.scale + image.offset;
  }
  return pixels;
}
