/**
 * A loaded model on a device: what `createSession` gives.
 *
 * @import {Input, InputImage, Tensor, Values} from './artifact.js'
 * @import {Feeds, Program} from './program.js'
 * @import {Fit} from './pictures.js'
 * @import {Verdict} from './self_test.js'
 * @import {Variants} from './variants.js'
 * @typedef {{ok: boolean, message: string, kernels: Verdict[], outputs: Verdict[],
 *   adapter: string, variants: Variants}} Report
 */
import { DestroyedError, DeviceLostError, SessionError } from './errors.js';
import { adapterName } from './gpu.js';
import { readyFrame, requireKnown, runFrame } from './program.js';
import { runSelfTest } from './self_test.js';

export class Session {
  /** @type {Program} */ #program;
  /** @type {boolean} */ #ownsDevice;
  /** @type {SessionError | undefined} why nothing runs any more */ #end;
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
    this.inputs = model.inputs.map(describedInput);
    this.outputs = model.outputs.map(described);
    /** The names of the classes, and the file of a picture to show the model on; where it has them. */
    this.labels = model.labels;
    this.sample = model.sample;
    this.adapter = adapterName(device.adapterInfo);
    /** What was chosen on this device, and why. */
    this.variants = variants;
    this.device = device;
    /** Resolves when the device is lost; `destroy` loses a device that the session made. */
    this.lost = device.lost.then((info) => {
      this.#end ??= new DeviceLostError(
        `The GPU device was lost (${info.message}): make a new session.`,
      );
      return info;
    });
  }

  /**
   * Runs the model once.
   *
   * @param {Feeds} [feeds] for each input a typed array or a GPUBuffer, or where `image` says that it is a
   *   picture anything that is one, of any size; they must stay as they are until the promise settles
   * @param {{fit?: Fit}} [options] fit: cover, contain, stretch or a rectangle of pictures, in the place of
   *   what the model says
   * @returns {Promise<Record<string, Values>>} by output name
   * @throws {Error} an unknown or missing input, a wrong dtype or length, a lost device
   */
  run(feeds, options = {}) {
    return this.#enqueue(async () => {
      requireKnown('option', Object.keys(options), ['fit']);
      return runFrame(this.#program, await readyFrame(this.#program, feeds ?? {}, options));
    });
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
    this.#end ??= new DestroyedError('The session was destroyed: make a new one.');
    const { buffers, staging, resizers, device } = this.#program;
    for (const one of [...buffers.values(), staging, ...resizers]) one?.destroy();
    if (this.#ownsDevice) device.destroy();
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #enqueue(task) {
    const turn = this.#last.then(async () => {
      if (this.#end) throw this.#end;
      return task().catch((error) => {
        throw this.#end ?? error;
      });
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/**
 * @param {Tensor} tensor
 * @returns {Tensor}
 */
function described({ name, dtype, shape, image }) {
  const picture = image && { image: { scale: image.scale, offset: image.offset } };
  return { name, dtype, shape, ...picture };
}

/**
 * @param {Input} input
 * @returns {Omit<Input, 'image'> & {image?: Omit<InputImage, 'resize' | 'replaces' | 'kernel'>}}
 */
function describedInput({ name, dtype, shape, image }) {
  if (!image) return { name, dtype, shape };
  const { size, channels, scale, offset, fit, pad } = image;
  return { name, dtype, shape, image: { size, channels, scale, offset, fit, pad } };
}
