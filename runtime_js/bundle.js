/**
 * Takes a bundle apart: one file with all that a folder has for a runtime, as docs/artifact.md describes it.
 *
 * @import {Files, Pieces} from './files.js'
 */
import { ArtifactError } from './errors.js';
import { damaged } from './files.js';

const MAGIC = 'onnx2wgsl\0\0\0';
const HEAD = MAGIC.length + 4;

/**
 * @param {Pieces} pieces
 * @param {(whole: Blob) => Promise<void>} [keep] is given the bundle when all of it was found right
 * @returns {Files}
 */
export function bundleFiles(pieces, keep) {
  /** @type {Uint8Array<ArrayBuffer>} */
  let rest = new Uint8Array();
  /** @type {BlobPart[]} */
  const all = [];
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const parts = new Map();

  const take = async (
    /** @type {string} */ file,
    /** @type {number} */ bytes,
    /** @type {((count: number) => void) | undefined} */ count = undefined,
  ) => {
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const own = [];
    for (let size = 0; size < bytes; count?.(size)) {
      if (!rest.length) {
        const { done, value } = await pieces.next();
        if (done) throw damaged('The bundle', [`it ends in ${file}`]);
        rest = value;
      }
      own.push(rest.subarray(0, bytes - size));
      rest = rest.subarray(bytes - size);
      size += own[own.length - 1].length;
    }
    const data = new Uint8Array(await new Blob(own).arrayBuffer());
    if (keep) all.push(data);
    return data;
  };

  return {
    async read(file, limit) {
      const part = parts.get(file);
      // It is asked for once; who has it may free it.
      if (parts.delete(file) && part) return part;
      const head = await take('its head', HEAD);
      const magic = String.fromCharCode(...head.subarray(0, MAGIC.length));
      if (magic !== MAGIC)
        throw new ArtifactError(
          `This is no bundle: it begins with ${JSON.stringify(magic)}. Give what onnx2wgsl compile ` +
            '--bundle wrote, or the address of a folder.',
        );
      const bytes = new DataView(head.buffer).getUint32(MAGIC.length, true);
      if (bytes > limit) throw damaged(file, [`it has more than ${limit} bytes`]);
      return take(file, bytes);
    },
    async unpack({ shaders, rare_shaders, self_test, weights }, count) {
      for (const { file, bytes } of [shaders, rare_shaders, self_test, weights])
        parts.set(file, await take(file, bytes, (size) => count(file, size)));
      if (rest.length || !(await pieces.next()).done)
        throw damaged('The bundle', ['more follows than model.json says']);
    },
    keep: async (file) => (file === 'model.json' ? keep?.(new Blob(all)) : undefined),
  };
}
