/**
 * A model on a device, everything made once: buffers, pipelines, bind groups.
 *
 * @import {Artifact, Input, Kernel, Model, Tensor, Values} from './artifact.js'
 * @import {Buffers, Choice, Frame, Step} from './gpu.js'
 * @typedef {{data: Uint8ClampedArray | Uint8Array, width: number, height: number}} Picture  as ImageData
 * @typedef {Record<string, Values | Picture>} Feeds  by input name
 * @typedef {{device: GPUDevice, model: Model, buffers: Buffers, steps: Step[],
 *   pictureSteps: (Step | undefined)[]}} Program
 */
import { ARRAYS, bufferSizes, byteLength, elements } from './artifact.js';
import { InputError } from './errors.js';
import { bound, checked, createStep, storageBuffer, wholeWords } from './gpu.js';

/** What stands on the device for an int64 that 32 bits do not hold. */
export const BEYOND = -(2n ** 31n);

/**
 * The WebGPU limits that a model needs.
 *
 * @param {Model} model
 */
export function neededLimits(model) {
  const { inputs, kernels } = model;
  const all = [...kernels, ...inputs.flatMap(({ image }) => (image ? [image.kernel] : []))];
  const binding = Math.max(...Object.values(bufferSizes(model)));
  return {
    maxStorageBufferBindingSize: binding,
    maxBufferSize: Math.max(binding, stagingBytes(model)),
    maxStorageBuffersPerShaderStage: Math.max(...all.map((kernel) => kernel.bindings.length)),
    maxComputeWorkgroupsPerDimension: Math.max(...all.flatMap((kernel) => kernel.workgroups)),
  };
}

/**
 * The bytes of a buffer that the outputs are read through, as values or as pixels.
 *
 * @param {Model} model
 */
export function stagingBytes({ outputs }) {
  return outputs.reduce((sum, output) => {
    const pixels = output.image ? 4 * pixelPitch(output) * output.shape[2] : 0;
    return sum + Math.max(wholeWords(byteLength(output)), pixels);
  }, 0);
}

/**
 * The words from row to row of an output's pixels: rows are whole 256 bytes, as copies to textures want them.
 *
 * @param {Tensor} output
 */
export function pixelPitch({ shape }) {
  return Math.ceil(shape[3] / 64) * 64;
}

/**
 * Makes everything that the frames use.
 *
 * @param {GPUDevice} device
 * @param {Artifact} artifact
 * @param {Choice} choice
 * @returns {Promise<Program>}
 */
export async function createProgram(device, artifact, choice) {
  const { model, weights } = artifact;
  const buffers = await checked(device, 'Cannot make the buffers', () => {
    const sizes = Object.entries(bufferSizes(model));
    const storage = sizes.map(([name, size]) => storageBuffer(device, name, size));
    const buffers = new Map(storage.map((buffer) => [buffer.label, buffer]));
    device.queue.writeBuffer(bound(buffers, 'weights'), 0, weights);
    return buffers;
  });
  const step = (/** @type {Kernel} */ kernel) =>
    createStep(device, artifact, choice, kernel, buffers);
  const [steps, pictureSteps] = await Promise.all([
    Promise.all(model.kernels.map(step)),
    Promise.all(model.inputs.map(({ image }) => image && step(image.kernel))),
  ]);
  return { device, model, buffers, steps, pictureSteps };
}

/**
 * What a frame uploads and runs, which depends on who came as a picture.
 *
 * @param {Pick<Program, 'model' | 'buffers' | 'steps' | 'pictureSteps'>} program
 * @param {Feeds} feeds
 * @returns {Frame}
 */
export function frameOf({ model, buffers, steps, pictureSteps }, feeds) {
  requireKnown(
    'input',
    Object.keys(feeds),
    model.inputs.map(({ name }) => name),
  );
  /** @type {Frame} */
  const frame = { writes: [], steps: [...steps] };
  for (const [i, input] of model.inputs.entries()) {
    const { name, image } = input;
    const value = /** @type {any} */ (feeds[name]);
    const isPicture = image && value?.data !== undefined;
    if (isPicture) frame.steps[image.replaces] = /** @type {Step} */ (pictureSteps[i]);
    const buffer = bound(buffers, `${isPicture ? 'image' : 'input'}:${name}`);
    const bytes = padded(isPicture ? pixelsOf(input, value) : valuesOf(input, value));
    frame.writes.push({ buffer, bytes });
  }
  return frame;
}

/**
 * Refuses a name that is none of the known ones.
 *
 * @param {string} what
 * @param {string[]} names
 * @param {string[]} known
 */
export function requireKnown(what, names, known) {
  for (const name of names)
    if (!known.includes(name))
      throw new InputError(`No ${what} is named ${name}: expected ${known.join(', ') || 'none'}.`);
}

/**
 * The bytes of a picture.
 *
 * @param {Input} input
 * @param {Picture} picture
 */
function pixelsOf({ name, shape }, { data, width, height }) {
  if (!/^Uint8(Clamped)?Array$/.test(kindOf(data)))
    throw new InputError(
      `Input ${name} is a picture of ${kindOf(data)}, expected bytes: Uint8ClampedArray or Uint8Array.`,
    );
  const size = `${width}x${height} in ${data.length} bytes`;
  const expected = `${shape[3]}x${shape[2]} in ${4 * shape[2] * shape[3]} bytes`;
  if (size !== expected)
    throw new InputError(`Input ${name} is a picture of ${size}, expected ${expected} (RGBA).`);
  return data;
}

/**
 * The values of an input, checked.
 *
 * @param {Input} input
 * @param {Values} values
 */
function valuesOf(input, values) {
  const { name, shape, dtype, image } = input;
  const kind = kindOf(values);
  const type = ARRAYS[dtype].name;
  if (kind !== type || values.length !== elements(input)) {
    const given = values?.length === undefined ? kind : `${kind}(${values.length})`;
    throw new InputError(
      `Input ${name} is ${values === undefined ? 'missing' : given}, expected ` +
        `${type}(${elements(input)}) of shape ${shape.join('x')}${image ? ' or ImageData' : ''}.`,
    );
  }
  if (dtype === 'int64') checkWords(name, /** @type {BigInt64Array} */ (values));
  return values;
}

/**
 * What a value is, by its tag: an array of another realm, or a Buffer, has another constructor.
 *
 * @param {unknown} value
 */
function kindOf(value) {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return ArrayBuffer.isView(value) || !/.Array$/.test(tag) ? tag : 'Object';
}

/**
 * Refuses int64 values that the device, which holds them in 32 bits, would cut.
 *
 * @param {string} name
 * @param {BigInt64Array} values
 */
function checkWords(name, values) {
  const outside = values.find((value) => value !== BigInt.asIntN(32, value) || value === BEYOND);
  if (outside !== undefined)
    throw new InputError(
      `Input ${name} holds ${outside}; an int64 is computed in 32 bits: ` +
        `give values from ${BEYOND + 1n} to ${-BEYOND - 1n}.`,
    );
}

/**
 * The bytes, filled up to a whole word: writeBuffer takes no less.
 *
 * @param {Values | Uint8ClampedArray} values
 * @returns {Uint8Array<ArrayBuffer>}
 */
function padded(values) {
  const { buffer, byteOffset, byteLength } = values;
  const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength);
  if (byteLength % 4 === 0) return bytes;
  const words = new Uint8Array(wholeWords(byteLength));
  words.set(bytes);
  return words;
}
