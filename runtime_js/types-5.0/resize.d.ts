import type { Fit } from './pictures.js';
/**
 * A picture of RGBA bytes at the size of an input.
 *
 * @param {{bytes: Uint8Array, width: number, height: number}} picture
 * @param {number[]} size width and height
 * @param {Fit} fit
 * @param {number[]} pad red, green and blue beside it
 */
export declare function fitted({ bytes, width, height }: {
    bytes: Uint8Array;
    width: number;
    height: number;
}, [w, h]: number[], fit: Fit, pad: number[]): Uint8ClampedArray;
