/**
 * Singular values and rotations of small matrices: three columns, row by row in one array.
 */
export declare const IDENTITY: number[];
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
export declare function nearestRotation(matrix: Float64Array, left: Float64Array, right: Float64Array, rotation: Float64Array): number;
/**
 * Rotates pairs of a matrix' three columns until all are orthogonal: the one-sided Jacobi method of
 * Hestenes, "Inversion of matrices by biorthogonalization and related results", J. SIAM 6(1), 1958.
 * Their lengths then are the singular values, also those too small for the matrix' square to tell.
 *
 * @param {Float64Array} matrix
 * @param {Float64Array} [right] turns with it: from the unit matrix to the right singular vectors
 */
export declare function orthogonalize(matrix: Float64Array, right?: Float64Array): void;
/** A column's length. @type {(matrix: Float64Array, column: number) => number} */
export declare function norm(matrix: Float64Array<ArrayBufferLike>, column: number): number;
