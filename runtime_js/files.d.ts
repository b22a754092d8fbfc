/** Reads the files of an artifact: by fetch, or in Node from the disk. */
import { ArtifactError } from './errors.js';
/**
 * A function that reads a file of the folder, of at most some bytes: by fetch, or in Node from the disk.
 *
 * @param {string | URL} folder
 */
export declare function folderReader(folder: string | URL): (/** @type {string} */ name: string, /** @type {number} */ limit: number) => Promise<Uint8Array<ArrayBuffer>>;
/**
 * What is wrong with a file, in one error.
 *
 * @param {string} file
 * @param {string[]} problems
 */
export declare function damaged(file: string, problems: string[]): ArtifactError;
