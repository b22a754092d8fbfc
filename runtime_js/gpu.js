/**
 * The WebGPU steps that everything else is made of: adapter, limits, buffers, one kernel.
 *
 * @import {Artifact, Kernel} from './artifact.js'
 * @typedef {Record<string, string>} Choice  the variant of each snippet
 * @typedef {Map<string, GPUBuffer>} Buffers
 * @typedef {Record<string, GPUBuffer | GPUBufferBinding | GPUTexture>} Resources  by the names that bindings
 *   have
 * @typedef {{pipeline: GPUComputePipeline, layout: GPUBindGroupLayout, kernel: Kernel}} Pipeline
 * @typedef {Pipeline & {group: GPUBindGroup, resources: Resources}} Step
 * @typedef {{buffer: GPUBuffer, bytes: BufferSource} | {put(queue: GPUQueue): void}} Write
 * @typedef {{writes: Write[], steps: Step[], checks?: Promise<Error | null>[],
 *   isNew?: boolean, finish?: (encoder: GPUCommandEncoder) => void}} Frame  the checks are what the device
 *   says, once, of what a caller gave to bind; `isNew` is a frame that goes to what the device may refuse;
 *   `finish` records what follows the compute pass
 * @typedef {{buffer: GPUBuffer, offset: number, bytes: number}} Copy
 */

import { advised } from './advised.js';
import { AdapterError, SessionError } from './errors.js';

// GPUBufferUsage and its like by number: Node has no such globals.
export const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const STORAGE = 0x80;
const COMPUTE = 0x4;

/**
 * The best adapter of this machine, or the one that saves most; the caller's, where there is one who makes it.
 *
 * @param {GPU} [gpu]
 * @param {GPUPowerPreference} [powerPreference]
 * @param {() => Promise<GPUAdapter | null>} [make]
 * @returns {Promise<GPUAdapter>}
 */
export async function findAdapter(
  gpu = globalThis.navigator?.gpu,
  powerPreference = 'high-performance',
  make,
) {
  const adapter = await (make ? make() : gpu?.requestAdapter({ powerPreference }));
  if (adapter) return adapter;
  const isThere = gpu || make;
  throw new AdapterError(
    await advised(`WebGPU ${isThere ? 'found no adapter' : 'is missing here'}.`, (advice) =>
      isThere ? advice.noAdapter() : advice.noWebGpu(),
    ),
  );
}

/**
 * What an adapter calls itself.
 *
 * @param {GPUAdapterInfo | undefined} info
 */
export function adapterName(info) {
  return info?.description || [info?.vendor, info?.architecture].join(' ').trim() || 'an adapter';
}

/**
 * Refuses limits smaller than needed, and what lacks a feature.
 *
 * @param {Record<string, number>} limits needed, by the names of GPUSupportedLimits
 * @param {GPUFeatureName[] | undefined} features
 * @param {{limits: any, features: GPUSupportedFeatures}} holder an adapter or a device
 * @param {string} owner what it is called
 */
export function checkNeeds(limits, features, holder, owner) {
  for (const [name, value] of Object.entries(limits))
    if (value > holder.limits[name])
      throw new AdapterError(
        `The model needs ${name} ${value}, ${owner} has ${holder.limits[name]}. ` +
          'Use another device, or compile the model for a smaller input.',
      );
  for (const name of features ?? [])
    if (!holder.features.has(name))
      throw new AdapterError(`requiredFeatures has ${name}, which ${owner} lacks.`);
}

/**
 * Runs `make` and throws what WebGPU would only have reported to the console.
 *
 * @template T
 * @param {GPUDevice} device
 * @param {string} what
 * @param {() => T} make must issue its WebGPU calls before it returns
 * @returns {Promise<Awaited<T>>}
 */
export async function checked(device, what, make) {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  const [outcome, ...scopes] = await Promise.allSettled([
    (async () => make())(),
    device.popErrorScope(),
    device.popErrorScope(),
  ]);
  const errors = scopes.map((scope) => scope.status === 'fulfilled' && scope.value);
  const error = errors.find(Boolean) || (outcome.status === 'rejected' && outcome.reason);
  if (error instanceof SessionError) throw error;
  if (error)
    throw new SessionError(`${what}: ${error.message || 'out of memory'}`, { cause: error });
  return /** @type {PromiseFulfilledResult<Awaited<T>>} */ (outcome).value;
}

/**
 * Bytes rounded up to whole u32 words, one at least.
 *
 * @param {number} bytes
 */
export function wholeWords(bytes) {
  return Math.max(4, Math.ceil(bytes / 4) * 4);
}

/**
 * A zeroed storage buffer that can be copied from and to.
 *
 * @param {GPUDevice} device
 * @param {string} label
 * @param {number} bytes
 */
export function storageBuffer(device, label, bytes) {
  const usage = STORAGE | COPY_SRC | COPY_DST;
  return device.createBuffer({ label, size: wholeWords(bytes), usage });
}

/**
 * A buffer to copy results into and map.
 *
 * @param {GPUDevice} device
 * @param {number} bytes
 */
export function stagingBuffer(device, bytes) {
  return device.createBuffer({ size: wholeWords(bytes), usage: MAP_READ | COPY_DST });
}

/**
 * Makes the pipeline and the bind group of a kernel.
 *
 * @param {GPUDevice} device
 * @param {Pick<Artifact, 'model' | 'shaders'>} artifact
 * @param {Choice} choice
 * @param {Kernel} kernel
 * @param {Buffers} buffers
 * @returns {Promise<Step>}
 */
export async function createStep(device, artifact, choice, kernel, buffers) {
  const made = await createPipeline(device, artifact, choice, kernel);
  const named = kernel.bindings.map(({ buffer }) => [buffer, bound(buffers, buffer)]);
  return stepOf(device, made, Object.fromEntries(named), kernel.workgroups);
}

/**
 * Makes the pipeline of a kernel.
 *
 * @param {GPUDevice} device
 * @param {Pick<Artifact, 'model' | 'shaders'>} artifact
 * @param {Choice} choice
 * @param {Kernel} kernel
 * @returns {Promise<Pipeline>}
 */
export function createPipeline(device, { model, shaders }, choice, kernel) {
  const { name, shader, constants, uses, bindings } = kernel;
  /** @type {Record<string, Record<string, string>>} */
  const snippets = model.snippets;
  // Those of the compiler's shaders are called K0, K1, ...
  const named = Array.isArray(constants)
    ? Object.fromEntries(constants.map((value, i) => [`K${i}`, value]))
    : constants;
  const files = [...uses.map((use) => snippets[use]?.[choice[use]]), shader];
  const code = files.map((file) => shaders.get(file)).join('\n');
  return checked(device, `Kernel ${name} (${shader})`, async () => {
    const layout = device.createBindGroupLayout({
      entries: bindings.map(({ binding, access }) => ({
        binding,
        visibility: COMPUTE,
        ...(access === 'texture'
          ? { texture: {} }
          : { buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' } }),
      })),
    });
    const pipeline = await device.createComputePipelineAsync({
      label: name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: {
        module: device.createShaderModule({ label: shader, code }),
        entryPoint: 'main',
        constants: named,
      },
    });
    return { pipeline, layout, kernel };
  });
}

/**
 * A kernel with all that it binds.
 *
 * @param {GPUDevice} device
 * @param {Pipeline} pipeline
 * @param {Resources} resources
 * @param {number[]} workgroups
 * @returns {Step}
 */
export function stepOf(device, { pipeline, layout, kernel }, resources, workgroups) {
  const entries = kernel.bindings.map(({ binding, buffer: name }) => {
    const one = resources[name];
    const resource =
      'createView' in one ? one.createView() : 'usage' in one ? { buffer: one } : one;
    return { binding, resource };
  });
  const group = device.createBindGroup({ layout, entries });
  return { pipeline, layout, group, resources, kernel: { ...kernel, workgroups } };
}

/**
 * Hands an upload to the queue, which takes it at once.
 *
 * @param {GPUDevice} device
 * @param {Write} write
 * @throws {Error} an InputError for a picture that can't be read
 */
export function upload({ queue }, write) {
  if ('bytes' in write) queue.writeBuffer(write.buffer, 0, write.bytes);
  else write.put(queue);
}

/**
 * The buffer of that name.
 *
 * @param {Buffers} buffers
 * @param {string} name
 */
export function bound(buffers, name) {
  const buffer = buffers.get(name);
  if (!buffer) throw new SessionError(`model.json names an unknown buffer ${name}.`);
  return buffer;
}

/**
 * Records steps as one compute pass.
 *
 * @param {GPUCommandEncoder} encoder
 * @param {Step[]} steps
 * @param {GPUComputePassTimestampWrites} [timestampWrites]
 */
export function recordSteps(encoder, steps, timestampWrites) {
  const pass = encoder.beginComputePass(timestampWrites && { timestampWrites });
  for (const { pipeline, group, kernel } of steps) {
    const [x, y, z] = kernel.workgroups;
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(x, y, z);
  }
  pass.end();
}

/**
 * Records copies into one buffer, one after the other.
 *
 * @param {GPUCommandEncoder} encoder
 * @param {Copy[]} copies
 * @param {GPUBuffer} staging
 * @returns {number} where they end
 */
export function recordCopies(encoder, copies, staging) {
  let end = 0;
  for (const { buffer, offset, bytes } of copies) {
    encoder.copyBufferToBuffer(buffer, offset, staging, end, bytes);
    end += bytes;
  }
  return end;
}

/**
 * Uploads, runs steps, copies what they wrote and maps it: one encoder, one compute pass, one submit.
 *
 * @param {GPUDevice} device
 * @param {string} what
 * @param {Frame} frame
 * @param {Copy[]} copies
 * @param {GPUBuffer} staging
 * @returns {Promise<ArrayBuffer>} the copies, one after the other
 */
export function runSteps(device, what, { writes, steps }, copies, staging) {
  return checked(device, what, async () => {
    for (const write of writes) upload(device, write);
    const encoder = device.createCommandEncoder();
    recordSteps(encoder, steps);
    const end = recordCopies(encoder, copies, staging);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ, 0, end);
    const results = staging.getMappedRange(0, end).slice(0);
    staging.unmap();
    return results;
  });
}
