/**
 * Emotions: presets of weights, how strongly each is felt, and the way from one to another.
 *
 * @import {Expressions} from '../../face/head.js'
 */
import { SEGMENTS } from './channels.js';
import { Spring } from './motion.js';

/** What the renderer has no name for, of its channels. @type {Record<string, Record<string, number>>} */
const OWN = {
  smirk: { smile: 0.7, press: 0.5, squint: 0.4, brow_up: 0.4, blink_right: 0.5 },
  tired: { blink_left: 0.5, blink_right: 0.5, brow_inner: 0.3, frown: 0.3, jaw: 0.06 },
};
/** What shows too little as the renderer's mean of it; no weight is more than its faces have. @type {typeof OWN} */
const STRONG = {
  anger: { brow_down: 1.2, squint: 0.9, press: 1, frown: 0.7 },
  fear: {
    ...{ brow_up: 0.7, brow_inner: 1, blink_left: -0.2, blink_right: -0.2 },
    ...{ wide: 0.5, jaw: 0.25, frown: 0.5 },
  },
  disgust: { upper_up: 0.85, brow_down: 0.9, squint: 0.9, frown: 0.7 },
};
/** In the order of their keys: 1, 2, ... */
export const EMOTIONS = [
  'joy',
  'sadness',
  'anger',
  'surprise',
  'fear',
  'disgust',
  ...Object.keys(OWN),
];
// Nine tenths of the way take half a second.
const RATE = 8;
const LEAST = 1e-4;

/**
 * The weights of each emotion at its strongest, and of what else the renderer has.
 *
 * @param {Expressions['emotions']} emotions of expressions.json
 */
export const presets = (emotions) => ({ ...emotions, ...STRONG, ...OWN });

export class Emotions {
  #presets;
  #segmentOf;
  #springs = EMOTIONS.map(() => new Spring(RATE));
  #targets = new Float64Array(EMOTIONS.length);
  /** How far each segment of the face takes part, 0 to 1. @type {Record<string, number>} */
  segments = { brows: 1, eyes: 1, mouth: 1 };

  /**
   * @param {Expressions} expressions
   * @param {string[]} names of the channels, in the order of weights
   */
  constructor({ emotions }, names) {
    const all = presets(emotions);
    this.#presets = EMOTIONS.map((emotion) =>
      Float64Array.from(names, (name) => all[emotion][name] ?? 0),
    );
    const segments = Object.keys(SEGMENTS);
    this.#segmentOf = names.map(
      (name) =>
        /** @type {string} */ (segments.find((segment) => SEGMENTS[segment].includes(name))),
    );
  }

  /**
   * What is to be felt: of several, a blend.
   *
   * @param {Record<string, number>} intensities 0 to 1, by emotion; what is not named ends
   */
  feel(intensities) {
    const sum = Object.values(intensities).reduce((a, b) => a + b, 0);
    EMOTIONS.forEach((emotion, i) => {
      this.#targets[i] = (intensities[emotion] ?? 0) / Math.max(1, sum);
    });
  }

  /** Whether they are on their way. */
  get isMoving() {
    for (let i = 0; i < EMOTIONS.length; i++)
      if (Math.abs(this.#springs[i].value - this.#targets[i]) > LEAST) return true;
    return false;
  }

  /** @param {number} seconds */
  step(seconds) {
    for (let i = 0; i < EMOTIONS.length; i++) this.#springs[i].step(this.#targets[i], seconds);
  }

  /**
   * Adds what is felt.
   *
   * @param {Float64Array} weights
   */
  add(weights) {
    for (let i = 0; i < EMOTIONS.length; i++) {
      const level = this.#springs[i].value;
      if (level < LEAST) continue;
      const preset = this.#presets[i];
      for (let k = 0; k < weights.length; k++)
        weights[k] += level * this.segments[this.#segmentOf[k]] * preset[k];
    }
  }
}
