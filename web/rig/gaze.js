/**
 * Where the eyes look.
 *
 * @import {Expressions} from '../../face/head.js'
 * @import {Similarity} from '../../face/procrustes.js'
 */
import { placeIris } from '../../face/head.js';

const IRIS = [468, 473];
/** The corners of each eye. */
const CORNERS = [
  [33, 133],
  [263, 362],
];

/** @param {number} x */
const limited = (x) => Math.min(1, Math.max(-1, x));

export class Gaze {
  #eyes;
  /** Irises that look straight ahead, and those that look elsewhere. */
  #straight = new Float64Array(3 * 478);
  #turned = new Float64Array(3 * 478);
  /** How far an iris is from the middle of its eye's corners when it looks straight ahead. */
  #rest = new Float64Array(4);
  #look = new Float64Array(2);

  /** @param {Expressions} expressions */
  constructor({ eyes, rest }) {
    this.#eyes = eyes;
    this.#straight.set(rest);
    for (const side of [0, 1]) {
      placeIris(eyes, side, [0, 0], this.#straight);
      for (const k of [0, 1]) this.#rest[2 * side + k] = offset(this.#straight, side, k);
    }
  }

  /** The landmarks of the face at rest, its irises straight ahead. */
  get straight() {
    return this.#straight;
  }

  /**
   * The gaze of eyes in a head that is turned.
   *
   * @param {ArrayLike<number>} sight pitch and yaw of the line of sight, degrees
   * @param {ArrayLike<number>} pose pitch and yaw of the head
   * @param {Float64Array} out right and up, -1 to 1
   */
  within(sight, pose, out) {
    out[0] = limited((sight[1] - pose[1]) / this.#eyes.degrees[0]);
    out[1] = limited((pose[0] - sight[0]) / this.#eyes.degrees[1]);
  }

  /**
   * Adds how irises are displaced by a gaze.
   *
   * @param {ArrayLike<number>} gaze right and up
   * @param {Float64Array} field
   */
  add(gaze, field) {
    if (!gaze[0] && !gaze[1]) return;
    for (let side = 0; side < 2; side++) {
      placeIris(this.#eyes, side, gaze, this.#turned);
      for (let i = 3 * IRIS[side]; i < 3 * (IRIS[side] + 5); i++)
        field[i] += this.#turned[i] - this.#straight[i];
    }
  }

  /**
   * Adds what brings a person's irises to where they look at the viewer.
   *
   * @param {number} share of the way, 0 to 1
   * @param {ArrayLike<number>} points the person's, in the canonical face's centimetres
   * @param {Similarity} placement of them
   * @param {Float64Array} field
   */
  addContact(share, points, { rotation: r }, field) {
    if (!share) return;
    const { degrees } = this.#eyes;
    this.#look[0] = limited((Math.atan2(r[6], r[8]) * 180) / Math.PI / degrees[0]);
    this.#look[1] = limited((Math.atan2(r[7], r[8]) * 180) / Math.PI / degrees[1]);
    for (let side = 0; side < 2; side++) {
      placeIris(this.#eyes, side, this.#look, this.#turned);
      for (let k = 0; k < 2; k++) {
        const at = 3 * IRIS[side] + k;
        const wish = this.#turned[at] - this.#straight[at];
        const now = offset(points, side, k) - this.#rest[2 * side + k];
        for (let i = 0; i < 5; i++) field[at + 3 * i] += share * (wish - now);
      }
    }
  }
}

/** @type {(points: ArrayLike<number>, side: number, k: number) => number} */
function offset(points, side, k) {
  const [one, other] = CORNERS[side];
  return points[3 * IRIS[side] + k] - (points[3 * one + k] + points[3 * other + k]) / 2;
}
