/**
 * Runs an onnx2wgsl artifact on WebGPU, in a browser or in Node: no dependencies, no build step.
 *
 * @import {Wishes} from './variants.js'
 * @typedef {Wishes & {device?: GPUDevice, adapter?: GPUAdapter}} Options
 */
import { loadArtifact } from './artifact.js';
import { adapterName, checkLimits, findAdapter } from './gpu.js';
import { createProgram, neededLimits, requireKnown } from './program.js';
import { Session } from './session.js';
import { chooseVariants } from './variants.js';

export * from './errors.js';
export { toPixels } from './pixels.js';
export { Session };

/**
 * Loads an artifact and makes everything that its frames need.
 *
 *     const session = await createSession('./avatar/');
 *     const { output } = await session.run({ input: context.getImageData(0, 0, 256, 256) });
 *
 * @param {string | URL} folder the artifact's URL; in Node also its path
 * @param {Options} [options] a device or an adapter to use; variants in place of the probed ones
 * @returns {Promise<Session>}
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export async function createSession(folder, options = {}) {
  requireKnown('option', Object.keys(options), ['device', 'adapter', 'dot', 'requantize']);
  const adapter = options.device ? null : (options.adapter ?? (await findAdapter()));
  const artifact = await loadArtifact(folder);
  const limits = neededLimits(artifact.model);
  const device = adapter
    ? await openDevice(adapter, limits)
    : /** @type {GPUDevice} */ (options.device);
  checkLimits(limits, device.limits, 'the device');
  try {
    const variants = await chooseVariants(device, artifact, options);
    const { dot, requantize } = variants;
    const program = await createProgram(device, artifact, { dot, requantize });
    return new Session(program, variants, !options.device);
  } catch (error) {
    if (!options.device) device.destroy();
    throw error;
  }
}

/**
 * @param {GPUAdapter} adapter
 * @param {Record<string, number>} requiredLimits
 */
async function openDevice(adapter, requiredLimits) {
  checkLimits(requiredLimits, adapter.limits, `adapter ${adapterName(adapter.info)}`);
  return adapter.requestDevice({ requiredLimits });
}
