/**
 * Runs an onnx2wgsl artifact on WebGPU, in a browser or in Node: no dependencies, no build step.
 *
 * @import {Tensor, Values} from './artifact.js'
 * @import {Feeds, Program} from './program.js'
 * @import {Verdict} from './self_test.js'
 * @import {Variants, Wishes} from './variants.js'
 * @typedef {{ok: boolean, message: string, kernels: Verdict[], outputs: Verdict[],
 *   adapter: string, variants: Variants}} Report
 * @typedef {Wishes & {device?: GPUDevice, adapter?: GPUAdapter}} Options
 */
import { loadArtifact } from './artifact.js';
import { adapterName, checkLimits, findAdapter } from './gpu.js';
import { createProgram, frameOf, neededLimits, requireKnown, runFrame } from './program.js';
import { runSelfTest } from './self_test.js';
import { chooseVariants } from './variants.js';

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

export class Session {
  /** @type {Program} */ #program;
  /** @type {boolean} */ #ownsDevice;
  /** @type {string | undefined} why nothing runs any more */ #end;
  /** @type {Promise<unknown>} runs wait for each other: they share the buffers */
  #last = Promise.resolve();

  /**
   * Use `createSession`.
   *
   * @param {Program} program
   * @param {Variants} variants
   * @param {boolean} ownsDevice
   */
  constructor(program, variants, ownsDevice) {
    const { device, model } = program;
    this.#program = program;
    this.#ownsDevice = ownsDevice;
    this.name = model.name;
    this.inputs = model.inputs.map(described);
    this.outputs = model.outputs.map(described);
    this.adapter = adapterName(device.adapterInfo);
    /** What was chosen on this device, and why. */
    this.variants = variants;
    this.device = device;
    /** Resolves when the device is lost; `destroy` loses a device that the session made. */
    this.lost = device.lost.then((info) => {
      this.#end ??= `The GPU device was lost (${info.message}): make a new session.`;
      return info;
    });
  }

  /**
   * Runs the model once.
   *
   * @param {Feeds} [feeds] a typed array for each input, or ImageData where `image` says that it is a
   *   picture; they must stay as they are until the promise settles
   * @returns {Promise<Record<string, Values>>} by output name
   * @throws {Error} an unknown or missing input, a wrong dtype or length, a lost device
   */
  run(feeds) {
    return this.#enqueue(() => runFrame(this.#program, frameOf(this.#program, feeds ?? {})));
  }

  /**
   * Runs the artifact's test vectors on this device and compares every kernel with the reference.
   *
   * @returns {Promise<Report>}
   */
  async selfTest() {
    const { kernels, outputs } = await this.#enqueue(() => runSelfTest(this.#program));
    const kernel = kernels.find((verdict) => !verdict.ok);
    const wrong = kernel ?? outputs.find((verdict) => !verdict.ok);
    const { adapter, variants } = this;
    const { runtime } = this.#program.model.reference;
    const message = wrong
      ? `${kernel ? 'Kernel' : 'Output'} ${wrong.name} differs from ${runtime}, the first that ` +
        `does, on ${adapter} with ${variants.dot}, ${variants.requantize}.`
      : `Kernels (${kernels.length}) and outputs (${outputs.length}) equal ${runtime}, bit for bit.`;
    return { ok: !wrong, message, kernels, outputs, adapter, variants };
  }

  /** Frees the GPU memory, and the device if the session made it. Nothing runs afterwards. */
  destroy() {
    this.#end ??= 'The session was destroyed: make a new one.';
    const { buffers, staging, device } = this.#program;
    for (const buffer of [...buffers.values(), staging]) buffer.destroy();
    if (this.#ownsDevice) device.destroy();
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #enqueue(task) {
    const turn = this.#last.then(async () => {
      if (this.#end) throw new Error(this.#end);
      return task().catch((error) => {
        throw this.#end ? new Error(this.#end, { cause: error }) : error;
      });
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {Tensor} output one of `session.outputs`, of shape [1, 1 or 3 or 4, height, width]
 * @param {ArrayLike<number>} values as `run` returns them
 */
export function toPixels({ name, shape, image }, values) {
  if (!image) throw new Error(`Output ${name} is not a picture.`);
  const [, channels, height, width] = shape;
  const plane = height * width;
  const pixels = new Uint8ClampedArray(4 * plane).fill(255);
  for (let channel = 0; channel < Math.max(3, channels); channel++) {
    const start = channels === 1 ? 0 : channel * plane;
    // The array rounds ties to even, and clamps.
    for (let i = 0; i < plane; i++)
      pixels[4 * i + channel] = values[start + i] * image.scale + image.offset;
  }
  return pixels;
}

/**
 * @param {GPUAdapter} adapter
 * @param {Record<string, number>} requiredLimits
 */
async function openDevice(adapter, requiredLimits) {
  checkLimits(requiredLimits, adapter.limits, `adapter ${adapterName(adapter.info)}`);
  return adapter.requestDevice({ requiredLimits });
}

/**
 * @param {Tensor} tensor
 * @returns {Tensor}
 */
function described({ name, dtype, shape, image }) {
  const picture = image && { image: { scale: image.scale, offset: image.offset } };
  return { name, dtype, shape, ...picture };
}
