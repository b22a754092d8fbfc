/**
 * Runs an onnx2wgsl artifact on WebGPU, in a browser or in Node: no dependencies, no build step.
 *
 * @import {Values} from './artifact.js'
 * @import {Fallback} from './fallback.js'
 * @import {Loading, Source} from './files.js'
 * @import {Class, Colour} from './labels.js'
 * @import {AnyModel, ModelType} from './model_type.js'
 * @import {Start} from './stage.js'
 * @import {Wishes} from './variants.js'
 * @typedef {GPUAdapter | (() => Promise<GPUAdapter | null>)} AdapterSource
 * @typedef {object} DeviceOptions  what it runs on: the best adapter of the machine, where nothing is said
 * @property {GPUDevice} [device] yours, and never destroyed
 * @property {AdapterSource} [adapter] good for one device; a function that gives new ones lets a session
 *   recover
 * @property {GPU} [gpu] in the place of `navigator.gpu`: in Node `create([])` of the package webgpu, which
 *   must stay as long as its devices, and with the session does
 * @property {GPUPowerPreference} [powerPreference] of the adapter, where none is given: `low-power`, or
 *   `high-performance`, which is the default
 * @property {GPUFeatureName[]} [requiredFeatures] what the device must have, for work of yours on it
 * @property {boolean} [debug] every frame in error scopes, not only the first of each kind
 * @property {boolean} [recover] false frees the artifact's bytes, with which a lost device could be replaced
 * @property {boolean} [profile] a device with timestamps, where there are any
 * @property {Fallback} [fallback] a function that imports `onnxruntime-web/wasm`, for where there is no
 *   WebGPU; it then runs the ONNX model that `compile --keep-onnx` kept
 * @typedef {Loading & Wishes & DeviceOptions} Options  all may be left out
 */
import { loadArtifact } from './artifact.js';
import { requireKnown } from './feeds.js';
import { createFrames } from './frames.js';
import { adapterName, checkNeeds, findAdapter } from './gpu.js';
import { createProgram, neededLimits } from './program.js';
import { Session } from './session.js';
import { chooseVariants } from './variants.js';

export * from './errors.js';
export { toPixels } from './pixels.js';
export { Session };

const LOADING = ['fetch', 'cache', 'signal', 'onProgress', 'validate'];
// What is used where the adapter has it: canvases of that format are stored to.
/** @type {GPUFeatureName[]} */
const FEATURES = ['bgra8unorm-storage', 'timestamp-query'];
const POWERS = ['high-performance', 'low-power'];
const DEVICES = [
  'device',
  'adapter',
  'gpu',
  'powerPreference',
  'requiredFeatures',
  'dot',
  'requantize',
  'debug',
  'recover',
  'profile',
  'fallback',
];

/**
 * Loads an artifact and makes everything that its frames need.
 *
 *     const session = await createSession('./avatar/');
 *     const { output } = await session.run({ input: context.getImageData(0, 0, 256, 256) });
 *
 * @template {ModelType} [M=AnyModel] what the artifact's model.d.ts says: names, dtypes, shapes
 * @param {Source} source the URL of the artifact's folder, in Node also its path; or its files by name
 * @param {Options} [options]
 * @returns {Promise<Session<M>>} whose `backend` is `webgpu`, or with a `fallback` `onnxruntime-web`
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export async function createSession(source, options = {}) {
  requireKnown('option', Object.keys(options), [...DEVICES, ...LOADING]);
  const { signal, powerPreference } = options;
  requireKnown('powerPreference', powerPreference ? [powerPreference] : [], POWERS);
  signal?.throwIfAborted();
  const session = /** @type {Promise<Session<M>>} */ (makeSession(source, options));
  if (!signal) return session;
  /** @type {() => void} */
  let abort = () => {};
  const aborted = new Promise((_, reject) => (abort = () => reject(signal.reason)));
  signal.addEventListener('abort', abort);
  try {
    return /** @type {Session<M>} */ (await Promise.race([session, aborted]));
  } catch (error) {
    // What comes too late goes again.
    session.then(
      (late) => late.destroy(),
      () => {},
    );
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * The classes with the largest values, the largest first; `session.topK` knows the artifact's labels, too.
 *
 * @param {Values | ArrayLike<number>} values one for each class
 * @param {number} [k] how many, 5 where it is not said
 * @param {{labels?: string[], softmax?: boolean}} [options] names of the classes; whether the values are
 *   turned into probabilities
 * @returns {Promise<Class[]>} its code comes with the first call
 */
export async function topK(values, k, options) {
  return (await import('./labels.js')).topK(values, k, options);
}

/**
 * A colour for each pixel's class, as RGBA bytes to be drawn over the picture.
 *
 * @param {Values | ArrayLike<number>} values of a segmenter's output, as `run` gives them
 * @param {number[]} shape the output's: [1, classes, height, width], of which the largest counts; with one
 *   channel or none, the values are the classes
 * @param {Colour[]} [palette] by class; else class 0 is transparent and the others have colours of their own
 * @returns {Promise<Uint8ClampedArray<ArrayBuffer>>} its code comes with the first call
 */
export async function maskOverlay(values, shape, palette) {
  return (await import('./labels.js')).maskOverlay(values, shape, palette);
}

/**
 * A session on a device; where there is none for the model, the fallback.
 *
 * @param {Source} source
 * @param {Options} options
 */
async function makeSession(source, options) {
  try {
    return await deviceSession(source, options);
  } catch (/** @type {any} */ error) {
    // The latter is what an adapter throws that gives no device.
    if (!options.fallback || !/^(Adapter|Operation)/.test(error?.name)) throw error;
    // Artifacts without an ONNX model are without that module.
    const { createFallback } = await import('./fallback.js').catch(() => {
      throw error;
    });
    return createFallback(source, options, error);
  }
}

/**
 * @param {Source} source
 * @param {Options} options
 */
async function deviceSession(source, options) {
  const { gpu, signal, adapter: given, powerPreference, requiredFeatures } = options;
  const maker = typeof given === 'function' ? given : undefined;
  const newAdapter = () => findAdapter(gpu, powerPreference, maker);
  /** @type {GPUAdapter | undefined} good for one device */
  let adapter = maker ? undefined : /** @type {GPUAdapter | undefined} */ (given);
  if (!options.device) adapter ??= await newAdapter();
  const artifact = await loadArtifact(source, {
    ...options,
    validate: options.validate ?? options.debug,
  });
  signal?.throwIfAborted();
  const { explained } = artifact;
  const limits = await explained(async () => neededLimits(artifact.model));
  /** @type {Start} */
  const start = async (known, owned = !known, chosen = options) => {
    const device = known ?? (await openDevice(adapter ?? (await newAdapter()), limits, options));
    adapter = undefined;
    try {
      checkNeeds(limits, requiredFeatures, device, 'the device');
      const variants = 'why' in chosen ? chosen : await chooseVariants(device, artifact, chosen);
      const { dot, requantize } = variants;
      const program = await createProgram(device, artifact, { dot, requantize });
      const frames = await createFrames(program, { owned, debug: options.debug ?? false });
      const displays = new Map();
      const release = () => {
        for (const one of [
          ...program.buffers.values(),
          ...(program.pictures ?? []),
          frames,
          ...displays.values(),
        ])
          one?.destroy();
      };
      return { gpu, program, frames, variants, owned, displays, release };
    } catch (error) {
      if (!known) device.destroy();
      throw error;
    }
  };
  const first = await explained(() => start(options.device));
  return new Session(first, options.recover === false ? undefined : start);
}

/**
 * @param {GPUAdapter} adapter
 * @param {Record<string, number>} requiredLimits
 * @param {Options} options
 */
async function openDevice(adapter, requiredLimits, { profile, requiredFeatures = [] }) {
  checkNeeds(requiredLimits, requiredFeatures, adapter, `adapter ${adapterName(adapter.info)}`);
  const features = FEATURES.filter(
    (name) => adapter.features.has(name) && (profile || name !== 'timestamp-query'),
  );
  return adapter.requestDevice({
    requiredLimits,
    requiredFeatures: [...features, ...requiredFeatures],
  });
}
