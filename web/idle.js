/**
 * An avatar that nobody drives: it breathes, looks about and blinks; or performs, for a visitor without a
 * camera.
 *
 * @import {Head, Face} from '../face/head.js'
 */

// Mean seconds from blink to blink, about 15 a minute, and how a blink goes: lids close faster than they
// open.
const BLINK_MEAN = 4;
const CLOSING = 0.09;
const OPENING = 0.16;
// A performance: seconds a syllable, and what is said.
const SYLLABLE = 0.17;
const TEXT = [
  ...'PP aa nn E sil sil ou oh RR ih sil FF aa CH E sil DD ih SS aa kk oh sil sil'.split(' '),
  ...'TH E RR ou nn aa sil sil sil'.split(' '),
];

export class Idle {
  #head;
  #visemes;
  #random;
  #blinkAt = 1;
  #time = 0;
  /** @type {Face} */
  #face = { expression: {}, gaze: [0, 0], pose: [0, 0, 0] };
  /** Whether it performs: talks and turns its head. */
  performs = false;

  /**
   * @param {Head} head
   * @param {Record<string, Record<string, number>>} visemes
   * @param {number} [seed]
   */
  constructor(head, visemes, seed = 1) {
    this.#head = head;
    this.#visemes = visemes;
    this.#random = numbers(seed);
  }

  /**
   * The landmarks of a moment.
   *
   * @param {number} now milliseconds
   * @param {Float32Array} out
   */
  landmarks(now, out) {
    const time = now / 1000;
    const wave = (/** @type {number} */ period, shift = 0) =>
      Math.sin((2 * Math.PI * time) / period + shift);
    const face = this.#face;
    const reach = this.performs ? 2.2 : 1;
    face.pose[0] = 1.5 + reach * (1.2 * wave(5.3) + 0.6 * wave(3.1, 1));
    face.pose[1] = reach * (4 * wave(9.7) + 2 * wave(6.1, 2));
    face.pose[2] = reach * (1.3 * wave(8.3, 0.5));
    face.gaze[0] = 0.25 * wave(7.9, 1) - face.pose[1] / 60;
    face.gaze[1] = 0.15 * wave(6.7);
    const { expression } = face;
    for (const name in expression) expression[name] = 0;
    expression.smile = 0.12 + 0.06 * wave(11);
    expression.brow_up = 0.05 + 0.05 * wave(7.1, 2);
    if (this.performs) this.#talk(time, expression);
    const lids = this.#blink(time);
    expression.blink_left = expression.blink_right = lids;
    return this.#head.landmarks(face, out);
  }

  /**
   * Mouths one after the other, each eased into the next.
   *
   * @param {number} time
   * @param {Record<string, number>} expression
   */
  #talk(time, expression) {
    const at = time / SYLLABLE;
    const share = at - Math.floor(at);
    const way = share * share * (3 - 2 * share);
    const viseme = (/** @type {number} */ i) => this.#visemes[TEXT[i % TEXT.length]];
    const [one, two] = [viseme(Math.floor(at)), viseme(Math.floor(at) + 1)];
    for (const name in one) expression[name] = (expression[name] ?? 0) + (1 - way) * one[name];
    for (const name in two) expression[name] = (expression[name] ?? 0) + way * two[name];
  }

  /** How far the lids are closed. @param {number} time */
  #blink(time) {
    // A slow tab comes back to one blink, not to all that it missed.
    if (time - this.#time > 1) this.#blinkAt = time + 1;
    this.#time = time;
    const since = time - this.#blinkAt;
    if (since < 0) return 0;
    if (since < CLOSING) return since / CLOSING;
    if (since < CLOSING + OPENING) return 1 - (since - CLOSING) / OPENING;
    // Log-normal intervals, none below half a second.
    const normal =
      Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    this.#blinkAt = time + Math.max(0.5, BLINK_MEAN * Math.exp(0.45 * normal - 0.1));
    return 0;
  }
}

/**
 * Numbers from 0 to 1, the same for a seed: the linear congruential generator of Knuth and Lewis, 32 bits.
 *
 * @param {number} seed
 */
function numbers(seed) {
  return () => {
    seed = (Math.imul(1664525, seed) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}
