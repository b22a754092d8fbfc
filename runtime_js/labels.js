/**
 * What the outputs of classifiers and segmenters say.
 *
 * @import {Values} from './artifact.js'
 * @typedef {{index: number, value: number, label?: string}} Class
 * @typedef {number[]} Colour  red, green, blue, and alpha, which is 255 where it is left out
 */
import { InputError } from './errors.js';
import { requireKnown } from './feeds.js';

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
export function topK(values, k = 5, options = {}, names) {
  requireKnown('option', Object.keys(options), ['labels', 'softmax']);
  requireValues(values);
  const own = names?.length === values.length ? names : undefined;
  const { labels = own, softmax = false } = options;
  if (labels && labels.length !== values.length)
    throw new InputError(`There are ${labels.length} labels for ${values.length} classes.`);
  let numbers = Array.from(values, Number);
  if (softmax) {
    const most = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = numbers.map((value) => Math.exp(value - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    numbers = powers.map((power) => power / sum);
  }
  const classes = numbers.map((value, index) => ({ index, value }));
  classes.sort((a, b) => b.value - a.value || a.index - b.index);
  return classes.slice(0, k).map((one) => (labels ? { ...one, label: labels[one.index] } : one));
}

/**
 * A colour for each pixel's class, as RGBA bytes to be drawn over the picture.
 *
 * @param {Values | ArrayLike<number>} values
 * @param {number[]} shape [1, classes, height, width], of which the largest counts; with one channel or none,
 *   the values are the classes
 * @param {Colour[]} [palette] by class; else class 0 is transparent and the others have colours of their own
 */
export function maskOverlay(values, shape, palette) {
  requireValues(values);
  const [height, width] = shape.slice(-2);
  const plane = height * width;
  const count = shape.reduce((product, size) => product * size, 1) / plane;
  if (!(values.length === plane * count))
    throw new InputError(`A mask has ${values.length} values, expected ${shape.join('x')}.`);
  const pixels = new Uint8ClampedArray(4 * plane);
  for (let i = 0; i < plane; i++) {
    let found = count === 1 ? Number(values[i]) : 0;
    for (let c = 1; c < count; c++)
      if (values[c * plane + i] > values[found * plane + i]) found = c;
    const colour = palette ? palette[found] : defaultColour(found);
    if (!colour) throw new InputError(`The palette has no colour for class ${found}.`);
    pixels.set(colour, 4 * i);
    if (colour.length < 4) pixels[4 * i + 3] = 255;
  }
  return pixels;
}

/** @param {unknown} values */
function requireValues(values) {
  if (!values) throw new InputError('The values are missing: run gives them by name.');
}

/**
 * The bits of a class, by turns to red, green and blue, the lowest counting most: near classes differ most.
 *
 * @param {number} index
 * @returns {Colour}
 */
function defaultColour(index) {
  const colour = [0, 0, 0, index ? 160 : 0];
  for (let bit = 0; bit < 24; bit++)
    colour[bit % 3] |= ((index >> bit) & 1) << (7 - Math.floor(bit / 3));
  return colour;
}
