/**
 * Where the files of an artifact come from, if not from a folder's URL: bytes at hand, a bundle, a cache, in Node a
 * path.
 *
 * @import {FileCache, Files, Loading, Pieces, Source} from './files.js'
 */
import { ArtifactError, InputError, MissingFileError, messageOf } from './errors.js';
import {
  addressesOf,
  answered,
  download,
  isBundle,
  piecesOf,
  readAll,
  tagOf,
  tooLong,
} from './files.js';

const MODEL = 'model.json';

/**
 * Finds out what a source is.
 *
 * @param {Source} source
 * @param {Loading} loading
 * @returns {Promise<Files>}
 */
export async function openSource(source, loading) {
  const kind = tagOf(source);
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
  const at = isBundle(base) ? undefined : addressesOf(base);
  if (node && base.protocol === 'file:') {
    const disk = node('node:fs/promises');
    if (at) return { read: (file, limit) => readLocal(disk, file, at(file), limit) };
    const bytes = await readLocal(disk, text, base, Infinity);
    return bundle(piecesOf(new Blob([bytes]).stream()));
  }
  const { cache } = loading;
  const store = typeof cache === 'string' ? await openCache(cache) : cache;
  const { match, put: keeper } = /** @type {any} */ (store ?? {});
  if (store && !(match && keeper))
    throw new InputError(
      `cache is ${tagOf(store)}, expected the name of a Cache or an object with match and put.`,
    );
  const keyOf = (/** @type {string} */ file) => `${new URL(file, base)}`;
  const put = async (/** @type {string} */ key, /** @type {BlobPart} */ data) => {
    // What there is no room for is fetched again.
    await Promise.resolve(store?.put(key, new Response(new Blob([data])))).catch(() => {});
  };
  if (!at) {
    const key = keyOf(base.pathname);
    const keep = store && ((/** @type {Blob} */ whole) => put(key, whole));
    const pieces = download(loading, base);
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
    read: (file, limit, count) => readAll(download(loading, at(file)), file, limit, count),
  };
  if (!store) return files;
  const fresh = files.read;
  files.read = async (file, limit, count) => {
    try {
      return await fresh(file, limit, count);
    } catch (error) {
      // Without a network the one that was kept last is good.
      const kept = file === MODEL && isOffline(error) && (await files.kept?.(file, limit));
      if (kept) return kept;
      throw error;
    }
  };
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
function isOffline(error) {
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
