import type { Files, Pieces } from './files.js';
/**
 * @param {Pieces} pieces
 * @param {(whole: Blob) => Promise<void>} [keep] is given the bundle when all of it was found right
 * @returns {Files}
 */
export declare function bundleFiles(pieces: Pieces, keep?: (whole: Blob) => Promise<void>): Files;
