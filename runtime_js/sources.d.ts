import type { Files, Loading, Source } from './files.js';
/**
 * Finds out what a source is.
 *
 * @param {Source} source
 * @param {Loading} loading
 * @returns {Promise<Files>}
 */
export declare function openSource(source: Source, loading: Loading): Promise<Files>;
