/**
 * How many frames the generator may be spared, by what frames have taken: at the latest each so manieth is its own
 * (keyframe.js). All of them are, until there are fewer frames a second than motion needs; then every second, third,
 * fourth; and back when there is time.
 */
import { IGNORED_MS } from './tuning.js';

export const MOST = 4;
/**
 * By how much a keyframe's limits are wider on a device that is slow: what it would show instead, while the generator
 * is at work, is the last picture unmoved.
 */
export const SLACK = 3;
/** Frames a second below which motion is no motion, and more of the generator's would not be seen. */
const ENOUGH = 24;
/** Frames between two decisions, at most. */
export const WINDOW = 24;
/** How long it stays, at least, before the generator is given more; milliseconds. */
export const REST_MS = 5000;
// Shares of the time that a frame may take: above the one the generator is given less; below the other, which is what
// a frame would take then, it is given more.
const LESS = 1.1;
const MORE = 0.75;
// No more times that is counted of one frame: what is rare, such as a shader that is compiled, decides nothing.
const COUNTED = 4;
// A device that makes few frames is asked for a decision in time, too.
const WINDOW_MS = 2000;
const LEAST = 8;

export class Pace {
  #made = { count: 0, ms: 0 };
  #moved = { count: 0, ms: 0 };
  /** When the frames began that are counted. */
  #began = NaN;
  #changed = -Infinity;
  every = 1;

  /**
   * Takes a frame's time.
   *
   * @param {number} ms from its landmarks until it is ready
   * @param {boolean} isMade whether it is the generator's
   * @param {number} interval milliseconds from frame to frame that are asked for
   * @param {number} now milliseconds
   * @returns {boolean} whether `every` changed
   */
  measured(ms, isMade, interval, now) {
    if (Number.isNaN(this.#began)) this.#began = now + IGNORED_MS;
    if (now < this.#began) return false;
    const kind = isMade ? this.#made : this.#moved;
    const budget = Math.max(interval, 1000 / ENOUGH);
    kind.count++;
    kind.ms += Math.min(ms, COUNTED * budget);
    const count = this.#made.count + this.#moved.count;
    if (count < LEAST || (count < WINDOW && now - this.#began < WINDOW_MS)) return false;
    this.#began = now;
    const every = next(this.every, this.#made, this.#moved, budget);
    this.#made = { count: 0, ms: 0 };
    this.#moved = { count: 0, ms: 0 };
    if (every === this.every) return false;
    if (every < this.every && now - this.#changed < REST_MS) return false;
    this.every = every;
    this.#changed = now;
    return true;
  }
}

/**
 * @typedef {{count: number, ms: number}} Frames  how many, and what they took together
 * @param {number} every
 * @param {Frames} made
 * @param {Frames} moved
 * @param {number} budget milliseconds that a frame may take
 */
function next(every, made, moved, budget) {
  const count = made.count + moved.count;
  if (every < MOST && (made.ms + moved.ms) / count > LESS * budget) return every + 1;
  if (every === 1 || !made.count) return every;
  // Of the generator's frames some were due before their turn.
  const share = Math.min(1, ((made.count / count) * every) / (every - 1));
  const each = moved.count ? moved.ms / moved.count : 0;
  const then = share * (made.ms / made.count) + (1 - share) * each;
  return then < MORE * budget ? every - 1 : every;
}
