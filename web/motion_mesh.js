/**
 * How a picture of the avatar moves with its face: a mesh whose points lie in the picture where the landmarks were
 * when it was made, and are drawn where they are now. The face moves with its landmarks; a ring around the hair
 * with the head, and less so below the chin, for a body does not turn. A wider ring, and the border, which lies
 * outside of the picture, stay where they are, and with them what is behind the head.
 *
 * No DOM; a frame allocates nothing.
 *
 * @import {Specification} from '../face/drawing.js'
 */
import { HeadMap } from '../face/drawing.js';
import { MESH } from '../face/topology.js';

/** The head's middle, on the canonical face, centimetres. */
const MIDDLE = [0, 2, -4];
// The ring lies on a plane through the middle that always faces the viewer, since what is seen of a head that
// turns keeps its outline. Centimetres from the middle: beyond the hair of outline.json; below, beyond a chin
// that is lowered.
const ASIDE = 11.3;
const ABOVE = 12.6;
const BELOW = 16;
/** Centimetres below the middle to which the ring moves with the head wholly. */
const NECK = 6;
/** Centimetres from that ring to the one that stays: more than a head goes between two frames of the generator. */
const GAP = 2.5;
/** How far outside of the picture the border lies, so that hair at its edge can move; a share of its side. */
const OUTSIDE = 0.25;
const RINGS = 2;
const CORNERS = 4;

export class MotionMesh {
  #head;
  /** The loop of the face, from the middle of the forehead on, clockwise as it is seen. */
  #loop;
  /** x and y of the rings from the middle, centimetres, y up, and how far each point moves with the head. */
  #rings;
  #then = new Float64Array(4);
  #now = new Float64Array(4);
  /** x and y, u and v of each point: of the mesh, the rings, the border, the corners; shares of the picture, y down. */
  vertices;
  /** Three points of each triangle, which run clockwise where it is seen from the front; the face is the last. */
  indices;

  /** @param {Specification} specification the content of drawing.json */
  constructor(specification) {
    this.#head = new HeadMap(specification);
    this.#loop = specification.loops.face;
    const count = this.#loop.length;
    const border = MESH + RINGS * count;
    this.#rings = new Float64Array(3 * RINGS * count);
    this.vertices = new Float32Array(4 * (border + count + CORNERS));
    for (let i = 0; i < count; i++) {
      const angle = (2 * Math.PI * i) / count;
      const [x, y] = [Math.sin(angle), Math.cos(angle)];
      const high = y * (y > 0 ? ABOVE : BELOW);
      const share = Math.min(1, (BELOW + high) / (BELOW - NECK));
      this.#rings.set([x * ASIDE, high, share], 3 * i);
      this.#rings.set([x * (ASIDE + GAP), high + y * GAP, 0], 3 * (count + i));
      const far = (0.5 + OUTSIDE) / Math.max(Math.abs(x), Math.abs(y));
      this.#pin(border + i, 0.5 + far * x, 0.5 - far * y);
    }
    for (let i = 0; i < CORNERS; i++) {
      const [right, low] = [i < 2, i === 1 || i === 2];
      this.#pin(border + count + i, right ? 1 + OUTSIDE : -OUTSIDE, low ? 1 + OUTSIDE : -OUTSIDE);
    }
    this.indices = Uint16Array.from([...this.#around(), ...faceOf(specification)]);
  }

  /**
   * Moves the mesh from where a picture's landmarks were to where they are now: 478 * 3 numbers each.
   *
   * @param {ArrayLike<number>} then
   * @param {ArrayLike<number>} now
   */
  move(then, now) {
    const vertices = this.vertices;
    for (let i = 0; i < MESH; i++) {
      vertices[4 * i] = now[3 * i];
      vertices[4 * i + 1] = now[3 * i + 1];
      vertices[4 * i + 2] = then[3 * i];
      vertices[4 * i + 3] = then[3 * i + 1];
    }
    this.#place(then, this.#then);
    this.#place(now, this.#now);
    const from = this.#then;
    const to = this.#now;
    for (let i = 0; i < this.#rings.length; i += 3) {
      const x = this.#rings[i];
      const y = this.#rings[i + 1];
      const share = this.#rings[i + 2];
      const at = 4 * (MESH + i / 3);
      const u = from[0] + x * from[2] + y * from[3];
      const v = from[1] + x * from[3] - y * from[2];
      vertices[at] = u + share * (to[0] + x * to[2] + y * to[3] - u);
      vertices[at + 1] = v + share * (to[1] + x * to[3] - y * to[2] - v);
      vertices[at + 2] = u;
      vertices[at + 3] = v;
    }
  }

  /**
   * The head as the viewer sees it: x and y of its middle; a centimetre to its right, x and y. What a turn or a nod
   * shortens is not in it.
   *
   * @param {ArrayLike<number>} landmarks
   * @param {Float64Array} out
   */
  #place(landmarks, out) {
    const head = this.#head;
    head.read(landmarks, 3);
    let square = 0;
    for (let k = 0; k < 6; k++) square += head.columns[k] ** 2;
    const factor = Math.sqrt(square / 2) / Math.hypot(head.columns[0], head.columns[1]);
    out[0] = head.seen(MIDDLE, 0);
    out[1] = head.seen(MIDDLE, 1);
    out[2] = head.columns[0] * factor;
    out[3] = head.columns[1] * factor;
  }

  /** @type {(point: number, x: number, y: number) => void} */
  #pin(point, x, y) {
    this.vertices.set([x, y, x, y], 4 * point);
  }

  /** The triangles from the face to the rings, from there to the border, and at its corners. */
  *#around() {
    const count = this.#loop.length;
    const after = (/** @type {number} */ i) => (i + 1) % count;
    const loops = [this.#loop];
    for (let first = MESH; loops.length < RINGS + 2; first += count)
      loops.push(this.#loop.map((_, i) => first + i));
    for (let k = 1; k < loops.length; k++)
      for (let i = 0; i < count; i++) {
        const [a, b, c, d] = [loops[k], loops[k - 1]].flatMap((loop) => [loop[i], loop[after(i)]]);
        yield* [a, b, c, c, b, d];
      }
    const border = loops[loops.length - 1];
    for (let i = 0; i < CORNERS; i++) {
      const before = Math.floor(((i + 0.5) * count) / CORNERS);
      yield* [border[before], border[count - 1] + 1 + i, border[before + 1]];
    }
  }
}

/** The triangles of the face. @param {Specification} specification */
function faceOf({ edges: { tesselation } }) {
  /** @type {Map<string, number[]>} */
  const triangles = new Map();
  for (let i = 0; i < tesselation.length; i += 4) {
    const [a, b, c, d] = tesselation.slice(i, i + 4);
    for (const corners of [
      [a, b, c],
      [b, a, d],
    ])
      triangles.set([...corners].sort().join(), corners);
  }
  return [...triangles.values()].flat();
}
