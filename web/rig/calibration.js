/**
 * A person's neutral face: what they show when they show nothing becomes what the avatar shows then.
 *
 * @typedef {'none' | 'taking' | 'taken'} State
 */

/** Seconds that a neutral face is looked at, and faces, at least. */
export const SECONDS = 1.5;
const FACES = 10;
const DIGITS = 4;

export class Calibration {
  #rest;
  /** @type {Float64Array[]} */
  #faces = [];
  #seconds = 0;
  /** From the person's neutral face to the one at rest, centimetres of the canonical face. */
  offset;
  /** @type {State} */
  state = 'none';

  /** @param {ArrayLike<number>} rest 478 * 3 numbers */
  constructor(rest) {
    this.#rest = Float64Array.from(rest);
    this.offset = new Float64Array(rest.length);
  }

  /** Looks at a neutral face from now on. */
  begin() {
    this.reset();
    this.state = 'taking';
  }

  reset() {
    this.#faces = [];
    this.#seconds = 0;
    this.offset.fill(0);
    this.state = 'none';
  }

  /**
   * Takes a face, if one is to be taken. A blink among them does no harm: of each number the median counts.
   *
   * @param {Float64Array} points 478 * 3 numbers, centimetres of the canonical face
   * @param {number} seconds since the last one
   */
  take(points, seconds) {
    if (this.state !== 'taking') return;
    this.#faces.push(points.slice());
    this.#seconds += seconds;
    if (this.#seconds < SECONDS || this.#faces.length < FACES) return;
    const faces = this.#faces;
    const middle = faces.length >> 1;
    for (let i = 0; i < points.length; i++)
      this.offset[i] = this.#rest[i] - faces.map((face) => face[i]).sort((a, b) => a - b)[middle];
    this.#faces = [];
    this.state = 'taken';
  }

  /** What `restore` takes, to be kept for the next visit. */
  save() {
    return this.state === 'taken' ? Array.from(this.offset, (x) => Number(x.toFixed(DIGITS))) : [];
  }

  /** @param {unknown} saved what is none is left out */
  restore(saved) {
    if (!Array.isArray(saved) || saved.length !== this.offset.length) return;
    if (!saved.every(Number.isFinite)) return;
    this.offset.set(saved);
    this.state = 'taken';
  }
}
