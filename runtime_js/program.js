/**
 * A model on a device, everything made once: buffers, pipelines, bind groups.
 *
 * @import {Artifact, Input, Kernel, Model, Tensor, Values} from './artifact.js'
 * @import {Buffers, Choice, Frame, Pipeline, Step} from './gpu.js'
 * @import {Fit, Picture} from './pictures.js'
 * @typedef {Record<string, Values | GPUBuffer | Picture | Blob>} Feeds  by input name
 * @typedef {{device: GPUDevice, model: Model, buffers: Buffers, steps: Step[],
 *   pictureSteps: (Step | undefined)[], resizers: (Resizer | undefined)[],
 *   selfTest: Artifact['selfTest']}} Program
 */
import { ARRAYS, bufferSizes, byteLength, elements } from './artifact.js';
import { InputError } from './errors.js';
import { bound, checked, createPipeline, createStep, storageBuffer, wholeWords } from './gpu.js';
import {
  FITS,
  Resizer,
  decoded,
  isFile,
  isPicture,
  kindOf,
  requireBuffer,
  sourceOf,
  withBuffer,
} from './pictures.js';

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
  const { model, weights, selfTest } = artifact;
  const buffers = await checked(device, 'Cannot make the buffers', () => {
    const sizes = Object.entries(bufferSizes(model));
    const storage = sizes.map(([name, size]) => storageBuffer(device, name, size));
    const buffers = new Map(storage.map((buffer) => [buffer.label, buffer]));
    device.queue.writeBuffer(bound(buffers, 'weights'), 0, weights);
    return buffers;
  });
  const step = (/** @type {Kernel} */ kernel) =>
    createStep(device, artifact, choice, kernel, buffers);
  const [steps, pictureSteps, resizers] = await Promise.all([
    Promise.all(model.kernels.map(step)),
    Promise.all(model.inputs.map(({ image }) => image && step(image.kernel))),
    createResizers(device, artifact, buffers),
  ]);
  return { device, model, buffers, steps, pictureSteps, resizers, selfTest };
}

/**
 * What resizes the pictures of each input that takes some.
 *
 * @param {GPUDevice} device
 * @param {Artifact} artifact
 * @param {Buffers} buffers
 */
async function createResizers(device, artifact, buffers) {
  const { inputs } = artifact.model;
  /** @type {Map<string, Promise<Pipeline>>} */
  const pipelines = new Map();
  const pipeline = (/** @type {string} */ shader, /** @type {string} */ access) => {
    const made =
      pipelines.get(shader) ?? createPipeline(device, artifact, {}, resizeKernel(shader, access));
    pipelines.set(shader, made);
    return made;
  };
  return Promise.all(
    inputs.map(async (input) => {
      if (!input.image) return;
      const { buffer, texture } = input.image.resize;
      const made = {
        buffer: await pipeline(buffer, 'read'),
        texture: await pipeline(texture, 'texture'),
      };
      return new Resizer(device, input, bound(buffers, `image:${input.name}`), made);
    }),
  );
}

/**
 * A pass of a resize, by how it reads its source.
 *
 * @param {string} shader
 * @param {string} access
 * @returns {Kernel}
 */
function resizeKernel(shader, access) {
  const bindings = [
    { binding: 0, buffer: 'plan', access: 'read' },
    { binding: 1, buffer: 'result', access: 'read_write' },
    { binding: 2, buffer: 'source', access },
  ];
  const kind = { name: 'resize', op: 'resize', shader, constants: {}, uses: [], macs: 0 };
  return { ...kind, workgroups: [], bindings, stores: [] };
}

/**
 * What a frame uploads and runs, which depends on how each input came.
 *
 * @param {Pick<Program, 'device' | 'model' | 'buffers' | 'steps' | 'pictureSteps' | 'resizers'>} program
 * @param {Feeds} feeds
 * @param {{fit?: Fit}} [options] fit: of pictures, in the place of the artifact's
 * @returns {Frame}
 */
export function frameOf(program, feeds, { fit } = {}) {
  const { device, model, buffers, steps, pictureSteps, resizers } = program;
  requireKnown(
    'input',
    Object.keys(feeds),
    model.inputs.map(({ name }) => name),
  );
  /** @type {Frame} */
  const frame = { writes: [], steps: [...steps], checks: [] };
  /** @type {Step[]} */
  const first = [];
  for (const [i, input] of model.inputs.entries()) {
    const { name, image } = input;
    const value = /** @type {any} */ (feeds[name]);
    const resizer = resizers[i];
    if (resizer && image && isPicture(value)) {
      frame.steps[image.replaces] = /** @type {Step} */ (pictureSteps[i]);
      const source = sourceOf(name, value);
      const { width, height, bytes } = source;
      const isWhole = width === image.size[0] && height === image.size[1];
      if (bytes && isWhole && (fit === undefined || FITS.includes(/** @type {string} */ (fit)))) {
        frame.writes.push({ buffer: bound(buffers, `image:${name}`), bytes });
        continue;
      }
      const { writes, steps: own, checks = [] } = resizer.frame(source, fit);
      frame.writes.push(...writes);
      frame.checks?.push(...checks);
      first.push(...own);
    } else if (kindOf(value) === 'GPUBuffer') {
      requireBuffer(name, value, wholeWords(byteLength(input)));
      const key = `input:${name}`;
      for (const [k, step] of frame.steps.entries())
        if (key in step.resources) frame.steps[k] = withBuffer(device, step, key, value, frame);
    } else {
      const bytes = padded(valuesOf(input, value));
      frame.writes.push({ buffer: bound(buffers, `input:${name}`), bytes });
    }
  }
  frame.steps.unshift(...first);
  return frame;
}

/**
 * Feeds with the pictures that files hold; a promise only where there are files.
 *
 * @param {Feeds} feeds
 * @returns {Feeds | Promise<Feeds>}
 */
export function readFeeds(feeds) {
  const given = Object.entries(feeds);
  if (!given.some(([, value]) => isFile(value))) return feeds;
  const read = given.map(async ([name, value]) => [name, await decoded(name, value)]);
  return Promise.all(read).then(Object.fromEntries);
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
 * The values of an input, checked.
 *
 * @param {Input} input
 * @param {Values} values
 */
export function valuesOf(input, values) {
  const { name, shape, dtype, image } = input;
  const kind = kindOf(values);
  const type = ARRAYS[dtype].name;
  if (kind !== type || values.length !== elements(input)) {
    const given = values?.length === undefined ? kind : `${kind}(${values.length})`;
    throw new InputError(
      `Input ${name} is ${values === undefined ? 'missing' : given}, expected ` +
        `${type}(${elements(input)}) of shape ${shape.join('x')}${image ? ' or a picture' : ''}.`,
    );
  }
  if (dtype === 'int64') checkWords(name, /** @type {BigInt64Array} */ (values));
  return values;
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
