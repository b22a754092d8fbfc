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
    fetch?: typeof globalThis.fetch;
    cache?: string | FileCache;
    signal?: AbortSignal;
    onProgress?: (progress: Progress) => void;
    validate?: boolean;
};
export type Count = (count: number) => void;
export type Files = {
    read(file: string, limit: number, count?: Count): Promise<Uint8Array<ArrayBuffer>>;
    kept?(file: string, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
    keep?(file: string, data: Uint8Array<ArrayBuffer>): Promise<void>;
    unpack?(model: Model, count: (file: string, bytes: number) => void): Promise<void>;
};
export type Pieces = AsyncGenerator<Uint8Array<ArrayBuffer>>;
/**
 * Where the files of an artifact come from: a URL, in Node a path, or bytes at hand.
 *
 * @import {Model} from './artifact.js'
 * @typedef {string | URL | Response | Blob | BufferSource | Record<string, Blob | BufferSource>} Source  a
 *   folder's URL, in Node also its path; a bundle, or its URL; or files by name
 * @typedef {{loaded: number, total: number, file: string}} Progress  in bytes as they are after decompression
 * @typedef {{match(url: string): Promise<Response | undefined>,
 *   put(url: string, response: Response): Promise<unknown>}} FileCache  a Cache is one
 * @typedef {{fetch?: typeof globalThis.fetch, cache?: string | FileCache, signal?: AbortSignal,
 *   onProgress?: (progress: Progress) => void, validate?: boolean}} Loading  `fetch`, `cache` (or the name of a
 *   Cache) and `signal` for what is loaded from a URL; `signal` also for all that follows. `validate` holds
 *   model.json against its schema, which for a file as the compiler wrote it says nothing new: give it for
 *   artifacts of others.
 * @typedef {(count: number) => void} Count  is told how many bytes of a file have come
 * @typedef {{read(file: string, limit: number, count?: Count): Promise<Uint8Array<ArrayBuffer>>,
 *   kept?(file: string, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined>,
 *   keep?(file: string, data: Uint8Array<ArrayBuffer>): Promise<void>,
 *   unpack?(model: Model, count: (file: string, bytes: number) => void): Promise<void>}} Files  `read`
 *   refuses what has more bytes than the limit; `kept` and `keep` are of a cache; a bundle has `unpack`,
 *   called once
 * @typedef {AsyncGenerator<Uint8Array<ArrayBuffer>>} Pieces
 */
import { ArtifactError } from './errors.js';
/**
 * Finds out what a source is.
 *
 * @param {Source} source
 * @param {Loading} loading
 * @returns {Promise<Files>}
 */
export declare function openFiles(source: Source, loading: Loading): Promise<Files>;
/**
 * Whether an error is one of the network, not of what a server has answered.
 *
 * @param {unknown} error
 */
export declare function isOffline(error: unknown): boolean;
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
