/**
 * Smooths landmarks over time: the one-euro filter (Casiez, Roussel, Vogel, "1 Euro Filter", CHI 2012), a
 * low-pass whose cutoff rises with speed, so that a face at rest does not tremble and one that moves does
 * not lag.
 *
 * Lids and inner lips pass nearly unfiltered: a blink lasts three frames.
 */
import { EYE_LEFT, EYE_RIGHT, LANDMARKS, LIPS_INNER, MESH } from './topology.js';

/** What MediaPipe's own face graph has. */
export const DEFAULTS = { minCutoff: 0.05, beta: 80, derivativeCutoff: 1 };
const QUICK_CUTOFF = 20; // Hz
/** Inner lips, lids of both eyes, irises. */
const QUICK = [...LIPS_INNER, ...EYE_RIGHT, ...EYE_LEFT];
for (let iris = MESH; iris < LANDMARKS; iris++) QUICK.push(iris);

export class LandmarkFilter {
  #values = new Float64Array(3 * LANDMARKS);
  #speeds = new Float64Array(3 * LANDMARKS);
  #least = new Float64Array(3 * LANDMARKS);
  #time = NaN;
  #beta;
  #derivativeCutoff;

  /**
   * @param {Partial<typeof DEFAULTS>} [options] cutoffs in Hz; `beta` per unit of the face's size a second
   */
  constructor(options = {}) {
    const { minCutoff, beta, derivativeCutoff } = { ...DEFAULTS, ...options };
    this.#beta = beta;
    this.#derivativeCutoff = derivativeCutoff;
    this.#least.fill(minCutoff);
    for (const point of QUICK) this.#least.fill(QUICK_CUTOFF, 3 * point, 3 * point + 3);
  }

  /** Forgets what was: the next landmarks stay as they are. */
  reset() {
    this.#time = NaN;
  }

  /**
   * Filters landmarks in place.
   *
   * @param {Float32Array} landmarks 478 * 3 numbers
   * @param {number} time in milliseconds; where it has not gone on, nothing changes
   */
  apply(landmarks, time) {
    const seconds = (time - this.#time) / 1000;
    if (!(seconds > 0)) {
      if (Number.isNaN(this.#time)) {
        this.#values.set(landmarks);
        this.#speeds.fill(0);
        this.#time = time;
      }
      return;
    }
    this.#time = time;
    const size = sizeOf(landmarks) || 1;
    const slow = weightOf(this.#derivativeCutoff, seconds);
    const [values, speeds, least] = [this.#values, this.#speeds, this.#least];
    for (let i = 0; i < landmarks.length; i++) {
      speeds[i] += slow * ((landmarks[i] - values[i]) / seconds / size - speeds[i]);
      const cutoff = least[i] + this.#beta * Math.abs(speeds[i]);
      values[i] += weightOf(cutoff, seconds) * (landmarks[i] - values[i]);
      landmarks[i] = values[i];
    }
  }
}

/**
 * How much of a step a low-pass of that cutoff takes at once.
 *
 * @param {number} cutoff Hz
 * @param {number} seconds
 */
function weightOf(cutoff, seconds) {
  return 1 / (1 + 1 / (2 * Math.PI * cutoff * seconds));
}

/** The mean side of the box around a face. @param {Float32Array} landmarks */
function sizeOf(landmarks) {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < landmarks.length; i += 3) {
    left = Math.min(left, landmarks[i]);
    right = Math.max(right, landmarks[i]);
    top = Math.min(top, landmarks[i + 1]);
    bottom = Math.max(bottom, landmarks[i + 1]);
  }
  return (right - left + bottom - top) / 2;
}
