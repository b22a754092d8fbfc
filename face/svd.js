/**
 * Singular values and rotations of small matrices: three columns, row by row in one array.
 */

export const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];
/** The share of the product of their lengths that the product of orthogonal columns may be. */
const ORTHOGONAL = 1e-14;
/** Few are needed; numbers so uneven that these don't do determine no rotation anyway. */
const SWEEPS = 40;
/** The pairs of three columns. */
const PAIRS = [
  [0, 1],
  [0, 2],
  [1, 2],
];

/**
 * The rotation whose product with a matrix, both 3 x 3 and element by element, has the largest sum.
 *
 * It takes the right singular vectors to the left ones; the third of each is what makes them
 * right-handed.
 *
 * @param {Float64Array} matrix
 * @param {Float64Array} left scratch of 9 numbers
 * @param {Float64Array} right scratch of 9 numbers
 * @param {Float64Array} rotation is written to
 * @returns {number} the largest singular value
 */
export function nearestRotation(matrix, left, right, rotation) {
  left.set(matrix);
  right.set(IDENTITY);
  orthogonalize(left, right);
  const a = norm(left, 0);
  const b = norm(left, 1);
  const c = norm(left, 2);
  const third = a <= b && a <= c ? 0 : b <= c ? 1 : 2;
  normalize(left, (third + 1) % 3);
  normalize(left, (third + 2) % 3);
  cross(left, third);
  cross(right, third);
  for (let i = 0; i < 9; i++) {
    const row = i - (i % 3);
    const column = 3 * (i % 3);
    rotation[i] = 0;
    for (let k = 0; k < 3; k++) rotation[i] += left[row + k] * right[column + k];
  }
  return Math.max(a, b, c);
}

/**
 * Rotates pairs of a matrix' three columns until all are orthogonal: the one-sided Jacobi method of
 * Hestenes, "Inversion of matrices by biorthogonalization and related results", J. SIAM 6(1), 1958.
 * Their lengths then are the singular values, also those too small for the matrix' square to tell.
 *
 * @param {Float64Array} matrix
 * @param {Float64Array} [right] turns with it: from the unit matrix to the right singular vectors
 */
export function orthogonalize(matrix, right) {
  for (let sweep = 0, still = false; !still && sweep < SWEEPS; sweep++) {
    still = true;
    for (const [p, q] of PAIRS) {
      const a = product(matrix, p, p);
      const b = product(matrix, q, q);
      const both = product(matrix, p, q);
      if (Math.abs(both) <= ORTHOGONAL * Math.sqrt(a) * Math.sqrt(b)) continue;
      still = false;
      const half = (b - a) / (2 * both);
      const tangent = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.sqrt(1 + half * half));
      turnColumns(matrix, p, q, tangent);
      if (right) turnColumns(right, p, q, tangent);
    }
  }
}

/**
 * Turns two columns towards each other by an angle of that tangent.
 *
 * @param {Float64Array} matrix
 * @param {number} p
 * @param {number} q
 * @param {number} tangent
 */
function turnColumns(matrix, p, q, tangent) {
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = cosine * tangent;
  for (let i = 0; i < matrix.length; i += 3) {
    const x = matrix[i + p];
    const y = matrix[i + q];
    matrix[i + p] = cosine * x - sine * y;
    matrix[i + q] = sine * x + cosine * y;
  }
}

/** The inner product of two columns. @type {(matrix: Float64Array, p: number, q: number) => number} */
function product(matrix, p, q) {
  let sum = 0;
  for (let i = 0; i < matrix.length; i += 3) sum += matrix[i + p] * matrix[i + q];
  return sum;
}

/** A column's length. @type {(matrix: Float64Array, column: number) => number} */
export function norm(matrix, column) {
  return Math.sqrt(product(matrix, column, column));
}

/** Makes a column's length 1. @type {(matrix: Float64Array, column: number) => void} */
function normalize(matrix, column) {
  const length = norm(matrix, column);
  for (let i = column; i < 9; i += 3) matrix[i] /= length;
}

/** Makes a column the cross product of the two after it. @type {(m: Float64Array, k: number) => void} */
function cross(m, k) {
  const p = (k + 1) % 3;
  const q = (k + 2) % 3;
  for (let i = 0; i < 3; i++) {
    const j = 3 * ((i + 1) % 3);
    const l = 3 * ((i + 2) % 3);
    m[3 * i + k] = m[j + p] * m[l + q] - m[l + p] * m[j + q];
  }
}
