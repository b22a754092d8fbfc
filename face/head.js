/**
 * A face that moves without a camera: the renderer's displacements, as expressions.json has them, and its
 * camera.
 *
 * Nothing is loaded here: the page passes the parsed expressions.json and framing.json.
 *
 * @import {Framing} from './procrustes.js'
 * @typedef {{points: number[], values: number[]}} Sparse  points, and what they have, one after the other
 * @typedef {{format: number, rest: number[], channels: Record<string, Sparse>, jaw: Sparse & {joint:
 *   number[], degrees: number}, eyes: {radius: number, iris: number, degrees: number[], centers: {right:
 *   number[], left: number[]}}, visemes: Record<string, Record<string, number>>, emotions: Record<string,
 *   Record<string, number>>}} Expressions  lengths in centimetres of the canonical face: x to the viewer's
 *   right, y up, z to the viewer
 * @typedef {{expression: Record<string, number>, gaze: number[], pose: number[]}} Face  weights of channels
 *     and of `jaw`, 0 to 1; the gaze right and up as the viewer sees it, -1 to 1; pitch, yaw and roll in
 *   degrees: positive pitch looks down, positive yaw turns to the viewer's right, positive roll tilts
 *   counter-clockwise
 */
import { MESH } from './topology.js';

const SIDES = /** @type {const} */ (['right', 'left']);
// Lids stay that far in front of an eyeball; what is nearer to its centre than LEAST is not of a lid.
const LID = 0.05;
const LEAST = 0.3;
// Centre, right, top, left, bottom of an iris.
const RING = [
  [0, 0],
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
];

/**
 * The names of the channels in the order of weights: those of expressions.json, then `jaw`.
 *
 * @param {Expressions} expressions
 */
export const channelNames = ({ channels }) => [...Object.keys(channels), 'jaw'];

export class Head {
  #expressions;
  #framing;
  #names;
  #channels;
  #weights;
  #points = new Float64Array(3 * (MESH + 10));
  #rotation = new Float64Array(9);

  /**
   * @param {Expressions} expressions the content of expressions.json
   * @param {Framing} framing the content of framing.json
   */
  constructor(expressions, framing) {
    this.#expressions = expressions;
    this.#framing = framing;
    this.#names = channelNames(expressions);
    this.#channels = Object.values(expressions.channels);
    this.#weights = new Float64Array(this.#names.length);
  }

  /**
   * The 478 landmarks of a face as the renderer's camera sees it: fractions of the frame, y down; z in the
   * unit of x, smaller is nearer.
   *
   * @param {Face} face
   * @param {Float32Array | Float64Array} out 478 * 3 numbers
   */
  landmarks({ expression, gaze, pose }, out = new Float32Array(this.#points.length)) {
    for (let i = 0; i < this.#names.length; i++) this.#weights[i] = expression[this.#names[i]] ?? 0;
    return this.move(this.#weights, gaze, pose, out);
  }

  /**
   * The same, of weights in the order of `channelNames`; allocates nothing.
   *
   * @param {Float64Array} weights
   * @param {ArrayLike<number>} gaze
   * @param {ArrayLike<number>} pose
   * @param {Float32Array | Float64Array} out 478 * 3 numbers
   */
  move(weights, gaze, pose, out) {
    this.#points.set(this.#expressions.rest);
    for (let i = 0; i < this.#channels.length; i++)
      if (weights[i]) displace(this.#channels[i], weights[i], this.#points);
    turnJaw(this.#expressions.jaw, weights[this.#channels.length], this.#points, this.#points);
    for (let i = 0; i < SIDES.length; i++) this.#placeEye(i, gaze);
    this.#project(pose, out);
    return out;
  }

  /**
   * Moves lids out of an eyeball, and puts its iris where it looks.
   *
   * @param {number} index 0: right, 1: left
   * @param {ArrayLike<number>} gaze
   */
  #placeEye(index, gaze) {
    const { radius, centers } = this.#expressions.eyes;
    const center = centers[SIDES[index]];
    const points = this.#points;
    for (let i = 0; i < 3 * MESH; i += 3) {
      const x = points[i] - center[0];
      const y = points[i + 1] - center[1];
      const z = points[i + 2] - center[2];
      const distance = Math.sqrt(x * x + y * y + z * z);
      if (distance >= radius + LID || distance <= LEAST) continue;
      const factor = (radius + LID) / distance;
      points[i] = center[0] + x * factor;
      points[i + 1] = center[1] + y * factor;
      points[i + 2] = center[2] + z * factor;
    }
    placeIris(this.#expressions.eyes, index, gaze, points);
  }

  /**
   * camera.py's rotation about the pivot (nod, turn, tilt) and its projection.
   *
   * @type {(pose: ArrayLike<number>, out: Float32Array | Float64Array) => void}
   */
  #project(pose, out) {
    const { pivot, camera } = this.#framing;
    const r = rotationOf(pose, this.#rotation);
    const points = this.#points;
    for (let i = 0; i < points.length; i += 3) {
      const x = points[i] - pivot[0];
      const y = points[i + 1] - pivot[1];
      const z = points[i + 2] - pivot[2];
      const right = r[0] * x + r[1] * y + r[2] * z;
      const up = r[3] * x + r[4] * y + r[5] * z;
      const near = r[6] * x + r[7] * y + r[8] * z;
      const size = camera.distance / (camera.distance - near) / camera.span;
      out[i] = camera.center[0] + right * size;
      out[i + 1] = camera.center[1] - up * size;
      out[i + 2] = -near * size;
    }
  }
}

/**
 * Moves the points of a channel.
 *
 * @param {Sparse} channel centimetres
 * @param {number} weight
 * @param {Float64Array} out 478 * 3 numbers
 */
export function displace({ points, values }, weight, out) {
  for (let i = 0; i < points.length; i++)
    for (let k = 0; k < 3; k++) out[3 * points[i] + k] += weight * values[3 * i + k];
}

/**
 * Moves points as a jaw that opens does.
 *
 * @param {Expressions['jaw']} jaw
 * @param {number} weight
 * @param {Float64Array} points 478 * 3 numbers, centimetres: where they are
 * @param {Float64Array} out what moves: the points themselves, or displacements
 */
export function turnJaw({ points: indices, values, joint, degrees }, weight, points, out) {
  if (!weight) return;
  for (let at = 0; at < indices.length; at++) {
    const i = 3 * indices[at];
    const angle = (degrees * Math.PI * weight * values[at]) / 180;
    const y = points[i + 1] - joint[1];
    const z = points[i + 2] - joint[2];
    out[i + 1] += (Math.cos(angle) - 1) * y - Math.sin(angle) * z;
    out[i + 2] += Math.sin(angle) * y + (Math.cos(angle) - 1) * z;
  }
}

/**
 * A head's rotation, row by row: a nod, then a turn, then a tilt.
 *
 * @param {ArrayLike<number>} pose pitch, yaw and roll, degrees
 * @param {Float64Array} out 9 numbers
 */
export function rotationOf(pose, out = new Float64Array(9)) {
  const a = (pose[0] * Math.PI) / 180;
  const b = (pose[1] * Math.PI) / 180;
  const c = (pose[2] * Math.PI) / 180;
  out[0] = Math.cos(c) * Math.cos(b);
  out[1] = Math.cos(c) * Math.sin(b) * Math.sin(a) - Math.sin(c) * Math.cos(a);
  out[2] = Math.cos(c) * Math.sin(b) * Math.cos(a) + Math.sin(c) * Math.sin(a);
  out[3] = Math.sin(c) * Math.cos(b);
  out[4] = Math.sin(c) * Math.sin(b) * Math.sin(a) + Math.cos(c) * Math.cos(a);
  out[5] = Math.sin(c) * Math.sin(b) * Math.cos(a) - Math.cos(c) * Math.sin(a);
  out[6] = -Math.sin(b);
  out[7] = Math.cos(b) * Math.sin(a);
  out[8] = Math.cos(b) * Math.cos(a);
  return out;
}

/**
 * Puts an eye's iris where it looks.
 *
 * @param {Expressions['eyes']} eyes
 * @param {number} index 0: right, 1: left
 * @param {ArrayLike<number>} gaze
 * @param {Float64Array} points 478 * 3 numbers; five of the points are written, centimetres
 */
export function placeIris({ radius, iris, degrees, centers }, index, gaze, points) {
  const center = centers[SIDES[index]];
  const a = (gaze[0] * degrees[0] * Math.PI) / 180;
  const b = (gaze[1] * degrees[1] * Math.PI) / 180;
  const depth = Math.sqrt(radius ** 2 - iris ** 2);
  for (let i = 0; i < RING.length; i++) {
    const x = RING[i][0] * iris;
    const y = RING[i][1] * iris;
    const z = i ? depth : radius;
    const forward = -Math.sin(b) * y + Math.cos(b) * z;
    const at = 3 * (MESH + RING.length * index + i);
    points[at] = center[0] + Math.cos(a) * x + Math.sin(a) * forward;
    points[at + 1] = center[1] + Math.cos(b) * y + Math.sin(b) * z;
    points[at + 2] = center[2] - Math.sin(a) * x + Math.cos(a) * forward;
  }
}
