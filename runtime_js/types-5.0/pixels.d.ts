import type { Tensor } from './artifact.js';
/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {Tensor} output one of `session.outputs`, of shape [1, 1 or 3 or 4, height, width]
 * @param {ArrayLike<number | bigint> | undefined} values as `run` returns them
 */
export declare function toPixels(output: Tensor, values: ArrayLike<number | bigint> | undefined): Uint8ClampedArray;
