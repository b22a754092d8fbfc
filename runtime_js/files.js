/**
 * Where the files of an artifact come from: a URL, in Node a path, or bytes at hand.
 *
 * @typedef {string | URL | Response | Blob | BufferSource | Record<string, Blob | BufferSource>} Source  a folder's
 *   URL, in Node also its path; a bundle, or its URL; or files by name
 * @typedef {{loaded: number, total: number, file: string}} Progress  in bytes as they are after decompression
 * @typedef {{match(url: string): Promise<Response | undefined>,
 *   put(url: string, response: Response): Promise<unknown>}} FileCache  a Cache is one
 * @typedef {{fetch?: typeof globalThis.fetch, cache?: string | FileCache, signal?: AbortSignal,
 *   onProgress?: (progress: Progress) => void}} Loading  `fetch`, `cache` (or the name of a Cache) and `signal`
 *   for what is loaded from a URL; `signal` also for all that follows
 * @typedef {(count: number) => void} Count  is told how many bytes of a file have come
 * @typedef {{read(file: string, limit: number, count?: Count): Promise<Uint8Array<ArrayBuffer>>,
 *   kept?(file: string, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined>,
 *   keep?(file: string, data: Uint8Array<ArrayBuffer>): Promise<void>}} Files  `read` refuses what has more bytes
 *   than the limit; `kept` and `keep` are of a cache
 */
import { ArtifactError, InputError, MissingFileError, messageOf } from './errors.js';

const SHOWN = 5;
const WORDS = 60;
// How often a download that broke off goes on, and how long it waits before that.
const RESUMES = 2;
const PAUSE_MS = 300;

/**
 * Finds out what a source is.
 *
 * @param {Source} source
 * @param {Loading} loading
 * @returns {Promise<Files>}
 */
export async function openFiles(source, loading) {
  const kind = Object.prototype.toString.call(source).slice(8, -1);
  if (kind === 'String' || kind === 'URL') return folder(`${source}`, loading);
  if (kind === 'Object') return given(/** @type {Record<string, Blob | BufferSource>} */ (source));
  throw new InputError(
    `createSession was given ${kind}, expected a URL, or files by name: { 'model.json': … }.`,
  );
}

/**
 * @param {Record<string, Blob | BufferSource>} files
 * @returns {Files}
 */
function given(files) {
  return {
    async read(file, limit) {
      if (!Object.hasOwn(files, file))
        throw new MissingFileError(
          `${file} is missing among the files that were given: ${Object.keys(files).join(', ')}.`,
        );
      const blob = new Blob([files[file]]);
      if (blob.size > limit) throw tooLong(file, limit);
      return new Uint8Array(await blob.arrayBuffer());
    },
  };
}

/**
 * @param {string} text
 * @param {Loading} loading
 * @returns {Promise<Files>}
 */
async function folder(text, { fetch = globalThis.fetch, cache, signal }) {
  const node = /** @type {any} */ (globalThis).process?.getBuiltinModule;
  const isPath = node && !/^\w\w+:/.test(text);
  if (!isPath && !URL.canParse(text, globalThis.location?.href))
    throw new InputError(`${text} is no URL here: give an absolute one.`);
  const base = isPath
    ? node('node:url').pathToFileURL(text)
    : new URL(text, globalThis.location?.href);
  base.pathname = base.pathname.replace(/\/*$/, '/');
  // A query, such as a token, is that of every file.
  const at = (/** @type {string} */ file) =>
    Object.assign(new URL(file, base), { search: base.search });
  if (node && base.protocol === 'file:')
    return { read: (file, limit) => readLocal(node('node:fs/promises'), file, at(file), limit) };
  /** @type {Files} */
  const files = {
    read: (file, limit, count) => download(fetch, signal, file, at(file), limit, count),
  };
  if (!cache) return files;
  const store = typeof cache === 'string' ? await openCache(cache) : cache;
  const key = (/** @type {string} */ file) => `${new URL(file, base)}`;
  files.kept = async (file, limit) => {
    const response = await store.match(key(file));
    return response?.body ? readBody(response.body, file, limit).catch(() => undefined) : undefined;
  };
  // What there is no room for is fetched again.
  files.keep = async (file, data) => {
    await Promise.resolve(store.put(key(file), new Response(data))).catch(() => {});
  };
  return files;
}

/** @param {string} name */
function openCache(name) {
  if (globalThis.caches) return caches.open(name);
  throw new InputError(
    `cache is ${name}, but here is no Cache API: give an object with match and put, or open the page over https.`,
  );
}

/**
 * @param {{stat(url: URL): Promise<{size: number, isFile(): boolean}>,
 *   readFile(url: URL): Promise<Uint8Array>}} disk
 * @param {string} file
 * @param {URL} url
 * @param {number} limit
 */
async function readLocal(disk, file, url, limit) {
  try {
    const status = await disk.stat(url);
    // A pipe would never end.
    if (!status.isFile()) throw new Error('it is no regular file');
    if (status.size > limit) throw tooLong(file, limit);
    return new Uint8Array(await disk.readFile(url));
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    throw new MissingFileError(`Cannot read ${url}: ${messageOf(error)}.`, { cause: error });
  }
}

/**
 * Fetches a file; goes on where the connection broke off, if the server can do that.
 *
 * @param {typeof globalThis.fetch} fetch
 * @param {AbortSignal | undefined} signal
 * @param {string} file
 * @param {URL} url
 * @param {number} limit
 * @param {Count} [count]
 */
async function download(fetch, signal, file, url, limit, count) {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  for (let resumes = 0; ; resumes++) {
    const start = sizeOf(pieces);
    try {
      const headers = start ? { range: `bytes=${start}-` } : undefined;
      const response = await fetch(url, { signal, headers });
      const goesOn = response.headers.get('content-range')?.startsWith(`bytes ${start}-`);
      if (!(response.status === 206 && goesOn)) pieces.length = 0;
      return await readBody(await answered(response, url), file, limit, count, pieces);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ArtifactError) throw error;
      if (resumes === RESUMES || !pieces.length)
        throw new MissingFileError(
          `Cannot read ${url}: ${causeOf(error)}. Is the server up, and does it let this page read it (CORS)?`,
          { cause: error },
        );
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }
}

/**
 * The body of an answer that is a file: no error, and no page, which some servers send for every address.
 *
 * @param {Response} response
 * @param {URL} url
 */
async function answered(response, url) {
  const body =
    response.body ?? /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (new Blob().stream());
  const type = response.headers.get('content-type') ?? 'no content type';
  if (response.ok && !/html/.test(type)) return body;
  const [start, rest] = body.tee();
  const reader = start.getReader();
  const { value } = await reader.read();
  const words = new TextDecoder().decode(value?.subarray(0, WORDS)).replace(/\s+/g, ' ').trim();
  reader.cancel();
  if (response.ok && words[0] !== '<') return rest;
  rest.cancel();
  const error = new MissingFileError(
    `Cannot read ${url}: HTTP status ${response.status}, ${type}, beginning ${JSON.stringify(words)}. ` +
      'Check the address, and that the server has the files of the artifact there.',
  );
  throw Object.assign(error, { status: response.status });
}

/**
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @param {string} file
 * @param {number} limit
 * @param {Count} [count]
 * @param {Uint8Array<ArrayBuffer>[]} [pieces] what has come before
 */
async function readBody(body, file, limit, count, pieces = []) {
  const reader = body.getReader();
  for (let size = sizeOf(pieces); ; count?.(size)) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    pieces.push(value);
    size += value.length;
    if (size <= limit) continue;
    reader.cancel();
    throw tooLong(file, limit);
  }
}

/**
 * The words of a network error, which Node has in its cause alone.
 *
 * @param {any} error
 */
function causeOf(error) {
  return messageOf(error?.cause?.message ? error.cause : error);
}

/** @param {Uint8Array[]} pieces */
function sizeOf(pieces) {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/**
 * @param {string} file
 * @param {number} limit
 */
function tooLong(file, limit) {
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
