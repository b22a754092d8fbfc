/**
 * The shape of a person's face, learnt while it is seen, gives way to the canonical one: what is left is how
 * the head is turned and what the face does. A generator takes a long chin for a nod; of a face that is
 * always the same it can tell one from the other.
 *
 * Shapes are compared on the canonical face, where pose, size and place are none. What a person looks like is
 * a mean over time, in which a face counts the less, the further it is from it: one that laughs or turns away
 * is of little weight. Eyes and lips are only moved, and a jaw that is open is none of the shape: what they
 * show is theirs, to the millimetre. Nose, cheeks and forehead are held: whatever a face does, they move little,
 * and what a tracker has them do beside is its error, which looks like a turn of the head.
 *
 * @import {Expressions} from './head.js'
 * @import {Framing} from './procrustes.js'
 */
import { channelNames, Head } from './head.js';
import { Similarity, TrainingFrame, UPRIGHT } from './procrustes.js';
import {
  BROW_LEFT,
  BROW_RIGHT,
  EYE_LEFT,
  EYE_RIGHT,
  LANDMARKS,
  LIPS_INNER,
  LIPS_OUTER,
  MESH,
} from './topology.js';

const LENGTH = 3 * LANDMARKS;
/** A face that is so far from the mean, centimetres (root mean square of its points), counts half. */
const FAR = 0.1;
/** Seconds that the mean stands for: of the first face, and at most. */
const FIRST = 0.04;
const MEMORY = 10;
/** Seconds from face to face, of which more is no evidence, and after which the next is another person. */
const STEP = 0.25;
const GONE = 2;
const range = (/** @type {number} */ first, /** @type {number} */ end) =>
  Array.from({ length: end - first }, (_, i) => first + i);
/** What is moved as a whole. */
const WHOLES = [
  [...LIPS_INNER, ...LIPS_OUTER],
  [...EYE_RIGHT, ...range(MESH, MESH + 5)],
  [...EYE_LEFT, ...range(MESH + 5, LANDMARKS)],
];
/** Centimetres: a point that no expression moves so far is held, the more the less it is moved. */
const FREE = 2;
/** The middle of the inner upper lip, and of the lower one. */
const [UPPER, LOWER] = [13, 14];

export class FaceShape {
  #frame;
  #rest;
  /** What an open jaw adds to it. */
  #jaw;
  /** How much of what a point does besides a jaw that opens is held back, 0 to 1. */
  #holds = new Float64Array(LANDMARKS);
  #placement = new Similarity();
  #points = new Float64Array(LENGTH);
  /** From the face at rest to the person's. */
  #mean = new Float64Array(LENGTH);
  #offset = new Float64Array(LENGTH);
  #middle = new Float64Array(3);
  /** Seconds that the mean stands for. */
  #trust = 0;
  #time = NaN;
  /** How much of the person's own shape stays, 0 to 1. */
  likeness = 0;

  /**
   * @param {Expressions} expressions the content of expressions.json
   * @param {Framing} framing the content of framing.json
   */
  constructor(expressions, framing) {
    this.#frame = new TrainingFrame(framing);
    const head = new Head(expressions, framing);
    const shapeOf = (/** @type {Record<string, number>} */ expression) => {
      const face = head.landmarks(
        { expression, gaze: [0, 0], pose: [0, 0, 0] },
        new Float64Array(LENGTH),
      );
      this.#frame.placement(face, 1, this.#placement);
      return this.#shape(face, new Float64Array(LENGTH));
    };
    this.#rest = shapeOf({});
    const fieldOf = (/** @type {string} */ name) =>
      shapeOf({ [name]: 1 }).map((value, i) => value - this.#rest[i]);
    this.#jaw = fieldOf('jaw');
    const fields = channelNames(expressions).map(fieldOf);
    for (let i = 0; i < MESH; i++) {
      const most = Math.max(...fields.map((field) => Math.hypot(...field.slice(3 * i, 3 * i + 3))));
      this.#holds[i] = Math.max(0, 1 - most / FREE);
    }
    for (const point of [...BROW_RIGHT, ...BROW_LEFT, ...WHOLES.flat()]) this.#holds[point] = 0;
  }

  /** The next face is another person's. */
  reset() {
    this.#time = NaN;
  }

  /**
   * Takes a person's shape out of landmarks, in place.
   *
   * @param {Float32Array | Float64Array} landmarks 478 * 3 numbers, as the generator's frame has them
   * @param {number} time milliseconds
   */
  apply(landmarks, time) {
    this.#frame.placement(landmarks, 1, this.#placement);
    this.#learn(this.#shape(landmarks, this.#points), time);
    this.#offsetOf();
    const { scale, rotation: r } = this.#placement;
    const offset = this.#offset;
    const share = (1 - this.likeness) * scale;
    const [points, rest, jaw] = [this.#points, this.#rest, this.#jaw];
    const open = Math.max(0, (gapOf(points) - gapOf(rest)) / gapOf(jaw));
    for (let i = 0; i < LENGTH; i++) {
      const besides = points[i] - rest[i] - open * jaw[i] - offset[i];
      offset[i] += this.#holds[Math.floor(i / 3)] * besides;
    }
    for (let i = 0; i < LENGTH; i += 3)
      for (let k = 0; k < 3; k++) {
        const along =
          r[3 * k] * offset[i] + r[3 * k + 1] * offset[i + 1] + r[3 * k + 2] * offset[i + 2];
        landmarks[i + k] -= UPRIGHT[k] * share * along;
      }
  }

  /** @type {(landmarks: ArrayLike<number>, out: Float64Array) => Float64Array} */
  #shape(landmarks, out) {
    for (let i = 0; i < LENGTH; i++) out[i] = UPRIGHT[i % 3] * landmarks[i];
    this.#placement.inverse(out, out);
    return out;
  }

  /** @type {(shape: Float64Array, time: number) => void} */
  #learn(shape, time) {
    const seconds = (time - this.#time) / 1000;
    this.#time = time;
    const [mean, rest] = [this.#mean, this.#rest];
    if (!(seconds >= 0 && seconds < GONE)) {
      for (let i = 0; i < LENGTH; i++) mean[i] = shape[i] - rest[i];
      this.#trust = FIRST;
      return;
    }
    let square = 0;
    for (let i = 0; i < LENGTH; i++) square += (shape[i] - rest[i] - mean[i]) ** 2;
    const weight = Math.min(seconds, STEP) / (1 + square / LANDMARKS / FAR ** 2);
    const way = weight / (this.#trust + weight);
    for (let i = 0; i < LENGTH; i++) mean[i] += way * (shape[i] - rest[i] - mean[i]);
    this.#trust = Math.min(this.#trust + weight, MEMORY);
  }

  /** What is taken out: the mean without an open jaw, of which eyes and lips are only moved. */
  #offsetOf() {
    const [mean, jaw, offset, middle] = [this.#mean, this.#jaw, this.#offset, this.#middle];
    const open = Math.max(0, gapOf(mean) / gapOf(jaw));
    for (let i = 0; i < LENGTH; i++) offset[i] = mean[i] - open * jaw[i];
    for (let w = 0; w < WHOLES.length; w++) {
      const points = WHOLES[w];
      middle.fill(0);
      for (let i = 0; i < points.length; i++)
        for (let k = 0; k < 3; k++) middle[k] += offset[3 * points[i] + k] / points.length;
      for (let i = 0; i < points.length; i++)
        for (let k = 0; k < 3; k++) offset[3 * points[i] + k] = middle[k];
    }
  }
}

/** How far apart the lips are, or a field moves them. @param {Float64Array} points */
function gapOf(points) {
  return points[3 * UPPER + 1] - points[3 * LOWER + 1];
}
