import type { Model } from './artifact.js';
export type Source = string | URL | Response | Blob | BufferSource | Record<string, Blob | BufferSource>;
export type Progress = {
    loaded: number;
    total: number;
    file: string;
};
export type FileCache = {
    match(url: string): Promise<Response | undefined>;
    put(url: string, response: Response): Promise<unknown>;
};
export type Loading = {
    /**
     * in the place of the global one
     */
    fetch?: typeof globalThis.fetch;
    /**
     * the name of a Cache, or anything like one
     */
    cache?: string | FileCache;
    /**
     * ends the loading and all that follows
     */
    signal?: AbortSignal;
    onProgress?: (progress: Progress) => void;
    /**
     * holds model.json against its schema, which for a file as the compiler wrote
     * it says nothing new: give it for artifacts of others
     */
    validate?: boolean;
};
export type Count = (count: number) => void;
export type Files = {
    read(file: string, limit: number, count?: Count): Promise<Uint8Array>;
    kept?(file: string, limit: number): Promise<Uint8Array | undefined>;
    keep?(file: string, data: Uint8Array): Promise<void>;
    unpack?(model: Model, count: (file: string, bytes: number) => void): Promise<void>;
};
export type Pieces = AsyncGenerator<Uint8Array>;
import { ArtifactError } from './errors.js';
/**
 * Finds out what a source is.
 *
 * @param {Source} source
 * @param {Loading} loading whose signal may go later
 * @returns {Promise<Files>}
 */
export declare function openFiles(source: Source, loading: Loading): Promise<Files>;
/** @param {unknown} value */
export declare function tagOf(value: unknown): string;
/** @param {URL} url */
export declare function isBundle({ pathname }: URL): boolean;
/**
 * The addresses of the files in a folder. A query, such as a token, is that of every file.
 *
 * @param {URL} folder
 * @returns {(file: string) => URL}
 */
export declare function addressesOf(folder: URL): (file: string) => URL;
/**
 * Fetches a file; goes on where the connection broke off.
 *
 * @param {Loading} loading
 * @param {URL} url
 * @returns {Pieces}
 */
export declare function download(loading: Loading, url: URL): Pieces;
/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {Pieces}
 */
export declare function piecesOf(body: ReadableStream<Uint8Array>): Pieces;
/**
 * All pieces in one, if they are no more than may be.
 *
 * @param {Pieces} pieces
 * @param {string} file
 * @param {number} limit
 * @param {Count} [count]
 */
export declare function readAll(pieces: Pieces, file: string, limit: number, count?: Count): Promise<Uint8Array>;
/**
 * The body of an answer that is a file: no error, and no page, which some servers send for every address.
 *
 * @param {Response} response
 * @param {string} url
 * @returns {Promise<ReadableStream<Uint8Array>>}
 */
export declare function answered(response: Response, url: string): Promise<ReadableStream<Uint8Array>>;
/**
 * @param {string} file
 * @param {number} limit
 */
export declare function tooLong(file: string, limit: number): ArtifactError;
/**
 * What is wrong with a file, in one error.
 *
 * @param {string} file
 * @param {string[]} problems
 */
export declare function damaged(file: string, problems: string[]): ArtifactError;
/**
 * A value as JSON, shortened.
 *
 * @param {any} value
 */
export declare function shown(value: any): string;
