/**
 * Weighted 3-D similarity between point sets, and with it any camera's face in one framing, as
 * procrustes.py has them.
 *
 * Points are numbers in a row: x, y and z of each. Nothing is loaded here: the page passes the
 * parsed framing.json. What is made once (a Fit, a TrainingFrame, results) serves for every frame;
 * no array is made then.
 *
 * @typedef {object} Anchor a landmark that moves little with the expression
 * @property {number} landmark
 * @property {number} weight
 * @property {number[]} position on the canonical face, centimetres
 * @typedef {object} Framing the content of framing.json, which framing.py explains
 * @property {number} format
 * @property {number[]} pivot where the head turns on the neck, centimetres
 * @property {{ distance: number, span: number, center: number[] }} camera centimetres from there to
 *    the pivot, centimetres that the frame's side spans at it, and where it lies in the frame
 * @property {Anchor[]} anchors
 */
import { IDENTITY, nearestRotation, norm, orthogonalize } from './svd.js';
import { LANDMARKS } from './topology.js';

/** Below this share of the largest spread, a second direction is rounding: points on a line. */
const SMALLEST_SPREAD = 1e-9;
/** Below this share of what both spreads allow, a second direction in common is rounding. */
const SMALLEST_STRETCH = 1e-14;
/** The canonical face has y up and z towards the viewer; a picture's landmarks the opposite. */
export const UPRIGHT = [1, -1, -1];

/** Landmarks or points that say nothing of where a face is: which, and why. */
export class FaceError extends Error {
  name = 'FaceError';
}

/** x -> scale * rotation * x + translation; the rotation row by row. */
export class Similarity {
  scale = 1;
  rotation = Float64Array.from(IDENTITY);
  translation = new Float64Array(3);

  /**
   * Where points go.
   *
   * @param {ArrayLike<number>} points
   * @param {Float32Array | Float64Array} out is written to; it may be the points
   */
  forward(points, out = new Float64Array(points.length)) {
    const { scale, rotation: r, translation: t } = this;
    for (let i = 0; i < points.length; i += 3) {
      const x = points[i];
      const y = points[i + 1];
      const z = points[i + 2];
      for (let k = 0; k < 3; k++)
        out[i + k] = scale * (r[3 * k] * x + r[3 * k + 1] * y + r[3 * k + 2] * z) + t[k];
    }
    return out;
  }

  /**
   * Where points come from: inverse(forward(x)) = x.
   *
   * @param {ArrayLike<number>} points
   * @param {Float32Array | Float64Array} out is written to; it may be the points
   */
  inverse(points, out = new Float64Array(points.length)) {
    const { scale, rotation: r, translation: t } = this;
    for (let i = 0; i < points.length; i += 3) {
      const x = points[i] - t[0];
      const y = points[i + 1] - t[1];
      const z = points[i + 2] - t[2];
      for (let k = 0; k < 3; k++) out[i + k] = (r[k] * x + r[k + 3] * y + r[k + 6] * z) / scale;
    }
    return out;
  }
}

/**
 * Fits of one source to targets, by weights: Umeyama, "Least-squares estimation of transformation
 * parameters between two point patterns", IEEE TPAMI 13(4), 1991. It never mirrors.
 */
export class Fit {
  #weights;
  #source;
  #target;
  #covariance = new Float64Array(9);
  #left = new Float64Array(9);
  #right = new Float64Array(9);

  /**
   * @param {ArrayLike<number>} source
   * @param {ArrayLike<number>} weights one a point
   */
  constructor(source, weights) {
    this.#weights = shares(weights);
    this.#source = new Cloud('source', this.#weights).set(source);
    this.#target = new Cloud('target', this.#weights);
  }

  /**
   * The similarity that brings the source nearest to a target: the one with the least sum of
   * weight * |target - forward(source)|^2.
   *
   * @param {ArrayLike<number>} target
   * @param {Similarity} result is written to
   */
  to(target, result = new Similarity()) {
    const { middle, square } = this.#source;
    const { middle: goal, square: goalSquare } = this.#target.set(target);
    const covariance = this.#correlate();
    const first = nearestRotation(covariance, this.#left, this.#right, result.rotation);
    let stretch = 0;
    for (let i = 0; i < 9; i++) stretch += covariance[i] * result.rotation[i];
    if (!(stretch - first > SMALLEST_STRETCH * Math.sqrt(square * goalSquare)))
      throw new FaceError(
        'source and target have less than two directions in common: no rotation follows from ' +
          'them; give landmarks of a whole face.',
      );
    result.scale = stretch / square;
    result.forward(middle, result.translation.fill(0));
    for (let k = 0; k < 3; k++) result.translation[k] = goal[k] - result.translation[k];
    return result;
  }

  /** Means of target (rows) times source (columns). */
  #correlate() {
    const source = this.#source.offsets;
    const target = this.#target.offsets;
    this.#covariance.fill(0);
    for (let i = 0; i < source.length; i += 3)
      for (let k = 0; k < 9; k++)
        this.#covariance[k] +=
          this.#weights[i / 3] * target[i + Math.floor(k / 3)] * source[i + (k % 3)];
    return this.#covariance;
  }
}

/** Points by their weighted middle. */
class Cloud {
  middle = new Float64Array(3);
  /** The points from there. */
  offsets;
  /** The weighted mean of their squares. */
  square = 0;
  #name;
  #weights;
  #weighted;

  /**
   * @param {string} name
   * @param {Float64Array} weights whose sum is 1
   */
  constructor(name, weights) {
    this.#name = name;
    this.#weights = weights;
    this.offsets = new Float64Array(3 * weights.length);
    this.#weighted = new Float64Array(3 * weights.length);
  }

  /** @param {ArrayLike<number>} points that don't all lie on a line */
  set(points) {
    const { middle, offsets } = this;
    if (points.length !== offsets.length)
      throw new Error(`the ${this.#name} has ${points.length} numbers, not ${offsets.length}.`);
    middle.fill(0);
    for (let i = 0; i < offsets.length; i++)
      middle[i % 3] += this.#weights[Math.floor(i / 3)] * points[i];
    refuseUnlessFinite('points', middle);
    this.square = 0;
    for (let i = 0; i < offsets.length; i++) {
      offsets[i] = points[i] - middle[i % 3];
      this.#weighted[i] = Math.sqrt(this.#weights[Math.floor(i / 3)]) * offsets[i];
      this.square += this.#weighted[i] ** 2;
    }
    this.#refuseALine();
    return this;
  }

  #refuseALine() {
    orthogonalize(this.#weighted);
    const a = norm(this.#weighted, 0);
    const b = norm(this.#weighted, 1);
    const c = norm(this.#weighted, 2);
    const first = Math.max(a, b, c);
    const second = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    const [x, y, z] = this.middle;
    const far = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
    if (second <= SMALLEST_SPREAD * Math.max(first, far * 1e-3))
      throw new FaceError(
        `the ${this.#name} points lie on a line or in one place: no rotation follows from them; ` +
          'give landmarks of a whole face.',
      );
  }
}

/** Any camera's landmarks as the renderer frames a face. */
export class TrainingFrame {
  #camera;
  #landmarks;
  #fit;
  /** The pivot, and the anchors from there, on the canonical face. */
  #pivot;
  #offsets;
  #anchors;
  #seen = new Similarity();
  #usual = new Similarity();
  #turn = new Similarity();
  #from = new Float64Array(3);
  #to = new Float64Array(3);

  /** @param {Framing} framing the content of framing.json */
  constructor({ pivot, camera, anchors }) {
    const positions = Float64Array.from(anchors.flatMap(({ position }) => position));
    this.#camera = camera;
    this.#landmarks = anchors.map(({ landmark }) => landmark);
    this.#fit = new Fit(
      positions,
      anchors.map(({ weight }) => weight),
    );
    this.#pivot = pivot;
    this.#offsets = positions.map((value, i) => value - pivot[i % 3]);
    this.#anchors = new Float64Array(positions.length);
  }

  /**
   * Where a face is in a picture: from the canonical face's centimetres to upright landmarks, which
   * have its axes and one unit, the picture's width: x, -y / aspect, -z.
   *
   * @param {ArrayLike<number>} landmarks 478 * 3 numbers: fractions of the picture, y down
   * @param {number} aspect how many times as wide as high the picture is
   * @param {Similarity} result is written to
   */
  placement(landmarks, aspect = 1, result = new Similarity()) {
    if (landmarks.length !== 3 * LANDMARKS)
      throw new Error(`landmarks has the length ${landmarks.length}, not ${3 * LANDMARKS}.`);
    refuseUnlessFinite('landmarks', landmarks);
    for (let i = 0; i < this.#landmarks.length; i++)
      for (let k = 0; k < 3; k++)
        this.#anchors[3 * i + k] = upright(landmarks[3 * this.#landmarks[i] + k], k, aspect);
    return this.#fit.to(this.#anchors, result);
  }

  /**
   * Landmarks as the renderer frames a face: rotation and expression are kept; scale and position
   * become those of its usual frame, by a fit of the canonical face.
   *
   * @param {ArrayLike<number>} landmarks 478 * 3 numbers: fractions of the picture, y down
   * @param {number} aspect how many times as wide as high the picture is
   * @param {Float32Array | Float64Array} out is written to; it may be the landmarks
   */
  place(landmarks, aspect = 1, out = new Float64Array(landmarks.length)) {
    const seen = this.placement(landmarks, aspect, this.#seen);
    const usual = this.#usually(seen);
    const scale = usual.scale / seen.scale;
    const from = seen.forward(this.#pivot, this.#from);
    const to = usual.forward(this.#pivot, this.#to);
    for (let i = 0; i < landmarks.length; i++) {
      const k = i % 3;
      out[i] = UPRIGHT[k] * ((upright(landmarks[i], k, aspect) - from[k]) * scale + to[k]);
    }
    return out;
  }

  /**
   * Where the face would be in the usual frame. The renderer's camera is near: what it sees of a
   * face depends on how the head is turned.
   *
   * @param {Similarity} seen
   */
  #usually({ rotation }) {
    const { distance, span, center } = this.#camera;
    this.#turn.rotation.set(rotation);
    const points = this.#turn.forward(this.#offsets, this.#anchors);
    for (let i = 0; i < points.length; i += 3) {
      const size = distance / (distance - points[i + 2]) / span;
      points[i] = center[0] + points[i] * size;
      points[i + 1] = points[i + 1] * size - center[1];
      points[i + 2] *= size;
    }
    return this.#fit.to(points, this.#usual);
  }
}

/**
 * A coordinate of a landmark as the canonical face has it, in widths of the picture.
 *
 * @param {number} value
 * @param {number} k 0, 1, 2 for x, y, z
 * @param {number} aspect
 */
function upright(value, k, aspect) {
  return k === 1 ? (UPRIGHT[k] * value) / aspect : UPRIGHT[k] * value;
}

/**
 * Weights whose sum is 1.
 *
 * @param {ArrayLike<number>} weights
 */
function shares(weights) {
  const shares = Float64Array.from(weights);
  refuseUnlessFinite('weights', shares);
  const sum = shares.reduce((a, b) => a + b, 0);
  if (shares.some((weight) => weight < 0) || sum === 0)
    throw new Error('weights are below 0, or all of them 0.');
  return shares.map((weight) => weight / sum);
}

/**
 * @param {string} what
 * @param {ArrayLike<number>} numbers
 */
function refuseUnlessFinite(what, numbers) {
  for (let i = 0; i < numbers.length; i++)
    if (!Number.isFinite(numbers[i]))
      throw new FaceError(`${what} hold numbers that aren't finite; leave this face out.`);
}
