/**
 * Runs an onnx2wgsl artifact on WebGPU, in a browser or in Node: no dependencies, no build step.
 *
 * @import {Start} from './session.js'
 * @import {Wishes} from './variants.js'
 * @typedef {GPUAdapter | (() => Promise<GPUAdapter>)} AdapterSource
 * @typedef {Wishes & {device?: GPUDevice, adapter?: AdapterSource, debug?: boolean, recover?: boolean,
 *   profile?: boolean}} Options
 *   `device`: yours, and never destroyed; or `adapter`, which is good for one device: a function that gives
 *   new ones lets a session recover where `navigator.gpu` has none. `dot`, `requantize`: variants in place of
 *   the probed ones. `debug`: every frame in error scopes, not only the first of each kind. `recover: false`
 *   frees the artifact's bytes, with which a lost device could be replaced. `profile`: a device with
 *   timestamps, where there are any.
 */
import { loadArtifact } from './artifact.js';
import { createFrames } from './frames.js';
import { adapterName, checkLimits, findAdapter } from './gpu.js';
import { createProgram, neededLimits, requireKnown } from './program.js';
import { Session } from './session.js';
import { chooseVariants } from './variants.js';

export * from './errors.js';
export { toPixels } from './pixels.js';
export { Session };

// What is used where the adapter has it: canvases of that format are stored to.
/** @type {GPUFeatureName[]} */
const FEATURES = ['bgra8unorm-storage', 'timestamp-query'];
const OPTIONS = ['device', 'adapter', 'dot', 'requantize', 'debug', 'recover', 'profile'];

/**
 * Loads an artifact and makes everything that its frames need.
 *
 *     const session = await createSession('./avatar/');
 *     const { output } = await session.run({ input: context.getImageData(0, 0, 256, 256) });
 *
 * @param {string | URL} folder the artifact's URL; in Node also its path
 * @param {Options} [options]
 * @returns {Promise<Session>}
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export async function createSession(folder, options = {}) {
  requireKnown('option', Object.keys(options), OPTIONS);
  const given = options.adapter;
  const newAdapter = typeof given === 'function' ? given : findAdapter;
  /** @type {GPUAdapter | undefined} good for one device */
  let adapter = typeof given === 'function' ? undefined : given;
  if (!options.device) adapter ??= await newAdapter();
  const artifact = await loadArtifact(folder);
  const limits = neededLimits(artifact.model);
  /** @type {Start} */
  const start = async (known, owned = !known, chosen = options) => {
    const device = known ?? (await openDevice(adapter ?? (await newAdapter()), limits, options));
    adapter = undefined;
    checkLimits(limits, device.limits, 'the device');
    try {
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
      return { program, frames, variants, owned, displays, release };
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
  return adapter.requestDevice({ requiredLimits, requiredFeatures });
}
