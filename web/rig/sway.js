/**
 * A head and eyes at rest: they look at one thing after the other. The eyes jump there; the head follows,
 * and the eyes stay on what they look at.
 */
import { Spring } from './motion.js';
import { between } from './random.js';

/** Seconds from one thing to the next. */
export const INTERVAL = { least: 0.2, most: 5 };
/** How far a head goes, degrees each way: nods, turns, tilts. */
export const REACH = { down: 5.7, up: 2.3, turn: 14, tilt: 4.6 };
const HEAD_RATE = 6;
const EYE_RATE = 60;

export class Sway {
  #random;
  #left = 0;
  // Where to look, and how far the head is tilted there: -1 to 1, or shares of REACH.
  #turn = 0;
  #nod = 0;
  #tilt = 0;
  #head = [new Spring(HEAD_RATE), new Spring(HEAD_RATE), new Spring(HEAD_RATE)];
  #eyes = [new Spring(EYE_RATE), new Spring(EYE_RATE)];
  /** Pitch, yaw and roll of the head, degrees. */
  head = new Float64Array(3);
  /** Pitch and yaw of the line of sight, degrees. */
  sight = new Float64Array(2);

  /** @param {() => number} random */
  constructor(random) {
    this.#random = random;
    this.#left = between(random, INTERVAL.least, 1);
  }

  /** @param {number} seconds */
  step(seconds) {
    while (seconds >= this.#left) {
      this.#follow(this.#left);
      seconds -= this.#left;
      this.#choose();
    }
    this.#left -= seconds;
    this.#follow(seconds);
    for (let i = 0; i < 3; i++) this.head[i] = this.#head[i].value;
    for (let i = 0; i < 2; i++) this.sight[i] = this.#eyes[i].value;
  }

  #choose() {
    const random = this.#random;
    this.#left = Math.exp(between(random, Math.log(INTERVAL.least), Math.log(INTERVAL.most)));
    this.#nod = between(random, -REACH.up, REACH.down);
    this.#turn = between(random, -REACH.turn, REACH.turn);
    this.#tilt = between(random, -REACH.tilt, REACH.tilt);
  }

  /** @param {number} seconds */
  #follow(seconds) {
    this.#head[0].step(this.#nod, seconds);
    this.#head[1].step(this.#turn, seconds);
    this.#head[2].step(this.#tilt, seconds);
    this.#eyes[0].step(this.#nod, seconds);
    this.#eyes[1].step(this.#turn, seconds);
  }
}

/**
 * Turns points rigidly.
 *
 * @param {Float32Array | Float64Array} points of a picture: y down, smaller z nearer; they are written
 * @param {ArrayLike<number>} pivot upright: y up, larger z nearer
 * @param {ArrayLike<number>} r a rotation, row by row
 */
export function turn(points, pivot, r) {
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i] - pivot[0];
    const y = -points[i + 1] - pivot[1];
    const z = -points[i + 2] - pivot[2];
    points[i] = pivot[0] + r[0] * x + r[1] * y + r[2] * z;
    points[i + 1] = -(pivot[1] + r[3] * x + r[4] * y + r[5] * z);
    points[i + 2] = -(pivot[2] + r[6] * x + r[7] * y + r[8] * z);
  }
}
