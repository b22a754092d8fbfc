/**
 * Where the files of an artifact come from: a folder's URL; what else there is, sources.js knows.
 *
 * @import {Model} from './artifact.js'
 * @typedef {string | URL | Response | Blob | BufferSource | Record<string, Blob | BufferSource>} Source  a
 *   folder's URL, in Node also its path; a bundle, or its URL; or files by name
 * @typedef {{loaded: number, total: number, file: string}} Progress  in bytes as they are after decompression
 * @typedef {{match(url: string): Promise<Response | undefined>,
 *   put(url: string, response: Response): Promise<unknown>}} FileCache  a Cache is one
 * @typedef {object} Loading  the first two are for what is loaded from a URL
 * @property {typeof globalThis.fetch} [fetch] in the place of the global one
 * @property {string | FileCache} [cache] the name of a Cache, or anything like one
 * @property {AbortSignal} [signal] ends the loading and all that follows
 * @property {(progress: Progress) => void} [onProgress]
 * @property {boolean} [validate] holds model.json against its schema, which for a file as the compiler wrote
 *   it says nothing new: give it for artifacts of others
 * @typedef {(count: number) => void} Count  is told how many bytes of a file have come
 * @typedef {{read(file: string, limit: number, count?: Count): Promise<Uint8Array<ArrayBuffer>>,
 *   kept?(file: string, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined>,
 *   keep?(file: string, data: Uint8Array<ArrayBuffer>): Promise<void>,
 *   unpack?(model: Model, count: (file: string, bytes: number) => void): Promise<void>}} Files  `read`
 *   refuses what has more bytes than the limit; `kept` and `keep` are of a cache; a bundle has `unpack`,
 *   called once
 * @typedef {AsyncGenerator<Uint8Array<ArrayBuffer>>} Pieces
 */
import { advised } from './advised.js';
import { ArtifactError, MissingFileError, messageOf } from './errors.js';

const SHOWN = 5;
// How often a download that broke off goes on, and how long it waits before that.
const RESUMES = 2;
const PAUSE_MS = 300;

/**
 * Finds out what a source is.
 *
 * @param {Source} source
 * @param {Loading} loading whose signal may go later
 * @returns {Promise<Files>}
 */
export async function openFiles(source, loading) {
  const node = /** @type {any} */ (globalThis).process?.getBuiltinModule;
  const here = globalThis.location?.href;
  if (/^(String|URL)$/.test(tagOf(source)) && !loading.cache && URL.canParse(`${source}`, here)) {
    const url = new URL(`${source}`, here);
    if (/^http/.test(url.protocol) && !(node && !/^http/.test(`${source}`)) && !isBundle(url)) {
      const at = addressesOf(url);
      return {
        read: (file, limit, count) => readAll(download(loading, at(file)), file, limit, count),
      };
    }
  }
  const { openSource } = await import('./sources.js');
  return openSource(source, loading);
}

/** @param {unknown} value */
export function tagOf(value) {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** @param {URL} url */
export function isBundle({ pathname }) {
  return pathname.endsWith('.onnx2wgsl');
}

/**
 * The addresses of the files in a folder. A query, such as a token, is that of every file.
 *
 * @param {URL} folder
 * @returns {(file: string) => URL}
 */
export function addressesOf(folder) {
  folder.pathname = folder.pathname.replace(/\/*$/, '/');
  return (file) => Object.assign(new URL(file, folder), { search: folder.search });
}

/**
 * Fetches a file; goes on where the connection broke off.
 *
 * @param {Loading} loading
 * @param {URL} url
 * @returns {Pieces}
 */
export async function* download(loading, url) {
  const { fetch = globalThis.fetch } = loading;
  let size = 0;
  for (let resumes = 0; ; resumes++) {
    try {
      const headers = size ? { range: `bytes=${size}-` } : undefined;
      const response = await fetch(url, { signal: loading.signal, headers });
      const range = response.headers.get('content-range');
      // What a server sends again that knows no ranges.
      let known = response.status === 206 && range?.startsWith(`bytes ${size}-`) ? 0 : size;
      for await (const piece of piecesOf(await answered(response, `${url}`))) {
        const fresh = piece.subarray(known);
        known -= piece.length - fresh.length;
        size += fresh.length;
        if (fresh.length) yield fresh;
      }
      return;
    } catch (error) {
      loading.signal?.throwIfAborted();
      if (error instanceof ArtifactError) throw error;
      if (resumes === RESUMES || !size)
        throw new MissingFileError(
          await advised(`Cannot read ${url}: ${messageOf(error)}.`, (advice) =>
            advice.unreachable(url, error),
          ),
          { cause: error },
        );
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }
}

/**
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @returns {Pieces}
 */
export async function* piecesOf(body) {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * All pieces in one, if they are no more than may be.
 *
 * @param {Pieces} pieces
 * @param {string} file
 * @param {number} limit
 * @param {Count} [count]
 */
export async function readAll(pieces, file, limit, count) {
  const parts = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > limit) throw tooLong(file, limit);
    parts.push(piece);
    count?.(size);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/**
 * The body of an answer that is a file: no error, and no page, which some servers send for every address.
 *
 * @param {Response} response
 * @param {string} url
 * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
 */
export async function answered(response, url) {
  const { ok, status, headers } = response;
  const body = response.body ?? new Blob().stream();
  if (ok && !/html/.test(headers.get('content-type') ?? '')) return body;
  const advice = await import('./advice.js').catch(() => {});
  const what = advice ? await advice.lookInto(response, body) : `HTTP status ${status}.`;
  if (typeof what !== 'string') return what;
  throw Object.assign(new MissingFileError(`Cannot read ${url}: ${what}`), { status });
}

/**
 * @param {string} file
 * @param {number} limit
 */
export function tooLong(file, limit) {
  return damaged(file, [`it has more than ${limit} bytes`]);
}

/**
 * What is wrong with a file, in one error.
 *
 * @param {string} file
 * @param {string[]} problems
 */
export function damaged(file, problems) {
  const rest = problems.length - SHOWN;
  const lines = [...problems.slice(0, SHOWN), ...(rest > 0 ? [`and ${rest} more`] : [])];
  return new ArtifactError(`${file} is damaged; compile the model again:\n  ${lines.join('\n  ')}`);
}

/**
 * A value as JSON, shortened.
 *
 * @param {any} value
 */
export function shown(value) {
  const text = typeof value === 'number' ? `${value}` : JSON.stringify(value);
  return text.length <= 160 ? text : `${text.slice(0, 60)} ... ${text.slice(-90)}`;
}
