import type { Tensor, Values } from './artifact.js';
/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {Tensor} output one of `session.outputs`, of shape [1, 1 or 3 or 4, height, width]
 * @param {Values | ArrayLike<number>} values as `run` returns them
 */
export declare function toPixels({ name, shape, image }: Tensor, values: Values | ArrayLike<number>): Uint8ClampedArray<ArrayBuffer>;
