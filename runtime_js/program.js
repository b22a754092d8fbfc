/**
 * A model on a device, everything made once: buffers, pipelines, bind groups, staging buffer.
 *
 * @import {Artifact, Input, Kernel, Model, Values} from './artifact.js'
 * @import {Buffers, Choice, Step} from './gpu.js'
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Picture  as ImageData
 * @typedef {Record<string, Values | Picture>} Feeds  by input name
 * @typedef {{device: GPUDevice, model: Model, buffers: Buffers, staging: GPUBuffer, steps: Step[],
 *   pictureSteps: (Step | undefined)[], copies: {buffer: GPUBuffer, offset: number, bytes: number}[]}}
 *   Program
 */
import { ARRAYS, bufferSizes, byteLength, elements } from './artifact.js';
import {
  bound,
  checked,
  createStep,
  runSteps,
  stagingBuffer,
  storageBuffer,
  wholeWords,
} from './gpu.js';

// What stands on the device for an int64 that 32 bits do not hold.
const BEYOND = -(2n ** 31n);

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
 * The bytes of the buffer that the outputs are read through.
 *
 * @param {Model} model
 */
function stagingBytes({ outputs }) {
  return outputs.reduce((sum, output) => sum + wholeWords(byteLength(output)), 0);
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
  const { buffers, staging } = await checked(device, 'Cannot make the buffers', () => {
    const sizes = Object.entries(bufferSizes(model));
    const storage = sizes.map(([name, size]) => storageBuffer(device, name, size));
    return {
      buffers: new Map(storage.map((buffer) => [buffer.label, buffer])),
      staging: stagingBuffer(device, stagingBytes(model)),
    };
  });
  device.queue.writeBuffer(bound(buffers, 'weights'), 0, weights);
  const step = (/** @type {Kernel} */ kernel) =>
    createStep(device, artifact, choice, kernel, buffers);
  const [steps, pictureSteps] = await Promise.all([
    Promise.all(model.kernels.map(step)),
    Promise.all(model.inputs.map(({ image }) => image && step(image.kernel))),
  ]);
  const copies = model.outputs.map((output) => ({
    buffer: bound(buffers, `output:${output.name}`),
    offset: 0,
    bytes: wholeWords(byteLength(output)),
  }));
  return { device, model, buffers, staging, steps, pictureSteps, copies };
}

/**
 * Uploads the inputs; returns the steps of the frame, which depend on who came as a picture.
 *
 * @param {Program} program
 * @param {Feeds} feeds
 */
export function upload({ device, model, buffers, steps, pictureSteps }, feeds) {
  const names = model.inputs.map((input) => input.name);
  for (const name of Object.keys(feeds))
    if (!names.includes(name))
      throw new Error(`No input is named ${name}: the model has ${names.join(', ')}.`);
  const values = model.inputs.map((input) => valuesOf(input, feeds[input.name]));
  const frame = [...steps];
  for (const [i, { name, image }] of model.inputs.entries()) {
    const asPicture = image && values[i] instanceof Uint8ClampedArray;
    if (asPicture) frame[image.replaces] = /** @type {Step} */ (pictureSteps[i]);
    const buffer = bound(buffers, `${asPicture ? 'image' : 'input'}:${name}`);
    device.queue.writeBuffer(buffer, 0, padded(values[i]));
  }
  return frame;
}

/**
 * Runs the steps and reads the outputs.
 *
 * @param {Program} program
 * @param {Step[]} steps
 * @returns {Promise<Record<string, Values>>} by output name
 */
export async function runFrame({ device, model, staging, copies }, steps) {
  const bytes = await runSteps(device, 'The frame failed', steps, copies, staging);
  let start = 0;
  return Object.fromEntries(
    model.outputs.map((output, i) => {
      const values = new ARRAYS[output.dtype](bytes.slice(start, start + byteLength(output)));
      if (values instanceof BigInt64Array && values.includes(BEYOND))
        throw new Error(
          `Output ${output.name} has a number beyond 32 bits, in which an int64 is computed: ` +
            'leave it a float in the model.',
        );
      start += copies[i].bytes;
      return [output.name, values];
    }),
  );
}

/**
 * Checks what was given for an input; of a picture it returns the bytes.
 *
 * @param {Input} input
 * @param {Values | Picture | undefined} value
 */
function valuesOf(input, value) {
  const { name, shape, dtype, image } = input;
  if (image && value && 'data' in value) {
    const size = `${value.width}x${value.height}`;
    const expected = `${shape[3]}x${shape[2]}`;
    if (size !== expected || value.data.length !== 4 * shape[2] * shape[3])
      throw new Error(`Input ${name} is a picture of ${size}, expected ${expected}.`);
    return value.data;
  }
  // By tag, because an array of another realm has another constructor.
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const { length } = /** @type {Values} */ (value ?? []);
  const type = ARRAYS[dtype].name;
  if (tag === type && length === elements(input)) {
    if (dtype === 'int64') checkWords(name, /** @type {BigInt64Array} */ (value));
    return /** @type {Values} */ (value);
  }
  throw new Error(
    `Input ${name} is ${value === undefined ? 'missing' : `${tag}(${length})`}, expected ` +
      `${type}(${elements(input)}) of shape ${shape.join('x')}${image ? ' or ImageData' : ''}.`,
  );
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
    throw new Error(
      `Input ${name} holds ${outside}; an int64 is computed in 32 bits: ` +
        `give values from ${BEYOND + 1n} to ${-BEYOND - 1n}.`,
    );
}

/**
 * The bytes, filled up to a whole word: writeBuffer takes no less.
 *
 * @param {Values | Uint8ClampedArray} values
 */
function padded(values) {
  const { buffer, byteOffset, byteLength } = values;
  const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength);
  if (byteLength % 4 === 0) return bytes;
  const words = new Uint8Array(wholeWords(byteLength));
  words.set(bytes);
  return words;
}
