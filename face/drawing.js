/**
 * Draws 478 landmarks on a 2-D canvas as drawing.py does, from the same drawing.json.
 *
 * Nothing is loaded here: the page passes the parsed specification. Layers go from the back to the
 * front; what each kind holds is told by the types below.
 */

/** @typedef {ArrayLike<number>[] | Float32Array | Float64Array} Landmarks
 *    478 times [x, y, ...] or 478 * 3 numbers in a row: fractions of the canvas, y down */
/** @typedef {object} Polygon
 * @property {'polygon'} kind
 * @property {string[]} loops
 * @property {boolean} [front] loops that run counter-clockwise, seen from behind, are left out
 * @property {string} [fill]
 * @property {string} [stroke]
 * @property {number} [width] of the stroke, as a fraction of the canvas' side */
/** @typedef {object} Edges edges between two triangles that both face away are left out
 * @property {'edges'} kind
 * @property {string} edges
 * @property {string} stroke
 * @property {number} width */
/** @typedef {object} Circle around the first point of a loop, through the others
 * @property {'circle'} kind
 * @property {string} points
 * @property {number} radius a factor
 * @property {string} fill
 * @property {string} clip the loop that it is seen through */
/** @typedef {object} Patches on black; those that face away are left out, the others don't overlap
 * @property {'patches'} kind
 * @property {string} patches
 * @property {string[]} fills one a patch */
/** @typedef {Polygon | Edges | Circle | Patches} Layer */
/** @typedef {object} Specification
 * @property {number} format
 * @property {string} background
 * @property {{ frame: Record<string, number[]>, positions: number[][] }} points those after the
 *    landmarks: positions [x, y, z] on the head, which an affine map takes to the picture; frame
 *    has what each landmark named adds to the map's x, y, z and constant columns
 * @property {Record<string, number[]>} loops
 * @property {Record<string, number[]>} edges four points each: the ends a and b, then c and d;
 *    seen from the front, the triangles a, b, c and b, a, d run clockwise
 * @property {Record<string, number[][]>} patches three or four points each; seen from outside,
 *    they run clockwise
 * @property {Layer[]} layers */

const LANDMARKS = 478;

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

/** @type {WeakMap<Specification, Drawing>} what is made once of each specification */
const drawings = new WeakMap();

/**
 * Draws over the whole of a square canvas.
 *
 * @param {Context} context
 * @param {Landmarks} landmarks
 * @param {Specification} specification the content of drawing.json
 */
export function drawLandmarks(context, landmarks, specification) {
  const known = drawings.get(specification);
  const drawing = known ?? new Drawing(specification);
  if (!known) drawings.set(specification, drawing);
  drawing.draw(context, landmarks);
}

/**
 * Fills the silhouette of the head that a drawing stands for, with the context's fill and stroke styles.
 *
 * @param {Context} context of a square canvas
 * @param {Landmarks} landmarks
 * @param {Specification} specification
 * @param {number[][]} hair the points of outline.json
 * @param {number} margin that it is wider all around, as a fraction of the canvas' side
 */
export function fillHead(context, landmarks, specification, hair, margin) {
  const known = drawings.get(specification);
  const drawing = known ?? new Drawing(specification);
  if (!known) drawings.set(specification, drawing);
  drawing.fillHead(context, landmarks, hair, margin);
}

/** Where a head is in a picture: the affine map that takes points of the head there. */
export class HeadMap {
  /** Right, up, out and constant, of x and of y each. */
  columns = new Float64Array(8);
  /** @type {number[]} */ #anchors = [];
  /** @type {number[][]} */ #shares = [];

  /** @param {Specification} specification */
  constructor({ points: { frame } }) {
    for (const [anchor, shares] of Object.entries(frame)) {
      this.#anchors.push(Number(anchor));
      this.#shares.push(shares);
    }
  }

  /**
   * Takes the map that landmarks tell of; it goes to their unit.
   *
   * @param {ArrayLike<number>} landmarks in a row, x and y first
   * @param {number} stride numbers of each
   */
  read(landmarks, stride) {
    const columns = this.columns.fill(0);
    for (let i = 0; i < this.#anchors.length; i++)
      for (let k = 0; k < 4; k++) {
        const share = this.#shares[i][k];
        columns[2 * k] += share * landmarks[stride * this.#anchors[i]];
        columns[2 * k + 1] += share * landmarks[stride * this.#anchors[i] + 1];
      }
  }

  /** x or y of a point of the head. @type {(position: ArrayLike<number>, k: number) => number} */
  seen(position, k) {
    const columns = this.columns;
    return (
      position[0] * columns[k] +
      position[1] * columns[2 + k] +
      position[2] * columns[4 + k] +
      columns[6 + k]
    );
  }
}

/** A specification with room for the points of a frame, so that a frame allocates nothing. */
class Drawing {
  #specification;
  /** x and y of each landmark and each point of the shell, in pixels. */
  #points;
  #head;

  /** @param {Specification} specification */
  constructor(specification) {
    this.#specification = specification;
    this.#head = new HeadMap(specification);
    this.#points = new Float64Array(2 * (LANDMARKS + specification.points.positions.length));
  }

  /** @type {(context: Context, landmarks: Landmarks) => void} */
  draw(context, landmarks) {
    const { width: side, height } = context.canvas;
    if (side !== height) throw new Error(`The canvas is ${side}x${height}; a drawing is square.`);
    this.#place(landmarks, side);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.globalCompositeOperation = 'source-over';
    context.lineCap = context.lineJoin = 'round';
    context.fillStyle = this.#specification.background;
    context.fillRect(0, 0, side, side);
    for (const layer of this.#specification.layers) {
      if (layer.kind === 'polygon') this.#drawPolygon(context, layer);
      else if (layer.kind === 'edges') this.#drawEdges(context, layer);
      else if (layer.kind === 'patches') this.#drawPatches(context, layer);
      else this.#drawCircle(context, layer);
    }
    context.restore();
  }

  /** Landmarks in pixels, and the shell by them. @type {(landmarks: Landmarks, side: number) => void} */
  #place(landmarks, side) {
    const flat = typeof landmarks[0] === 'number';
    const expected = flat ? LANDMARKS * 3 : LANDMARKS;
    if (landmarks.length !== expected)
      throw new Error(`landmarks has the length ${landmarks.length}; a drawing needs ${expected}.`);
    const rows = /** @type {ArrayLike<number>[]} */ (landmarks);
    const numbers = /** @type {ArrayLike<number>} */ (landmarks);
    const points = this.#points;
    for (let i = 0; i < LANDMARKS; i++) {
      points[2 * i] = (flat ? numbers[3 * i] : rows[i][0]) * side;
      points[2 * i + 1] = (flat ? numbers[3 * i + 1] : rows[i][1]) * side;
    }
    this.#head.read(points, 2);
    const { positions } = this.#specification.points;
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i];
      for (let k = 0; k < 2; k++) points[2 * (LANDMARKS + i) + k] = this.#head.seen(position, k);
    }
  }

  /** @type {(context: Context, landmarks: Landmarks, hair: number[][], margin: number) => void} */
  fillHead(context, landmarks, hair, margin) {
    this.#place(landmarks, context.canvas.width);
    context.lineJoin = 'round';
    context.lineWidth = 2 * margin * context.canvas.width;
    this.#trace(context, this.#specification.loops.face);
    context.fill();
    context.stroke();
    const seen = hair.map((position) => [
      this.#head.seen(position, 0),
      this.#head.seen(position, 1),
    ]);
    context.beginPath();
    for (const [x, y] of hull(seen)) context.lineTo(x, y);
    context.closePath();
    context.fill();
    context.stroke();
  }

  /** @type {(context: Context, layer: Polygon) => void} */
  #drawPolygon(context, layer) {
    for (const name of layer.loops) {
      const loop = this.#specification.loops[name];
      if (layer.front && this.#area(loop) <= 0) continue;
      this.#trace(context, loop);
      if (layer.fill) {
        context.fillStyle = layer.fill;
        context.fill('evenodd');
      }
      if (layer.stroke && layer.width) stroke(context, layer.stroke, layer.width);
    }
  }

  /** @type {(context: Context, layer: Edges) => void} */
  #drawEdges(context, layer) {
    const quads = this.#specification.edges[layer.edges];
    const points = this.#points;
    context.beginPath();
    for (let i = 0; i < quads.length; i += 4) {
      const [a, b] = [quads[i], quads[i + 1]];
      if (this.#turn(a, b, quads[i + 2]) <= 0 && this.#turn(b, a, quads[i + 3]) <= 0) continue;
      context.moveTo(points[2 * a], points[2 * a + 1]);
      context.lineTo(points[2 * b], points[2 * b + 1]);
    }
    stroke(context, layer.stroke, layer.width);
  }

  /** @type {(context: Context, layer: Circle) => void} */
  #drawCircle(context, layer) {
    const loop = this.#specification.loops[layer.points];
    const points = this.#points;
    const [x, y] = [points[2 * loop[0]], points[2 * loop[0] + 1]];
    let sum = 0;
    for (let i = 1; i < loop.length; i++)
      sum += Math.hypot(points[2 * loop[i]] - x, points[2 * loop[i] + 1] - y);
    context.save();
    this.#trace(context, this.#specification.loops[layer.clip]);
    context.clip('evenodd');
    context.beginPath();
    context.arc(x, y, (sum / (loop.length - 1)) * layer.radius, 0, 2 * Math.PI);
    context.fillStyle = layer.fill;
    context.fill();
    context.restore();
  }

  /**
   * Adds the patches to the black canvas: painted over each other, two soft edges would leave a seam.
   *
   * @type {(context: Context, layer: Patches) => void}
   */
  #drawPatches(context, layer) {
    const patches = this.#specification.patches[layer.patches];
    context.globalCompositeOperation = 'lighter';
    for (let i = 0; i < patches.length; i++) {
      if (this.#area(patches[i]) <= 0) continue;
      this.#trace(context, patches[i]);
      context.fillStyle = layer.fills[i];
      context.fill();
    }
    context.globalCompositeOperation = 'source-over';
  }

  /** @type {(context: Context, loop: number[]) => void} */
  #trace(context, loop) {
    const points = this.#points;
    context.beginPath();
    for (let i = 0; i < loop.length; i++)
      context.lineTo(points[2 * loop[i]], points[2 * loop[i] + 1]);
    context.closePath();
  }

  /**
   * Twice the area of a loop; positive where its corners run clockwise: seen from the front.
   *
   * @param {number[]} loop
   */
  #area(loop) {
    const points = this.#points;
    let area = 0;
    for (let i = 0; i < loop.length; i++) {
      const [a, b] = [2 * loop[i], 2 * loop[(i + 1) % loop.length]];
      area += points[a] * points[b + 1] - points[a + 1] * points[b];
    }
    return area;
  }

  /**
   * The area of a triangle, as #area has it.
   *
   * @type {(a: number, b: number, c: number) => number}
   */
  #turn(a, b, c) {
    const points = this.#points;
    const [ax, ay, bx, by] = [points[2 * a], points[2 * a + 1], points[2 * b], points[2 * b + 1]];
    const [cx, cy] = [points[2 * c], points[2 * c + 1]];
    return ax * by - ay * bx + (bx * cy - by * cx) + (cx * ay - cy * ax);
  }
}

/**
 * The convex hull of points, by Andrew's monotone chain.
 *
 * @param {number[][]} points
 */
function hull(points) {
  points.sort(([a, b], [c, d]) => a - c || b - d);
  const half = (/** @type {number[][]} */ along) => {
    /** @type {number[][]} */
    const chain = [];
    for (const point of along) {
      for (let n = chain.length; n > 1; n = chain.length) {
        const [[ax, ay], [bx, by]] = [chain[n - 2], chain[n - 1]];
        if ((bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax) > 0) break;
        chain.pop();
      }
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(points), ...half([...points].reverse())];
}

/** @param {Context} context @param {string} color @param {number} width */
function stroke(context, color, width) {
  context.strokeStyle = color;
  context.lineWidth = width * context.canvas.width;
  context.stroke();
}
