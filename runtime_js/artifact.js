/**
 * Reads an artifact, as docs/artifact.md describes it, and refuses a damaged one.
 *
 * @import {Count, Files, Loading, Source} from './files.js'
 * @typedef {Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array} Values  the elements of a
 *   tensor, row-major; those of bool are 0 and 1
 * @typedef {'float32' | 'int32' | 'int64' | 'uint8' | 'int8' | 'bool'} Dtype
 * @typedef {object} Image  how values become the bytes of a picture: byte = value * scale + offset
 * @property {number} scale
 * @property {number} offset
 * @typedef {object} Tensor
 * @property {string} name
 * @property {Dtype} dtype
 * @property {number[]} shape
 * @property {Image} [image] where it is a picture
 * @typedef {object} InputFormat  how a picture becomes an input: value = byte * scale + offset
 * @property {number[]} size width and height
 * @property {'rgb' | 'bgr'} channels in which order
 * @property {number[]} scale by channel, in that order
 * @property {number[]} offset likewise
 * @property {'cover' | 'contain' | 'stretch'} fit how a picture of other proportions meets the input
 * @property {number[]} pad red, green and blue of what lies beside a contained one
 * @typedef {InputFormat & {replaces: number, skips?: number[], kernel: Kernel,
 *   resize: {buffer: string, texture: string}}} InputImage
 * @typedef {Omit<Tensor, 'image'> & {image?: InputImage}} Input
 * @typedef {{buffer: string, offset: number, rows: number, pitch: number, width: number}} Store
 * @typedef {{binding: number, buffer: string, access: string}} Binding
 * @typedef {{shader: string, constants: number[] | Record<string, number>,
 *   uses: string[], workgroups: number[]}} Schedule
 * @typedef {Schedule & {name: string, op: string, bindings: Binding[],
 *   schedules?: Record<string, Schedule>}} Kernel  `schedules` take its place by the variant of dot
 * @typedef {{file: string, bytes: number, sha256: string}} File
 * @typedef {{shader: string, offset: number, count: number}} Probe  the cases are in the weights
 * @typedef {{seed: number, inputs: Record<string, {low: number, high: number}>, kernels: string[],
 *   stores: Store[][], macs: number[], pictures: Record<string, string>, outputs: Record<string, string>}} SelfTest
 * @typedef {{name: string, generator: string, sha256: string, reference: {runtime: string,
 *   qdqisint8allowed: boolean}, arena: {bytes: number}, weights: File, shaders: File, rare_shaders: File, self_test: File, onnx?: File,
 *   labels?: string[], sample?: string, inputs: Input[], outputs: Tensor[], kernels: Kernel[],
 *   probe: Probe,
 *   snippets: {dot: Record<string, string>, requantize: Record<string, string>}}} Model
 * @typedef {{model: Model, weights: Uint8Array<ArrayBuffer>, shaders: Map<string, string>,
 *   rareShaders: () => Promise<void>, selfTest: () => Promise<SelfTest>, explained: Explained}} Artifact
 *   `rareShaders` loads into `shaders` what few devices or pictures need, `selfTest` the test vectors
 * @typedef {(record: File) => Promise<Uint8Array<ArrayBuffer>>} Read  of a file that model.json records
 * @typedef {<T>(task: () => Promise<T>) => Promise<T>} Explained  does a task; where that fails because model.json
 *   says what can't be, the error tells what. The compiler wrote nothing of the kind, and the seal says that it
 *   is as it was written: so only then, or where validate asks for it, the schema is loaded.
 */
import { advised } from './advised.js';
import { ArtifactError, AdapterError, messageOf } from './errors.js';
import { damaged, openFiles, shown } from './files.js';
import { wholeWords } from './gpu.js';

/**
 * The typed array of each dtype.
 *
 * @satisfies {Record<Dtype, unknown>}
 */
export const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

const MODEL = 'model.json';
/** Of the artifacts that this runtime reads. */
export const VERSION = 5;
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
export function loadArtifact(source, loading = {}) {
  const choose = (/** @type {Model} */ model, /** @type {unknown} */ isBundle) => [
    model.shaders,
    model.weights,
    ...(isBundle ? [model.rare_shaders, model.self_test] : []),
  ];
  return loadFiles(source, loading, choose, async (found, [code, weights, rare, vectors]) => {
    const { model, read, explained } = found;
    /** @type {Map<string, string>} */
    const shaders = new Map();
    const [names, rareNames] = shaderNames(model);
    addShaders(shaders, model.shaders.file, code, names);
    const rareShaders = async () => {
      if (rareNames.every((name) => shaders.has(name))) return;
      const { rare_shaders: record } = model;
      addShaders(shaders, record.file, rare ?? (await read(record)), rareNames);
    };
    const selfTest = async () => {
      const [{ readSelfTest }, data] = await Promise.all([
        import('./check.js'),
        vectors ?? read(model.self_test),
      ]);
      return readSelfTest(data, model, bufferSizes);
    };
    if (loading.validate) await selfTest();
    return { model, weights, shaders, rareShaders, selfTest, explained };
  });
}

/**
 * Loads model.json, and some of the files that it records.
 *
 * @template T
 * @param {Source} source
 * @param {Loading} loading
 * @param {(model: Model, isBundle: unknown) => File[]} choose
 * @param {(found: {model: Model, read: Read, explained: Explained}, parts: Uint8Array<ArrayBuffer>[]) =>
 *   T | Promise<T>} make  what is returned; `read` loads other files later
 * @returns {Promise<T>}
 */
export async function loadFiles(source, loading, choose, make) {
  const { onProgress, validate, ...rest } = loading;
  const files = await openFiles(source, rest);
  const description = await files.read(MODEL, LIMIT);
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
    const loads = choose(model, files.unpack);
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
    const parts = await Promise.all(loads.map(load));
    // Last, so that a cache that has it has also what it names.
    await files.keep?.(MODEL, description);
    // The signal is about this loading, and not about what is loaded later.
    delete rest.signal;
    const read = (/** @type {File} */ record) => readChecked(files, record);
    return make({ model, read, explained }, parts);
  });
}

/**
 * The shaders that every session needs, and those that are loaded when one does.
 *
 * @param {Model} model
 */
function shaderNames({ kernels, inputs, snippets: { dot, requantize }, probe }) {
  const images = inputs.flatMap(({ image }) => image ?? []);
  const all = [...kernels, ...images.map(({ kernel }) => kernel)];
  return [
    [dot.packed, requantize.fast, ...[...all, probe].map(({ shader }) => shader)],
    [
      dot.emulated,
      requantize.integer,
      ...images.flatMap(({ resize }) => Object.values(resize)),
      ...all.flatMap(({ schedules = {} }) => Object.values(schedules).map(({ shader }) => shader)),
    ],
  ];
}

/**
 * Adds the texts in a file by name; of those that must be there, none may be missing.
 *
 * @param {Map<string, string>} shaders
 * @param {string} file
 * @param {Uint8Array<ArrayBuffer>} code
 * @param {string[]} names
 */
function addShaders(shaders, file, code, names) {
  for (const section of `\n${text(file, code)}`.split(HEADING).slice(1)) {
    const end = section.indexOf('\n');
    shaders.set(section.slice(0, end), section.slice(end + 1));
  }
  const missing = names.filter((name) => !shaders.has(name));
  if (missing.length)
    throw damaged(
      file,
      [...new Set(missing)].sort().map((name) => `${name} is missing`),
    );
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
    throw new AdapterError(await advised('SHA-256 is missing here.', ({ noDigest }) => noDigest()));
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
  if (model?.format !== 'onnx2wgsl' || model.version !== VERSION)
    throw new ArtifactError(
      await advised(`${MODEL} is of another version.`, ({ otherModel }) =>
        otherModel(MODEL, model),
      ),
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
export function parseJson(file, content) {
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
export function text(file, bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged(file, ['not UTF-8']);
  }
}
