/**
 * Reads an artifact folder, as docs/artifact.md describes it, and refuses a damaged one.
 *
 * @typedef {Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array} Values  bool: 0, 1
 * @typedef {{scale: number, offset: number}} Image  between the bytes and the values of a picture
 * @typedef {{name: string, dtype: keyof typeof ARRAYS, shape: number[], image?: Image}} Tensor
 * @typedef {{size: number[], channels: 'rgb' | 'bgr', scale: number[], offset: number[], fit: 'cover' |
 *   'contain' | 'stretch', pad: number[], replaces: number, kernel: Kernel, resize: {buffer: string, texture:
 *   string}}} InputImage
 * @typedef {Omit<Tensor, 'image'> & {image?: InputImage}} Input
 * @typedef {{buffer: string, offset: number, rows: number, pitch: number, width: number}} Store
 * @typedef {{binding: number, buffer: string, access: string}} Binding
 * @typedef {{name: string, op: string, shader: string, constants: Record<string, number>, uses: string[],
 *   workgroups: number[], bindings: Binding[], stores: Store[], macs: number}} Kernel
 * @typedef {{file: string, bytes: number, sha256: string}} File
 * @typedef {{shader: string, accumulators: number[], scales: number[], zero_points: number[],
 *   expected: number[]}} Probe
 * @typedef {{seed: number, inputs: Record<string, {low: number, high: number}>, kernels: string[],
 *   pictures: Record<string, string>, outputs: Record<string, string>}} SelfTest
 * @typedef {{name: string, generator: string, sha256: string, reference: {runtime: string}, arena: {bytes:
 *   number}, weights: File, files: File[], labels?: string[], sample?: string, inputs: Input[], outputs:
 *   Tensor[], kernels: Kernel[], probe: Probe, snippets: {dot: Record<string, string>, requantize:
 *   Record<string, string>}, self_test: SelfTest}} Model
 * @typedef {{model: Model, weights: Uint8Array<ArrayBuffer>, shaders: Map<string, string>}} Artifact
 */
import { problemsOf, shown } from './check.js';
import { ArtifactError, AdapterError, messageOf } from './errors.js';
import { damaged, folderReader } from './files.js';
import { wholeWords } from './gpu.js';
import schema from './schema.js';

/** The typed array of each dtype. */
export const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

const MODEL = 'model.json';
const VERSION = 2;
const SHADERS = 'shaders/';
// What stands before the hash of model.json, and the length of all from there.
const SEAL = ',\n "sha256": "';
const SEALED = SEAL.length + 64 + 4;
// Every string of a JSON text without escapes, with the colon that follows the name of a member.
const MEMBER = /"[^"]*"(?:\s*:)?/g;

/**
 * Loads and checks the artifact in a folder.
 *
 * @param {string | URL} folder a URL; in Node also a path
 * @returns {Promise<Artifact>}
 * @throws {Error} a file that is missing, damaged or of another version
 */
export async function loadArtifact(folder) {
  const read = folderReader(folder);
  const model = await parseModel(await read(MODEL, schema.limits.bytes));
  const checked = async (/** @type {File} */ { file, bytes, sha256: expected }) => {
    const data = await read(file, bytes);
    if (data.length !== bytes)
      throw damaged(file, [`${data.length} bytes, model.json says ${bytes}`]);
    const digest = await sha256(data);
    if (digest !== expected)
      throw damaged(file, [`SHA-256 is ${digest}, model.json says ${expected}`]);
    return data;
  };
  const shaders = new Map();
  const load = async (/** @type {File} */ record) =>
    shaders.set(record.file.slice(SHADERS.length), text(record.file, await checked(record)));
  const [weights] = await Promise.all([
    checked(model.weights),
    ...model.files.filter(({ file }) => file.startsWith(SHADERS)).map(load),
  ]);
  return { model, weights, shaders };
}

/**
 * The bytes of every buffer that kernels bind, by name.
 *
 * @param {Model} model
 * @returns {Record<string, number>}
 */
export function bufferSizes({ arena, weights, inputs, outputs }) {
  const sizes = new Map([
    ['arena', arena.bytes],
    ['weights', weights.bytes],
  ]);
  for (const input of inputs) {
    sizes.set(`input:${input.name}`, wholeWords(byteLength(input)));
    if (input.image) sizes.set(`image:${input.name}`, 4 * product(input.image.size));
  }
  for (const out of outputs) sizes.set(`output:${out.name}`, wholeWords(byteLength(out)));
  return Object.fromEntries(sizes);
}

/**
 * The number of elements of a tensor.
 *
 * @param {Pick<Tensor, 'shape'>} tensor
 */
export function elements({ shape }) {
  return product(shape);
}

/** @param {number[]} sizes */
function product(sizes) {
  return sizes.reduce((count, size) => count * size, 1);
}

/**
 * The number of bytes of a tensor.
 *
 * @param {Pick<Tensor, 'shape' | 'dtype'>} tensor
 */
export function byteLength(tensor) {
  return elements(tensor) * ARRAYS[tensor.dtype].BYTES_PER_ELEMENT;
}

/**
 * The SHA-256 of some bytes, as 64 hex digits.
 *
 * @param {BufferSource} bytes
 */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle)
    throw new AdapterError('SHA-256 needs a secure page: open it over https, or from localhost.');
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Parses model.json and checks it: its version, its own hash, all that it says.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Model>}
 */
async function parseModel(bytes) {
  const content = text(MODEL, bytes);
  let model;
  try {
    model = JSON.parse(content);
  } catch (error) {
    throw damaged(MODEL, [`not JSON (${messageOf(error)})`]);
  }
  const members = countMembers(model, schema.limits.depth);
  if (model?.format !== 'onnx2wgsl')
    throw new ArtifactError(
      `${MODEL}: $.format is ${shown(model?.format ?? 'nothing')}, not "onnx2wgsl": not an artifact.`,
    );
  if (model.version !== VERSION)
    throw new ArtifactError(
      `${MODEL}: $.version is ${shown(model.version ?? null)}, this runtime reads ${VERSION}. ` +
        "Use the runtime.js of the model's own folder, or compile the model again.",
    );
  // The file's last member is the SHA-256 of all that stands before it.
  const end = content.lastIndexOf(SEAL);
  const seal = `${SEAL}${await sha256(bytes.slice(0, bytes.length - SEALED))}"\n}\n`;
  if (content.slice(end) !== seal)
    throw damaged(MODEL, [
      'it was changed since it was written: its sha256 is that of other bytes',
    ]);
  const strings = content.replace(/\\./g, '').match(MEMBER);
  if (members !== strings?.filter((string) => string.at(-1) === ':').length)
    throw damaged(MODEL, ['a member stands twice in an object']);
  const problems = problemsOf(model, bufferSizes);
  if (problems.length) throw damaged(MODEL, problems);
  return model;
}

/**
 * The members of all objects in a value, which may be nested that deep.
 *
 * @param {any} value
 * @param {number} depth
 * @returns {number}
 */
function countMembers(value, depth) {
  if (value === null || typeof value !== 'object') return 0;
  if (!depth) throw damaged(MODEL, [`nested more than ${schema.limits.depth} deep`]);
  const members = Object.values(value);
  return members.reduce(
    (sum, one) => sum + countMembers(one, depth - 1),
    Array.isArray(value) ? 0 : members.length,
  );
}

/**
 * @param {string} file
 * @param {BufferSource} bytes
 */
function text(file, bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged(file, ['not UTF-8']);
  }
}
