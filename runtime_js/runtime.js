/**
 * Runs an onnx2wgsl artifact on WebGPU, in a browser or in Node: no dependencies, no build step.
 *
 * @import {Artifact} from './artifact.js'
 * @import {Fallback} from './fallback.js'
 * @import {Loading, Source} from './files.js'
 * @import {Start} from './session.js'
 * @import {Wishes} from './variants.js'
 * @typedef {GPUAdapter | (() => Promise<GPUAdapter>)} AdapterSource
 * @typedef {Loading & Wishes & {device?: GPUDevice, adapter?: AdapterSource, gpu?: GPU, debug?: boolean,
 *   recover?: boolean, profile?: boolean, fallback?: Fallback}} Options
 *   `device`: yours, and never destroyed; or `adapter`, which is good for one device: a function that gives
 *   new ones lets a session recover; or `gpu`, in the place of `navigator.gpu`: in Node `create([])` of the
 *   package webgpu, which must stay as long as its devices, and with the session does. `dot`, `requantize`:
 *   variants in place of the probed ones. `debug`: every frame in error scopes, not only the first of each
 *   kind. `recover: false` frees the artifact's bytes, with which a lost device could be replaced. `profile`:
 *   a device with timestamps, where there are any. `fallback`: a function that imports `onnxruntime-web/wasm`,
 *   for where there is no WebGPU; it then runs the ONNX model that `compile --keep-onnx` kept.
 */
import { loadArtifact } from './artifact.js';
import { AdapterError, messageOf } from './errors.js';
import { createFrames } from './frames.js';
import { adapterName, checkLimits, findAdapter } from './gpu.js';
import { createProgram, neededLimits, requireKnown } from './program.js';
import { Session } from './session.js';
import { chooseVariants } from './variants.js';

export * from './errors.js';
export { toPixels } from './pixels.js';
export { Session };

const OR_FALLBACK =
  ' Or give the option fallback, which runs the model in onnxruntime-web without WebGPU.';
const LOADING = ['fetch', 'cache', 'signal', 'onProgress'];
// What is used where the adapter has it: canvases of that format are stored to.
/** @type {GPUFeatureName[]} */
const FEATURES = ['bgra8unorm-storage', 'timestamp-query'];
const DEVICES = [
  'device',
  'adapter',
  'gpu',
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
 * @param {Source} source the URL of the artifact's folder, in Node also its path; or its files by name
 * @param {Options} [options]
 * @returns {Promise<Session>} whose `backend` is `webgpu`, or with a `fallback` `onnxruntime-web`
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export async function createSession(source, options = {}) {
  requireKnown('option', Object.keys(options), [...DEVICES, ...LOADING]);
  const { signal } = options;
  signal?.throwIfAborted();
  const session = makeSession(source, options);
  if (!signal) return session;
  /** @type {() => void} */
  let abort = () => {};
  const aborted = new Promise((_, reject) => (abort = () => reject(signal.reason)));
  signal.addEventListener('abort', abort);
  try {
    return /** @type {Session} */ (await Promise.race([session, aborted]));
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
 * A session on a device; where there is none for the model, the fallback.
 *
 * @param {Source} source
 * @param {Options} options
 */
async function makeSession(source, options) {
  /** @type {Artifact | undefined} */
  let artifact;
  const load = async () => (artifact = await loadArtifact(source, options));
  try {
    return await deviceSession(load, options);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    const { fallback } = options;
    if (fallback) {
      const { createFallback } = await import('./fallback.js');
      return createFallback(artifact ?? source, { ...options, fallback }, error);
    }
    // A page that is not secure has no SHA-256, either.
    if (globalThis.isSecureContext !== false) error.message += OR_FALLBACK;
    throw error;
  }
}

/**
 * @param {() => Promise<Artifact>} load
 * @param {Options} options
 */
async function deviceSession(load, options) {
  const { gpu, signal, adapter: given } = options;
  const newAdapter = typeof given === 'function' ? given : () => findAdapter(gpu);
  /** @type {GPUAdapter | undefined} good for one device */
  let adapter = typeof given === 'function' ? undefined : given;
  if (!options.device) adapter ??= await newAdapter();
  const artifact = await load();
  signal?.throwIfAborted();
  const limits = neededLimits(artifact.model);
  /** @type {Start} */
  const start = async (known, owned = !known, chosen = options) => {
    const device = known ?? (await openDevice(adapter ?? (await newAdapter()), limits, options));
    adapter = undefined;
    try {
      checkLimits(limits, device.limits, 'the device');
      const variants = 'why' in chosen ? chosen : await chooseVariants(device, artifact, chosen);
      const { dot, requantize } = variants;
      const program = await createProgram(device, artifact, { dot, requantize });
      const frames = await createFrames(program, { owned, debug: options.debug ?? false });
      const displays = new Map();
      const release = () => {
        for (const one of [
          ...program.buffers.values(),
          ...program.resizers,
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
  return new Session(await start(options.device), options.recover === false ? undefined : start);
}

/**
 * @param {GPUAdapter} adapter
 * @param {Record<string, number>} requiredLimits
 * @param {Options} options
 */
async function openDevice(adapter, requiredLimits, { profile }) {
  checkLimits(requiredLimits, adapter.limits, `adapter ${adapterName(adapter.info)}`);
  const requiredFeatures = FEATURES.filter(
    (name) => adapter.features.has(name) && (profile || name !== 'timestamp-query'),
  );
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (error) {
    throw new AdapterError(
      `The adapter ${adapterName(adapter.info)} gives no device: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}
