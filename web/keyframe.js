/**
 * When a picture must come from the generator, and when the last one, moved with the face, is as good.
 *
 * No DOM; a frame allocates nothing.
 */
import { LANDMARKS } from '../face/topology.js';

const [FOREHEAD, CHIN] = [10, 152];
/**
 * What a mesh can't show, because the last picture has nothing of it. Of two points of lips, of lids, of an eye and
 * its iris: by how much of the face's height the one may move from the other (of a face of 160 pixels two and a half,
 * three, and one and a half pixels). Of any landmark: how far it may go, in shares of the picture, before what was
 * hidden behind the head shows, and light falls otherwise; five pixels of 256. scripts/keyframe_limits.py has what
 * others come to.
 *
 * @typedef {{mouth: number, lids: number, gaze: number, motion: number}} Limits
 */
/** @type {Limits} */
export const LIMITS = { mouth: 0.015, lids: 0.02, gaze: 0.01, motion: 0.02 };
/** @type {{one: number, other: number, limit: 'mouth' | 'lids' | 'gaze'}[]} */
const OPENINGS = [
  { one: 13, other: 14, limit: 'mouth' },
  { one: 159, other: 145, limit: 'lids' },
  { one: 386, other: 374, limit: 'lids' },
  { one: 468, other: 33, limit: 'gaze' },
  { one: 473, other: 263, limit: 'gaze' },
];

export class Keyframe {
  /** Of the last picture that the generator made: 478 * 3 numbers. */
  landmarks = new Float32Array(3 * LANDMARKS);
  #limits;
  /** Frames since then. */
  #age = Infinity;

  /** @param {Limits} [limits] */
  constructor(limits = LIMITS) {
    this.#limits = limits;
  }

  /** Whatever comes next is due. */
  forget() {
    this.#age = Infinity;
  }

  /** @param {ArrayLike<number>} landmarks of a picture that the generator made */
  take(landmarks) {
    this.landmarks.set(landmarks);
    this.#age = 0;
  }

  /**
   * Whether the next frame must come from the generator. To be asked once a frame.
   *
   * @param {ArrayLike<number>} landmarks of the next frame
   * @param {number} every at the latest each so many frames
   * @param {number} [slack] by how much the limits are wider
   */
  isDue(landmarks, every, slack = 1) {
    this.#age++;
    return this.#age >= every || this.#opens(landmarks, slack) || this.#moves(landmarks, slack);
  }

  /** @type {(now: ArrayLike<number>, slack: number) => boolean} */
  #opens(now, slack) {
    const then = this.landmarks;
    const height = across(then, FOREHEAD, CHIN, 0) ** 2 + across(then, FOREHEAD, CHIN, 1) ** 2;
    for (let i = 0; i < OPENINGS.length; i++) {
      const { one, other, limit } = OPENINGS[i];
      const most = slack * this.#limits[limit];
      const x = across(now, one, other, 0) - across(then, one, other, 0);
      const y = across(now, one, other, 1) - across(then, one, other, 1);
      if (x * x + y * y > most * most * height) return true;
    }
    return false;
  }

  /** @type {(now: ArrayLike<number>, slack: number) => boolean} */
  #moves(now, slack) {
    const then = this.landmarks;
    const motion = slack * this.#limits.motion;
    for (let i = 0; i < then.length; i += 3) {
      const x = now[i] - then[i];
      const y = now[i + 1] - then[i + 1];
      if (x * x + y * y > motion * motion) return true;
    }
    return false;
  }
}

/** @type {(landmarks: ArrayLike<number>, one: number, other: number, k: number) => number} */
const across = (landmarks, one, other, k) => landmarks[3 * one + k] - landmarks[3 * other + k];
