/**
 * Mouths in time: a track of weights, and the track of a text. Free of the DOM; nothing is allocated for a moment.
 *
 * @import {Channels} from '../rig/channels.js'
 */
import { smooth } from '../rig/motion.js';
import { sounds } from './letters.js';

/** Seconds of a sound of mean length: some twelve a second. */
export const BEAT = 0.085;
/** Of the shorter of two sounds, how much goes into the way from one to the other. */
const WAY = 0.6;
/** How much a sound that is made behind the lips has of its own mouth; the rest is its neighbours'. */
const OWN = /** @type {Record<string, number>} */ ({
  ...{ kk: 0.5, DD: 0.6, nn: 0.6, TH: 0.8, RR: 0.8, SS: 0.8 },
});

/** Weights at some times, and smoothly from one to the next. Before the first and after the last there are none. */
export class Track {
  #times;
  #weights;
  #width;
  #starts;

  /**
   * @param {ArrayLike<number>} times seconds, in ascending order
   * @param {ArrayLike<number>} weights those of each time, one after the other
   * @param {Map<number, number>} [starts] when what begins at an index of a text is said
   */
  constructor(times, weights, starts = new Map()) {
    this.#times = Float64Array.from(times);
    this.#weights = Float64Array.from(weights);
    this.#width = times.length ? weights.length / times.length : 0;
    this.#starts = starts;
  }

  /** Seconds until it is over. */
  get duration() {
    return this.#times.length ? this.#times[this.#times.length - 1] : 0;
  }

  /**
   * When a word is said.
   *
   * @param {number} index where it begins in the text
   * @returns {number | undefined} seconds
   */
  start(index) {
    return this.#starts.get(index);
  }

  /**
   * Adds the weights of a moment.
   *
   * @param {number} time seconds
   * @param {Float64Array} out
   */
  add(time, out) {
    const times = this.#times;
    if (!(time >= times[0] && time <= this.duration)) return;
    let [low, high] = [0, times.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle;
      else high = middle;
    }
    const way = smooth((time - times[low]) / (times[high] - times[low] || 1));
    const [one, two] = [low * this.#width, high * this.#width];
    for (let i = 0; i < this.#width; i++)
      out[i] += (1 - way) * this.#weights[one + i] + way * this.#weights[two + i];
  }
}

/**
 * The track of a text: each mouth stays for a moment, and goes over into the next; lips that close do so wholly.
 *
 * @param {string} text English
 * @param {Channels} channels
 * @param {Record<string, Record<string, number>>} visemes of expressions.json
 * @param {number} [rate] against that of calm speech
 */
export function spoken(text, channels, visemes, rate = 1) {
  // From rest, and back to it.
  const rest = { viseme: 'sil', beats: 1, index: -1 };
  const all = [rest, ...sounds(text), rest];
  const own = all.map(({ viseme }) => channels.weights(visemes[viseme]));
  const lengths = all.map(({ beats }) => (beats * BEAT) / rate);
  const half = (/** @type {number} */ i) => (WAY / 2) * Math.min(lengths[i], lengths[i + 1] ?? 0);
  const times = [];
  const weights = [];
  const starts = new Map();
  let time = 0;
  for (let i = 0; i < all.length; i++) {
    const { viseme, index } = all[i];
    const share = OWN[viseme] ?? 1;
    const mouth = own[i].map((x, k) => {
      const neighbours = ((own[i - 1] ?? own[i])[k] + (own[i + 1] ?? own[i])[k]) / 2;
      return share * x + (1 - share) * neighbours;
    });
    if (!starts.has(index)) starts.set(index, time);
    times.push(time + (i ? half(i - 1) : 0), time + lengths[i] - half(i));
    weights.push(...mouth, ...mouth);
    time += lengths[i];
  }
  return new Track(times, weights, starts);
}
