/** Reads the files of an artifact: by fetch, or in Node from the disk. */
import { ArtifactError, MissingFileError, messageOf } from './errors.js';

const SHOWN = 5;

/**
 * A function that reads a file of the folder, of at most some bytes: by fetch, or in Node from the disk.
 *
 * @param {string | URL} folder
 */
export function folderReader(folder) {
  const node = /** @type {any} */ (globalThis).process?.getBuiltinModule;
  const text = `${folder}`.replace(/\/*$/, '/');
  const isPath = node && !/^\w\w+:/.test(text);
  const base = isPath
    ? node('node:url').pathToFileURL(text)
    : new URL(text, globalThis.location?.href);
  return async (/** @type {string} */ name, /** @type {number} */ limit) => {
    const url = new URL(name, base);
    const tooLong = damaged(name, [`it has more than ${limit} bytes`]);
    try {
      if (node && url.protocol === 'file:')
        return await readLocal(node('node:fs/promises'), url, limit, tooLong);
      const response = await fetch(url);
      if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      return await readBody(response, limit, tooLong);
    } catch (error) {
      if (error === tooLong) throw error;
      throw new MissingFileError(`Cannot read ${url}: ${messageOf(error)}.`, { cause: error });
    }
  };
}

/**
 * @param {{stat(url: URL): Promise<{size: number, isFile(): boolean}>,
 *   readFile(url: URL): Promise<Uint8Array>}} files
 * @param {URL} url
 * @param {number} limit
 * @param {Error} tooLong
 */
async function readLocal(files, url, limit, tooLong) {
  const status = await files.stat(url);
  // A pipe would never end.
  if (!status.isFile()) throw new Error('it is no regular file');
  if (status.size > limit) throw tooLong;
  return new Uint8Array(await files.readFile(url));
}

/**
 * @param {Response} response
 * @param {number} limit
 * @param {Error} tooLong
 */
async function readBody({ body }, limit, tooLong) {
  let rest = limit;
  /** @type {TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>} */
  const counted = new TransformStream({
    transform(chunk, controller) {
      rest -= chunk.length;
      if (rest < 0) throw tooLong;
      controller.enqueue(chunk);
    },
  });
  return new Uint8Array(await new Response(body?.pipeThrough(counted)).arrayBuffer());
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
