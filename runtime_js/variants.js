/**
 * Chooses the variant of each snippet on a device: probed, never assumed.
 *
 * @import {Artifact} from './artifact.js'
 * @typedef {{dot?: 'packed' | 'emulated', requantize?: 'fast' | 'integer'}} Wishes
 *   variants in the place of the probed ones
 * @typedef {{dot: string, requantize: string, why: {dot: string, requantize: string}}} Variants  those chosen
 */
import { requireKnown } from './feeds.js';
import { createStep, runSteps, stagingBuffer, storageBuffer } from './gpu.js';

/**
 * The variants to use, and why. A wish is granted without a probe.
 *
 * @param {GPUDevice} device
 * @param {Artifact} artifact
 * @param {Wishes} wishes
 * @returns {Promise<Variants>}
 */
export async function chooseVariants(device, artifact, wishes) {
  const { snippets } = artifact.model;
  for (const use of /** @type {const} */ (['dot', 'requantize']))
    requireKnown(`variant of ${use}`, wishes[use] ? [wishes[use]] : [], Object.keys(snippets[use]));
  const [dot, whyDot] = wishes.dot ? [wishes.dot, ASKED] : await probeDot(device, artifact);
  const [requantize, whyRequantize] = wishes.requantize
    ? [wishes.requantize, ASKED]
    : await probeRequantize(device, artifact);
  return { dot, requantize, why: { dot: whyDot, requantize: whyRequantize } };
}

/** Why a variant was chosen that was wished for. */
export const ASKED = 'asked for';

/**
 * @param {GPUDevice} device
 * @param {Artifact} artifact
 */
async function probeDot(device, { model, shaders }) {
  const { architecture, isFallbackAdapter } = device.adapterInfo ?? {};
  if (isFallbackAdapter || architecture === 'swiftshader')
    return ['emulated', 'a software adapter runs it faster than dot4I8Packed'];
  device.pushErrorScope('validation');
  device.createShaderModule({ code: shaders.get(model.snippets.dot.packed) ?? '' });
  return (await device.popErrorScope())
    ? ['emulated', 'dot4I8Packed does not compile here']
    : ['packed', 'dot4I8Packed compiles'];
}

/**
 * @param {GPUDevice} device
 * @param {Artifact} artifact
 */
async function probeRequantize(device, artifact) {
  const { shader, offset, count } = artifact.model.probe;
  const bytes = artifact.weights.slice(4 * offset, 4 * offset + 16 * count);
  const cases = storageBuffer(device, 'probe cases', 16 * count);
  const results = storageBuffer(device, 'probe results', 4 * count);
  const staging = stagingBuffer(device, 4 * count);
  const kernel = {
    name: 'probe',
    op: '',
    shader,
    constants: {},
    uses: ['requantize'],
    workgroups: [Math.ceil(count / 64), 1, 1],
    bindings: [
      { binding: 0, buffer: 'cases', access: 'read' },
      { binding: 1, buffer: 'results', access: 'read_write' },
    ],
  };
  const buffers = new Map(Object.entries({ cases, results }));
  try {
    const step = await createStep(device, artifact, { requantize: 'fast' }, kernel, buffers);
    const copies = [{ buffer: results, offset: 0, bytes: 4 * count }];
    const frame = { writes: [{ buffer: cases, bytes }], steps: [step] };
    const values = new Int32Array(await runSteps(device, 'The probe', frame, copies, staging));
    // Each case ends in what must come of it.
    const expected = new Int32Array(bytes.buffer);
    const wrong = values.filter((value, i) => value !== expected[4 * i + 3]).length;
    return wrong
      ? ['integer', `f32 arithmetic misses ${wrong} of ${count} probe cases`]
      : ['fast', `f32 arithmetic meets all ${count} probe cases`];
  } finally {
    for (const buffer of [cases, results, staging]) buffer.destroy();
  }
}
