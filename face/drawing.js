/**
 * Draws 478 landmarks on a 2-D canvas as drawing.py does, from the same drawing.json.
 *
 * Nothing is loaded here: the page passes the parsed specification. Layers go from the back to the
 * front; what each kind holds is told by the types below.
 */

/** @typedef {[number, number]} Point in pixels, y down */
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

/**
 * Draws over the whole of a square canvas.
 *
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
 * @param {Landmarks} landmarks
 * @param {Specification} specification the content of drawing.json
 */
export function drawLandmarks(context, landmarks, specification) {
  const { width: side, height } = context.canvas;
  if (side !== height) throw new Error(`The canvas is ${side}x${height}; a drawing is square.`);
  const points = withShell(pixels(landmarks, side), specification.points);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.globalCompositeOperation = 'source-over';
  context.lineCap = context.lineJoin = 'round';
  context.fillStyle = specification.background;
  context.fillRect(0, 0, side, side);
  for (const layer of specification.layers) {
    if (layer.kind === 'polygon') drawPolygon(context, points, layer, specification);
    else if (layer.kind === 'edges') drawEdges(context, points, layer, specification);
    else if (layer.kind === 'patches') drawPatches(context, points, layer, specification);
    else drawCircle(context, points, layer, specification);
  }
  context.restore();
}

/** @param {Landmarks} landmarks @param {number} side @returns {Point[]} */
function pixels(landmarks, side) {
  const flat = typeof landmarks[0] === 'number';
  const expected = flat ? LANDMARKS * 3 : LANDMARKS;
  if (landmarks.length !== expected)
    throw new Error(`landmarks has the length ${landmarks.length}; a drawing needs ${expected}.`);
  const rows = /** @type {ArrayLike<number>[]} */ (landmarks);
  const numbers = /** @type {ArrayLike<number>} */ (landmarks);
  return Array.from({ length: LANDMARKS }, (_, i) =>
    flat
      ? [numbers[3 * i] * side, numbers[3 * i + 1] * side]
      : [rows[i][0] * side, rows[i][1] * side],
  );
}

/** @param {Point[]} landmarks @param {Specification['points']} points @returns {Point[]} */
function withShell(landmarks, { frame, positions }) {
  const columns = [0, 1, 2, 3].map(() => /** @type {Point} */ ([0, 0]));
  for (const [anchor, shares] of Object.entries(frame)) {
    const [x, y] = landmarks[Number(anchor)];
    shares.forEach((share, i) => {
      columns[i][0] += share * x;
      columns[i][1] += share * y;
    });
  }
  const [right, up, out, constant] = columns;
  const placed = positions.map(([x, y, z]) =>
    [0, 1].map((i) => x * right[i] + y * up[i] + z * out[i] + constant[i]),
  );
  return [...landmarks, .../** @type {Point[]} */ (placed)];
}

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

/** @param {Context} context @param {Point[]} points @param {Polygon} layer
 *  @param {Specification} specification */
function drawPolygon(context, points, layer, { loops }) {
  for (const name of layer.loops) {
    const corners = loops[name].map((i) => points[i]);
    if (layer.front && area(corners) <= 0) continue;
    trace(context, corners);
    if (layer.fill) {
      context.fillStyle = layer.fill;
      context.fill('evenodd');
    }
    if (layer.stroke && layer.width) stroke(context, layer.stroke, layer.width);
  }
}

/** @param {Context} context @param {Point[]} points @param {Edges} layer
 *  @param {Specification} specification */
function drawEdges(context, points, layer, { edges }) {
  const quads = edges[layer.edges];
  context.beginPath();
  for (let i = 0; i < quads.length; i += 4) {
    const [a, b, c, d] = quads.slice(i, i + 4).map((j) => points[j]);
    if (area([a, b, c]) <= 0 && area([b, a, d]) <= 0) continue;
    context.moveTo(...a);
    context.lineTo(...b);
  }
  stroke(context, layer.stroke, layer.width);
}

/** @param {Context} context @param {Point[]} points @param {Circle} layer
 *  @param {Specification} specification */
function drawCircle(context, points, layer, { loops }) {
  const [[x, y], ...rim] = loops[layer.points].map((i) => points[i]);
  const mean = rim.reduce((sum, [u, v]) => sum + Math.hypot(u - x, v - y), 0) / rim.length;
  context.save();
  trace(
    context,
    loops[layer.clip].map((i) => points[i]),
  );
  context.clip('evenodd');
  context.beginPath();
  context.arc(x, y, mean * layer.radius, 0, 2 * Math.PI);
  context.fillStyle = layer.fill;
  context.fill();
  context.restore();
}

/** Adds the patches to the black canvas: painted over each other, two soft edges would leave a seam.
 *  @param {Context} context @param {Point[]} points @param {Patches} layer
 *  @param {Specification} specification */
function drawPatches(context, points, layer, { patches }) {
  context.globalCompositeOperation = 'lighter';
  for (const [i, patch] of patches[layer.patches].entries()) {
    const corners = patch.map((j) => points[j]);
    if (area(corners) <= 0) continue;
    trace(context, corners);
    context.fillStyle = layer.fills[i];
    context.fill();
  }
  context.globalCompositeOperation = 'source-over';
}

/** @param {Context} context @param {string} color @param {number} width */
function stroke(context, color, width) {
  context.strokeStyle = color;
  context.lineWidth = width * context.canvas.width;
  context.stroke();
}

/** @param {Context} context @param {Point[]} corners */
function trace(context, corners) {
  context.beginPath();
  for (const corner of corners) context.lineTo(...corner);
  context.closePath();
}

/** Twice the area; positive where the corners run clockwise: seen from the front.
 *  @param {Point[]} corners */
function area(corners) {
  return corners.reduce((sum, [x, y], i) => {
    const [u, v] = corners[(i + 1) % corners.length];
    return sum + x * v - y * u;
  }, 0);
}
