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

const MESH = 468;
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

export class Head {
  #expressions;
  #framing;
  #points = new Float64Array(3 * (MESH + 10));
  /** The jaw's share of each point. */
  #jaw = new Float64Array(MESH);

  /**
   * @param {Expressions} expressions the content of expressions.json
   * @param {Framing} framing the content of framing.json
   */
  constructor(expressions, framing) {
    this.#expressions = expressions;
    this.#framing = framing;
    const { points, values } = expressions.jaw;
    points.forEach((point, i) => (this.#jaw[point] = values[i]));
  }

  /**
   * The 478 landmarks of a face as the renderer's camera sees it: fractions of the frame, y down; z in the
   * unit of x, smaller is nearer.
   *
   * @param {Face} face
   * @param {Float32Array | Float64Array} out 478 * 3 numbers
   */
  landmarks(face, out = new Float32Array(this.#points.length)) {
    const points = this.#points;
    points.set(this.#expressions.rest);
    for (const name in face.expression) this.#displace(name, face.expression[name]);
    this.#turnJaw(face.expression.jaw ?? 0);
    SIDES.forEach((side, i) => this.#placeEye(side, i, face.gaze));
    this.#project(face.pose, out);
    return out;
  }

  /** @type {(name: string, weight: number) => void} */
  #displace(name, weight) {
    const channel = this.#expressions.channels[name];
    if (!channel || !weight) return;
    const { points, values } = channel;
    for (let i = 0; i < points.length; i++)
      for (let k = 0; k < 3; k++) this.#points[3 * points[i] + k] += weight * values[3 * i + k];
  }

  /** @param {number} weight */
  #turnJaw(weight) {
    if (!weight) return;
    const { joint, degrees } = this.#expressions.jaw;
    const points = this.#points;
    for (let i = 0; i < MESH; i++) {
      const share = this.#jaw[i];
      if (!share) continue;
      const angle = (degrees * Math.PI * weight * share) / 180;
      const [y, z] = [points[3 * i + 1] - joint[1], points[3 * i + 2] - joint[2]];
      points[3 * i + 1] = Math.cos(angle) * y - Math.sin(angle) * z + joint[1];
      points[3 * i + 2] = Math.sin(angle) * y + Math.cos(angle) * z + joint[2];
    }
  }

  /**
   * Moves lids out of an eyeball, and puts its iris where it looks.
   *
   * @param {'right' | 'left'} side
   * @param {number} index
   * @param {number[]} gaze
   */
  #placeEye(side, index, [right, up]) {
    const { radius, iris, degrees, centers } = this.#expressions.eyes;
    const [cx, cy, cz] = centers[side];
    const points = this.#points;
    for (let i = 0; i < 3 * MESH; i += 3) {
      const [x, y, z] = [points[i] - cx, points[i + 1] - cy, points[i + 2] - cz];
      const distance = Math.hypot(x, y, z);
      if (distance >= radius + LID || distance <= LEAST) continue;
      const factor = (radius + LID) / distance;
      points[i] = cx + x * factor;
      points[i + 1] = cy + y * factor;
      points[i + 2] = cz + z * factor;
    }
    const [a, b] = [right * degrees[0], up * degrees[1]].map((angle) => (angle * Math.PI) / 180);
    const depth = Math.sqrt(radius ** 2 - iris ** 2);
    RING.forEach(([u, v], i) => {
      const [x, y, z] = [u * iris, v * iris, u || v ? depth : radius];
      const [lifted, forward] = [
        Math.cos(b) * y + Math.sin(b) * z,
        -Math.sin(b) * y + Math.cos(b) * z,
      ];
      const at = 3 * (MESH + 5 * index + i);
      points[at] = cx + Math.cos(a) * x + Math.sin(a) * forward;
      points[at + 1] = cy + lifted;
      points[at + 2] = cz - Math.sin(a) * x + Math.cos(a) * forward;
    });
  }

  /**
   * camera.py's rotation about the pivot (nod, turn, tilt) and its projection.
   *
   * @type {(pose: number[], out: Float32Array | Float64Array) => void}
   */
  #project(pose, out) {
    const { pivot, camera } = this.#framing;
    const [a, b, c] = pose.map((degrees) => (degrees * Math.PI) / 180);
    const points = this.#points;
    for (let i = 0; i < points.length; i += 3) {
      const [x, y, z] = [points[i] - pivot[0], points[i + 1] - pivot[1], points[i + 2] - pivot[2]];
      const [y1, z1] = [Math.cos(a) * y - Math.sin(a) * z, Math.sin(a) * y + Math.cos(a) * z];
      const [x2, z2] = [Math.cos(b) * x + Math.sin(b) * z1, -Math.sin(b) * x + Math.cos(b) * z1];
      const [x3, y3] = [Math.cos(c) * x2 - Math.sin(c) * y1, Math.sin(c) * x2 + Math.cos(c) * y1];
      const size = camera.distance / (camera.distance - z2) / camera.span;
      out[i] = camera.center[0] + x3 * size;
      out[i + 1] = camera.center[1] - y3 * size;
      out[i + 2] = -z2 * size;
    }
  }
}
