/**
 * A model on a device, everything made once: buffers, pipelines, bind groups.
 *
 * @import {Artifact, Kernel, Model, Tensor} from './artifact.js'
 * @import {Buffers, Choice, Step} from './gpu.js'
 * @import {PictureInput} from './pictures.js'
 * @typedef {{device: GPUDevice, model: Model, buffers: Buffers, steps: Step[],
 *   pictureSteps: (Step | undefined)[], pictures?: (PictureInput | undefined)[],
 *   preparing?: Promise<void>, preparePictures: () => Promise<void>, selfTest: Artifact['selfTest']}} Program
 *   what brings pictures to the size of each input is there after preparePictures
 */
import { bufferSizes, byteLength } from './artifact.js';
import { bound, checked, createStep, storageBuffer, wholeWords } from './gpu.js';

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
  const { model, weights, shaders, selfTest, rareShaders } = artifact;
  if (choice.dot !== 'packed' || choice.requantize === 'integer') await rareShaders();
  const buffers = await checked(device, 'Cannot make the buffers', () => {
    const sizes = Object.entries(bufferSizes(model));
    const storage = sizes.map(([name, size]) => storageBuffer(device, name, size));
    const buffers = new Map(storage.map((buffer) => [buffer.label, buffer]));
    device.queue.writeBuffer(bound(buffers, 'weights'), 0, weights);
    return buffers;
  });
  const step = (/** @type {Kernel} */ kernel) =>
    createStep(device, artifact, choice, { ...kernel, ...kernel.schedules?.[choice.dot] }, buffers);
  const [steps, pictureSteps] = await Promise.all([
    Promise.all(model.kernels.map(step)),
    Promise.all(model.inputs.map(({ image }) => image && step(image.kernel))),
  ]);
  /** @type {Program} */
  const program = {
    ...{ device, model, buffers, steps, pictureSteps, selfTest },
    preparePictures: () =>
      (program.preparing ??= prepare().finally(() => (program.preparing = undefined))),
  };
  const prepare = async () => {
    const [{ createPictureInputs }] = await Promise.all([import('./pictures.js'), rareShaders()]);
    program.pictures ??= await createPictureInputs(device, { model, shaders }, buffers);
  };
  return program;
}
