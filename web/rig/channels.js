/**
 * From the weights of channels to displacements on the canonical face: those that the renderer's expressions
 * are made of (expressions.json), so that the generator has seen them. They are sums: a field of several
 * channels is that of each, added.
 *
 * @import {Expressions} from '../../face/head.js'
 */
import { channelNames, displace, turnJaw } from '../../face/head.js';

/** The segments of a face, and the channels that move them. @type {Record<string, string[]>} */
export const SEGMENTS = {
  brows: ['brow_up', 'brow_down', 'brow_inner'],
  eyes: ['blink_right', 'blink_left', 'squint'],
  mouth: ['wide', 'pucker', 'smile', 'frown', 'upper_up', 'lower_down', 'press', 'puff', 'jaw'],
};
/** What weights may be: as far as the renderer's faces go. */
const MOST = 1.2;
const LEAST_LID = -0.25;
const LEAST_LIP = -0.55;
/** Of each eye: its corners, and three places of its upper lid with those below. */
const EYES = [
  { corners: [33, 133], upper: [158, 159, 160], lower: [153, 145, 144] },
  { corners: [263, 362], upper: [385, 386, 387], lower: [380, 374, 373] },
];

export class Channels {
  #fields;
  #jaw;
  #rest;
  #blinks;
  #squint;
  #lip;
  #openness;
  /** In the order of weights. */
  names;

  /** @param {Expressions} expressions */
  constructor(expressions) {
    this.names = channelNames(expressions);
    this.#fields = Object.values(expressions.channels);
    this.#jaw = expressions.jaw;
    this.#rest = Float64Array.from(expressions.rest);
    this.#blinks = ['blink_right', 'blink_left'].map((name) => this.names.indexOf(name));
    this.#squint = this.names.indexOf('squint');
    this.#lip = this.names.indexOf('lower_down');
    this.#openness = EYES.map((_, side) => aperture(this.#rest, side));
  }

  /**
   * Weights of a face that is given by name; what is no channel, as a tongue, is left out.
   *
   * @param {Record<string, number>} expression
   */
  weights(expression) {
    return Float64Array.from(this.names, (name) => expression[name] ?? 0);
  }

  /**
   * Keeps weights within what a face can make, as the renderer does: a closed eye has no room to squint.
   *
   * @param {Float64Array} weights are written
   */
  limit(weights) {
    let closed = 0;
    for (let i = 0; i < weights.length; i++) {
      const isLid = this.#blinks.includes(i);
      const least = isLid ? LEAST_LID : i === this.#lip ? LEAST_LIP : 0;
      weights[i] = Math.min(isLid ? 1 : MOST, Math.max(least, weights[i]));
      if (isLid) closed = Math.max(closed, weights[i]);
    }
    weights[this.#squint] *= 1 - closed;
  }

  /**
   * How far an eye is open, against the canonical face's.
   *
   * @param {ArrayLike<number>} points x, y and z of each, in one unit
   * @param {number} side 0: right, 1: left
   */
  openness(points, side) {
    return aperture(points, side) / this.#openness[side];
  }

  /**
   * Adds the displacements that weights make.
   *
   * @param {ArrayLike<number>} weights
   * @param {Float64Array} field centimetres of the canonical face
   * @param {ArrayLike<number>} openness of the right and the left eye: a blink closes what is open
   */
  add(weights, field, openness) {
    for (let i = 0; i < this.#fields.length; i++) {
      const side = this.#blinks.indexOf(i);
      const weight = side < 0 ? weights[i] : weights[i] * openness[side];
      if (weight) displace(this.#fields[i], weight, field);
    }
    turnJaw(this.#jaw, weights[this.#fields.length], this.#rest, field);
  }
}

/** @type {(points: ArrayLike<number>, side: number) => number} */
function aperture(points, side) {
  const { corners, upper, lower } = EYES[side];
  let high = 0;
  for (let i = 0; i < upper.length; i++) high += distance(points, upper[i], lower[i]);
  return high / distance(points, corners[0], corners[1]);
}

/** @type {(points: ArrayLike<number>, one: number, other: number) => number} */
function distance(points, one, other) {
  const x = points[3 * one] - points[3 * other];
  const y = points[3 * one + 1] - points[3 * other + 1];
  const z = points[3 * one + 2] - points[3 * other + 2];
  return Math.sqrt(x * x + y * y + z * z);
}
