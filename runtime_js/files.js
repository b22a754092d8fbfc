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
  if (kind === 'String' || kind === 'URL') return located(`${source}`, loading);
  if (kind === 'Object') return given(/** @type {Record<string, Blob | BufferSource>} */ (source));
  if (kind === 'Response') {
    const response = /** @type {Response} */ (source);
    return bundle(piecesOf(await answered(response, response.url || 'the Response')));
  }
  if (/^(ArrayBuffer|Blob|File|DataView)$/.test(kind) || ArrayBuffer.isView(source))
    return bundle(piecesOf(new Blob([/** @type {any} */ (source)]).stream()));
  throw new InputError(
    `createSession was given ${kind}, expected a URL, a bundle, or files by name: { 'model.json': … }.`,
  );
}

/**
 * @param {Pieces} pieces
 * @param {(pieces: Blob) => Promise<void>} [keep]
 */
async function bundle(pieces, keep) {
  const { bundleFiles } = await import('./bundle.js');
  return bundleFiles(pieces, keep);
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
 * @param {Loading} loading whose signal may go later
 * @returns {Promise<Files>}
 */
async function located(text, loading) {
  const node = /** @type {any} */ (globalThis).process?.getBuiltinModule;
  const isPath = node && !/^\w\w+:/.test(text);
  if (!isPath && !URL.canParse(text, globalThis.location?.href))
    throw new InputError(`${text} is no URL here: give an absolute one.`);
  const base = isPath
    ? node('node:url').pathToFileURL(text)
    : new URL(text, globalThis.location?.href);
  const isBundle = base.pathname.endsWith('.onnx2wgsl');
  if (!isBundle) base.pathname = base.pathname.replace(/\/*$/, '/');
  // A query, such as a token, is that of every file.
  const at = (/** @type {string} */ file) =>
    Object.assign(new URL(file, base), { search: base.search });
  if (node && base.protocol === 'file:') {
    const disk = node('node:fs/promises');
    if (!isBundle) return { read: (file, limit) => readLocal(disk, file, at(file), limit) };
    const bytes = await readLocal(disk, text, base, Infinity);
    return bundle(piecesOf(new Blob([bytes]).stream()));
  }
  const { fetch = globalThis.fetch, cache } = loading;
  const fetched = (/** @type {URL} */ url) => download(fetch, loading, url);
  const store = typeof cache === 'string' ? await openCache(cache) : cache;
  const keyOf = (/** @type {string} */ file) => `${new URL(file, base)}`;
  const put = async (/** @type {string} */ key, /** @type {BlobPart} */ data) => {
    // What there is no room for is fetched again.
    await Promise.resolve(store?.put(key, new Response(new Blob([data])))).catch(() => {});
  };
  if (isBundle) {
    const key = keyOf(base.pathname);
    const keep = store && ((/** @type {Blob} */ whole) => put(key, whole));
    const pieces = fetched(base);
    try {
      // No more than to see whether there is a network.
      const first = await pieces.next();
      return await bundle(resumed(first, pieces), keep);
    } catch (error) {
      const kept = isOffline(error) && (await store?.match(key));
      if (kept && kept.body) return bundle(piecesOf(kept.body));
      throw error;
    }
  }
  /** @type {Files} */
  const files = {
    read: (file, limit, count) => readAll(fetched(at(file)), file, limit, count),
  };
  if (!store) return files;
  files.kept = async (file, limit) => {
    const response = await store.match(keyOf(file));
    if (!response?.body) return;
    return readAll(piecesOf(response.body), file, limit).catch(() => undefined);
  };
  files.keep = (file, data) => put(keyOf(file), data);
  return files;
}

/**
 * Whether an error is one of the network, not of what a server has answered.
 *
 * @param {unknown} error
 */
export function isOffline(error) {
  return error instanceof MissingFileError && !error.status;
}

/**
 * @param {IteratorResult<Uint8Array<ArrayBuffer>>} first
 * @param {Pieces} pieces
 */
async function* resumed(first, pieces) {
  if (first.done) return;
  yield first.value;
  yield* pieces;
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
 * Fetches a file; goes on where the connection broke off.
 *
 * @param {typeof globalThis.fetch} fetch
 * @param {Loading} loading
 * @param {URL} url
 * @returns {Pieces}
 */
async function* download(fetch, loading, url) {
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
          `Cannot read ${url}: ${causeOf(error)}. Is the server up, and does it let this page read it (CORS)?`,
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
async function* piecesOf(body) {
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
async function readAll(pieces, file, limit, count) {
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
 * The words of a network error, which Node has in its cause alone.
 *
 * @param {any} error
 */
function causeOf(error) {
  return messageOf(error?.cause?.message ? error.cause : error);
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

/**
 * A value as JSON, shortened.
 *
 * @param {any} value
 */
export function shown(value) {
  const text = typeof value === 'number' ? `${value}` : JSON.stringify(value);
  return text.length <= 160 ? text : `${text.slice(0, 60)} ... ${text.slice(-90)}`;
}
