/**
 * Reads an artifact folder, as docs/artifact.md describes it, and refuses a damaged one.
 *
 * @typedef {Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array} Values  bool: 0, 1
 * @typedef {typeof TENSOR & {image?: typeof IMAGE}} Tensor
 * @typedef {typeof TENSOR & {image?: typeof IMAGE & typeof PICTURE}} Input
 * @typedef {typeof KERNEL} Kernel
 * @typedef {Kernel['stores'][number]} Store
 * @typedef {Omit<typeof MODEL, 'inputs' | 'outputs'> & {inputs: Input[], outputs: Tensor[]}} Model
 * @typedef {{model: Model, weights: Uint8Array<ArrayBuffer>, shaders: Map<string, string>}} Artifact
 */

/** The typed array of each dtype. */
export const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

// An example of each thing that model.json must hold: `check` compares kinds, not values.
const KERNEL = {
  name: '',
  shader: '',
  constants: /** @type {Record<string, number>} */ ({}),
  uses: [''],
  workgroups: [0],
  bindings: [{ binding: 0, buffer: '', access: '' }],
  stores: [{ buffer: '', offset: 0, rows: 0, pitch: 0, width: 0 }],
};
const TENSOR = { name: '', dtype: /** @type {keyof typeof ARRAYS} */ ('uint8'), shape: [0] };
// Between the bytes and the values of a picture.
const IMAGE = { scale: 0, offset: 0 };
const PICTURE = { replaces: 0, kernel: KERNEL };
const MODEL = {
  name: '',
  reference: { runtime: '' },
  arena: { bytes: 0 },
  weights: { file: '', bytes: 0, sha256: '' },
  inputs: [TENSOR],
  outputs: [TENSOR],
  kernels: [KERNEL],
  snippets: { dot: { packed: '', emulated: '' }, requantize: { fast: '', integer: '' } },
  probe: { shader: '', accumulators: [0], scales: [0], zero_points: [0], expected: [0] },
  self_test: {
    seed: 0,
    inputs: /** @type {Record<string, {low: number, high: number}>} */ ({}),
    kernels: [''],
    pictures: /** @type {Record<string, string>} */ ({}),
    outputs: /** @type {Record<string, string>} */ ({}),
  },
};

/**
 * Loads and checks the artifact in a folder.
 *
 * @param {string | URL} folder a URL; in Node also a path
 * @returns {Promise<Artifact>}
 * @throws {Error} a file that is missing, damaged or of another version
 */
export async function loadArtifact(folder) {
  const read = reader(folder);
  const text = async (/** @type {string} */ name) => new TextDecoder().decode(await read(name));
  const model = parseModel(await text('model.json'));
  const { weights, kernels, inputs, snippets, probe } = model;
  const names = new Set([
    ...kernels.map((kernel) => kernel.shader),
    ...inputs.flatMap(({ image }) => (image ? [image.kernel.shader] : [])),
    ...Object.values(snippets).flatMap(Object.values),
    probe.shader,
  ]);
  const shaders = new Map();
  const [bytes] = await Promise.all([
    read(weights.file),
    ...Array.from(names, async (name) => shaders.set(name, await text(`shaders/${name}`))),
  ]);
  if (bytes.length !== weights.bytes)
    throw damaged(`${weights.file} has ${bytes.length} bytes, model.json says ${weights.bytes}`);
  const digest = await sha256(bytes);
  if (digest !== weights.sha256)
    throw damaged(`${weights.file} has SHA-256 ${digest}, model.json says ${weights.sha256}`);
  return { model, weights: bytes, shaders };
}

/**
 * The number of elements of a tensor.
 *
 * @param {Tensor} tensor
 */
export function elements({ shape }) {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * The number of bytes of a tensor.
 *
 * @param {Tensor} tensor
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
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Parses model.json and checks that everything a runtime reads is there.
 *
 * @param {string} text
 * @returns {Model}
 */
function parseModel(text) {
  let model;
  try {
    model = JSON.parse(text);
  } catch (error) {
    throw damaged(`model.json is not JSON (${messageOf(error)})`);
  }
  if (model?.format !== 'onnx2wgsl')
    throw damaged(`model.json: format is ${model?.format}, expected onnx2wgsl`);
  if (model.version !== 1)
    throw new Error(
      `model.json: version is ${model.version}, this runtime reads 1. ` +
        "Use the runtime.js of the model's own folder, or compile the model again.",
    );
  check(model, MODEL, '');
  for (const { name, image } of model.inputs) if (image) check(image, PICTURE, `image of ${name}`);
  for (const { name, dtype, image } of [...model.inputs, ...model.outputs]) {
    if (image) check(image, IMAGE, `image of ${name}`);
    if (!Object.hasOwn(ARRAYS, dtype))
      throw damaged(`model.json: ${name} is ${dtype}, expected ${Object.keys(ARRAYS).join(', ')}`);
  }
  return model;
}

/**
 * Throws where `value` is not made like the example.
 *
 * @param {any} value
 * @param {any} like
 * @param {string} place
 */
function check(value, like, place) {
  if (kind(value) !== kind(like))
    throw damaged(`model.json: ${place} is ${kind(value)}, expected ${kind(like)}`);
  if (Array.isArray(like))
    for (const [i, item] of value.entries()) check(item, like[0], `${place}[${i}]`);
  else if (typeof like === 'object')
    for (const key in like) check(value[key], like[key], place ? `${place}.${key}` : key);
}

/** @param {any} value */
function kind(value) {
  return value === undefined ? 'missing' : Array.isArray(value) ? 'array' : typeof value;
}

/** @param {string} what */
function damaged(what) {
  return new Error(`${what}. Compile the model again, or copy its folder again.`);
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : `${error}`;
}

/**
 * A function that reads a file of the folder: by fetch, or in Node from the disk.
 *
 * @param {string | URL} folder
 */
function reader(folder) {
  const node = /** @type {typeof process | undefined} */ (globalThis.process)?.getBuiltinModule;
  const text = `${folder}`.replace(/\/*$/, '/');
  const isPath = node && !/^\w\w+:/.test(text);
  const base = isPath
    ? node('node:url').pathToFileURL(text)
    : new URL(text, globalThis.location?.href);
  return async (/** @type {string} */ name) => {
    const url = new URL(name, base);
    try {
      if (node && url.protocol === 'file:')
        return new Uint8Array(await node('node:fs/promises').readFile(url));
      const response = await fetch(url);
      if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      throw new Error(`Cannot read ${url}: ${messageOf(error)}.`, { cause: error });
    }
  };
}
