import type { Values } from './artifact.js';
export type Class = {
    index: number;
    value: number;
    label?: string;
};
export type Colour = number[];
/**
 * The classes with the largest values, the largest first.
 *
 * @param {Values | ArrayLike<number>} values one for each class
 * @param {number} [k]
 * @param {{labels?: string[], softmax?: boolean}} [options] names of the classes; whether the values are
 *   turned into probabilities
 * @param {string[]} [names] taken for labels where there is one for each value
 * @returns {Class[]}
 */
export declare function topK(values: Values | ArrayLike<number>, k?: number, options?: {
    labels?: string[];
    softmax?: boolean;
}, names?: string[]): Class[];
/**
 * A colour for each pixel's class, as RGBA bytes to be drawn over the picture.
 *
 * @param {Values | ArrayLike<number>} values
 * @param {number[]} shape [1, classes, height, width], of which the largest counts; with one channel or none,
 *   the values are the classes
 * @param {Colour[]} [palette] by class; else class 0 is transparent and the others have colours of their own
 */
export declare function maskOverlay(values: Values | ArrayLike<number>, shape: number[], palette?: Colour[]): Uint8ClampedArray;
