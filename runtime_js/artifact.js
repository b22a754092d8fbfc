/**
 * Reads an artifact, as docs/artifact.md describes it, and refuses a damaged one.
 *
 * @import {Count, Files, Loading, Source} from './files.js'
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
 * @typedef {{shader: string, offset: number, count: number}} Probe  the cases are in the weights
 * @typedef {{seed: number, inputs: Record<string, {low: number, high: number}>, kernels: string[],
 *   pictures: Record<string, string>, outputs: Record<string, string>}} SelfTest
 * @typedef {{name: string, generator: string, sha256: string, reference: {runtime: string},
 *   arena: {bytes: number}, weights: File, shaders: File, self_test: File, labels?: string[], sample?:
 *   string, inputs: Input[], outputs: Tensor[], kernels: Kernel[], probe: Probe,
 *   snippets: {dot: Record<string, string>, requantize: Record<string, string>}}} Model
 * @typedef {{model: Model, weights: Uint8Array<ArrayBuffer>, shaders: Map<string, string>,
 *   selfTest: () => Promise<SelfTest>, explained: Explained}} Artifact  `selfTest` loads the test vectors
 * @typedef {<T>(task: () => Promise<T>) => Promise<T>} Explained  does a task; where that fails because model.json
 *   says what can't be, the error tells what. The compiler wrote nothing of the kind, and the seal says that it
 *   is as it was written: so only then, or where validate asks for it, the schema is loaded.
 */
import { ArtifactError, AdapterError, messageOf } from './errors.js';
import { damaged, isOffline, openFiles, shown } from './files.js';
import { wholeWords } from './gpu.js';

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
const VERSION = 4;
// What stands before the name of each shader.
const HEADING = '\n//// ';
const WORDS = 60;
const NAME = /^\w[\w.-]*$/;
// What stands before the hash of model.json, and the length of all from there.
const SEAL = ',\n "sha256": "';
const SEALED = SEAL.length + 64 + 4;
// The most bytes that model.json may have.
const LIMIT = 8 << 20;

/**
 * Loads and checks an artifact.
 *
 * @param {Source} source
 * @param {Loading} [loading]
 * @returns {Promise<Artifact>}
 * @throws {Error} a file that is missing, damaged or of another version
 */
export async function loadArtifact(source, loading = {}) {
  const { onProgress, validate, ...rest } = loading;
  const files = await openFiles(source, rest);
  const description = await readModel(files);
  const { content, model } = await parseModel(description);
  const requireValid = async () =>
    (await import('./check.js')).requireValid(content, model, bufferSizes);
  /** @type {Explained} */
  const explained = async (task) => {
    try {
      return await task();
    } catch (error) {
      // Without a network, what it would say can't be loaded either.
      await requireValid().catch((problem) => {
        if (problem instanceof ArtifactError) throw problem;
      });
      throw error;
    }
  };
  if (validate) await requireValid();
  return explained(async () => {
    const loads = [model.shaders, model.weights, ...(files.unpack ? [model.self_test] : [])];
    const total = loads.reduce((sum, { bytes }) => sum + bytes, description.length);
    /** @type {Map<string, number>} */
    const counts = new Map();
    let loaded = 0;
    const count = (/** @type {string} */ file, /** @type {number} */ bytes) => {
      const more = bytes - (counts.get(file) ?? 0);
      if (more <= 0) return;
      counts.set(file, bytes);
      const progress = { loaded: (loaded += more), total, file };
      queueMicrotask(() => onProgress?.(progress));
    };
    const load = async (/** @type {File} */ record) => {
      const data = await readChecked(files, record, (bytes) => count(record.file, bytes));
      count(record.file, data.length);
      return data;
    };
    count(MODEL, description.length);
    await files.unpack?.(model, count);
    const [code, weights, vectors] = await Promise.all(loads.map(load));
    const shaders = parseShaders(model, code);
    // Last, so that a cache that has it has also what it names.
    await files.keep?.(MODEL, description);
    // The signal is about this loading, and not about what is loaded later.
    delete rest.signal;
    const selfTest = async () =>
      parseSelfTest(model, vectors ?? (await readChecked(files, model.self_test)));
    return { model, weights, shaders, selfTest, explained };
  });
}

/**
 * The texts of the shaders by name, none of them missing.
 *
 * @param {Model} model
 * @param {Uint8Array<ArrayBuffer>} code
 */
function parseShaders({ shaders: { file }, kernels, inputs, snippets, probe }, code) {
  const sections = `\n${text(file, code)}`.split(HEADING).slice(1);
  const shaders = new Map(
    sections.map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1)];
    }),
  );
  const images = inputs.flatMap(({ image }) => image ?? []);
  const names = [...kernels, ...images.map(({ kernel }) => kernel), probe].map(
    ({ shader }) => shader,
  );
  const others = [...Object.values(snippets), ...images.map(({ resize }) => resize)];
  names.push(...others.flatMap((variants) => Object.values(variants)));
  const missing = names.filter((name) => !shaders.has(name));
  if (missing.length)
    throw damaged(
      file,
      [...new Set(missing)].sort().map((name) => `${name} is missing`),
    );
  return shaders;
}

/**
 * @param {Model} model
 * @param {Uint8Array<ArrayBuffer>} vectors
 * @returns {Promise<SelfTest>}
 */
async function parseSelfTest(model, vectors) {
  const { file } = model.self_test;
  const { selfTestProblems } = await import('./check.js');
  const test = parseJson(file, text(file, vectors));
  const problems = selfTestProblems(test, model);
  if (problems.length) throw damaged(file, problems);
  return test;
}

/**
 * model.json: what the server has, or without a network the last that was kept.
 *
 * @param {Files} files
 */
async function readModel(files) {
  try {
    return await files.read(MODEL, LIMIT);
  } catch (error) {
    const kept = isOffline(error) && (await files.kept?.(MODEL, LIMIT));
    if (kept) return kept;
    throw error;
  }
}

/**
 * A file as model.json records it: from the cache where that has these very bytes.
 *
 * @param {Files} files
 * @param {File} record
 * @param {Count} [count]
 */
async function readChecked(files, record, count) {
  if (!NAME.test(record.file))
    throw damaged(MODEL, [`${shown(record.file)} names no file beside it`]);
  const kept = await files.kept?.(record.file, record.bytes);
  if (kept && !(await mismatch(kept, record))) return kept;
  const data = await files.read(record.file, record.bytes, count);
  const problem = await mismatch(data, record);
  if (problem) throw damaged(record.file, [problem]);
  await files.keep?.(record.file, data);
  return data;
}

/**
 * In what some bytes are not those of a record.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {File} record
 */
async function mismatch(data, { bytes, sha256: expected }) {
  if (data.length !== bytes) return `${data.length} bytes, model.json says ${bytes}`;
  const digest = await sha256(data);
  return digest === expected ? undefined : `SHA-256 is ${digest}, model.json says ${expected}`;
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
 * Parses model.json and checks its version and its own hash.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<{content: string, model: Model}>}
 */
async function parseModel(bytes) {
  const content = text(MODEL, bytes);
  const model = parseJson(MODEL, content);
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
  return { content, model };
}

/**
 * @param {string} file
 * @param {string} content
 */
function parseJson(file, content) {
  try {
    return JSON.parse(content);
  } catch (error) {
    const start = JSON.stringify(content.slice(0, WORDS));
    throw damaged(file, [`not JSON (${messageOf(error)}); it begins with ${start}`]);
  }
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
