/**
 * From what the tracker found to the face that the director has: smoothed, placed as the generator's frame has it, and
 * of the shape that the generator knows best.
 *
 * @import {LandmarkFilter} from '../face/filter.js'
 * @import {TrainingFrame} from '../face/procrustes.js'
 * @import {FaceShape} from '../face/shape.js'
 * @import {Director} from './director.js'
 * @import {Found} from './tracker_worker.js'
 */

import { FaceError } from '../face/procrustes.js';

export class Follower {
  #director;
  #filter;
  #frame;
  #shape;
  #placed = new Float32Array(478 * 3);

  /** @param {{director: Director, filter: LandmarkFilter, frame: TrainingFrame, shape: FaceShape}} parts */
  constructor({ director, filter, frame, shape }) {
    this.#director = director;
    this.#filter = filter;
    this.#frame = frame;
    this.#shape = shape;
  }

  /**
   * Follows a picture's face, or that there is none.
   *
   * @param {Pick<Found, 'time' | 'aspect' | 'landmarks'>} found its landmarks are smoothed in place
   * @param {number} now milliseconds
   */
  follow({ time, aspect, landmarks }, now) {
    if (landmarks && this.#isPlaced(landmarks, aspect, time))
      return this.#director.found(this.#placed, now);
    this.#filter.reset();
    this.#director.lost(now);
  }

  /**
   * Whether landmarks could be placed; points that are all on a line are no face.
   *
   * @type {(landmarks: Float32Array, aspect: number, time: number) => boolean}
   */
  #isPlaced(landmarks, aspect, time) {
    try {
      this.#filter.apply(landmarks, time);
      this.#frame.place(landmarks, aspect, this.#placed);
      this.#shape.apply(this.#placed, time);
      return true;
    } catch (error) {
      if (error instanceof FaceError) return false;
      throw error;
    }
  }

  /** The face that comes next is another one. @param {number} now */
  end(now) {
    this.#filter.reset();
    this.#shape.reset();
    this.#director.end(now);
  }

  /** Time goes by without pictures. */
  pause() {
    this.#filter.reset();
  }
}
