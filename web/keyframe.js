/**
 * When a picture must come from the generator, and when the last one, moved with the face, is as good.
 *
 * No DOM; a frame allocates nothing.
 */
import { LANDMARKS } from '../face/topology.js';

const [FOREHEAD, CHIN] = [10, 152];
// What a mesh can't show, because the last picture has nothing of it: pairs of points, and by how much of the face's
// height the one may move from the other. Of a face of 160 pixels these are three, two and one and a half.
const MOUTH = 0.02;
const LIDS = 0.0125;
// The mesh moves the lids, but not the irises between them.
const GAZE = 0.01;
const OPENINGS = [
  { one: 13, other: 14, most: MOUTH },
  { one: 159, other: 145, most: LIDS },
  { one: 386, other: 374, most: LIDS },
  { one: 468, other: 33, most: GAZE },
  { one: 473, other: 263, most: GAZE },
];
// A landmark that has gone further, in shares of the picture, has turned the head: what was hidden behind it, such as
// an ear, shows, and light falls otherwise. Eight pixels of 256.
const MOTION = 0.03;

export class Keyframe {
  /** Of the last picture that the generator made: 478 * 3 numbers. */
  landmarks = new Float32Array(3 * LANDMARKS);
  /** Frames since then. */
  #age = Infinity;

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
   */
  isDue(landmarks, every) {
    this.#age++;
    return this.#age >= every || this.#opens(landmarks) || this.#moves(landmarks);
  }

  /** @param {ArrayLike<number>} now */
  #opens(now) {
    const then = this.landmarks;
    const height = across(then, FOREHEAD, CHIN, 0) ** 2 + across(then, FOREHEAD, CHIN, 1) ** 2;
    for (let i = 0; i < OPENINGS.length; i++) {
      const { one, other, most } = OPENINGS[i];
      const x = across(now, one, other, 0) - across(then, one, other, 0);
      const y = across(now, one, other, 1) - across(then, one, other, 1);
      if (x * x + y * y > most * most * height) return true;
    }
    return false;
  }

  /** @param {ArrayLike<number>} now */
  #moves(now) {
    const then = this.landmarks;
    for (let i = 0; i < then.length; i += 3) {
      const x = now[i] - then[i];
      const y = now[i + 1] - then[i + 1];
      if (x * x + y * y > MOTION * MOTION) return true;
    }
    return false;
  }
}

/** @type {(landmarks: ArrayLike<number>, one: number, other: number, k: number) => number} */
const across = (landmarks, one, other, k) => landmarks[3 * one + k] - landmarks[3 * other + k];
