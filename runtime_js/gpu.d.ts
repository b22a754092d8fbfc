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
import type { Artifact, Kernel } from './artifact.js';
export type Choice = Record<string, string>;
export type Buffers = Map<string, GPUBuffer>;
export type Resources = Record<string, GPUBuffer | GPUBufferBinding | GPUTexture>;
export type Pipeline = {
    pipeline: GPUComputePipeline;
    layout: GPUBindGroupLayout;
    kernel: Kernel;
};
export type Step = Pipeline & {
    group: GPUBindGroup;
    resources: Resources;
};
export type Write = {
    buffer: GPUBuffer;
    bytes: BufferSource;
} | {
    put(queue: GPUQueue): void;
};
export type Frame = {
    writes: Write[];
    steps: Step[];
    checks?: Promise<Error | null>[];
    isNew?: boolean;
    finish?: (encoder: GPUCommandEncoder) => void;
};
export type Copy = {
    buffer: GPUBuffer;
    offset: number;
    bytes: number;
};
export declare const MAP_READ = 1;
/**
 * The best adapter of this machine, or the one that saves most; the caller's, where there is one who makes it.
 *
 * @param {GPU} [gpu]
 * @param {GPUPowerPreference} [powerPreference]
 * @param {() => Promise<GPUAdapter | null>} [make]
 * @returns {Promise<GPUAdapter>}
 */
export declare function findAdapter(gpu?: GPU, powerPreference?: GPUPowerPreference, make?: () => Promise<GPUAdapter | null>): Promise<GPUAdapter>;
/**
 * What an adapter calls itself.
 *
 * @param {GPUAdapterInfo | undefined} info
 */
export declare function adapterName(info: GPUAdapterInfo | undefined): string;
/**
 * Refuses limits smaller than needed, and what lacks a feature.
 *
 * @param {Record<string, number>} limits needed, by the names of GPUSupportedLimits
 * @param {GPUFeatureName[] | undefined} features
 * @param {{limits: any, features: GPUSupportedFeatures}} holder an adapter or a device
 * @param {string} owner what it is called
 */
export declare function checkNeeds(limits: Record<string, number>, features: GPUFeatureName[] | undefined, holder: {
    limits: any;
    features: GPUSupportedFeatures;
}, owner: string): void;
/**
 * Runs `make` and throws what WebGPU would only have reported to the console.
 *
 * @template T
 * @param {GPUDevice} device
 * @param {string} what
 * @param {() => T} make must issue its WebGPU calls before it returns
 * @returns {Promise<Awaited<T>>}
 */
export declare function checked<T>(device: GPUDevice, what: string, make: () => T): Promise<Awaited<T>>;
/**
 * Bytes rounded up to whole u32 words, one at least.
 *
 * @param {number} bytes
 */
export declare function wholeWords(bytes: number): number;
/**
 * A zeroed storage buffer that can be copied from and to.
 *
 * @param {GPUDevice} device
 * @param {string} label
 * @param {number} bytes
 */
export declare function storageBuffer(device: GPUDevice, label: string, bytes: number): GPUBuffer;
/**
 * A buffer to copy results into and map.
 *
 * @param {GPUDevice} device
 * @param {number} bytes
 */
export declare function stagingBuffer(device: GPUDevice, bytes: number): GPUBuffer;
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
export declare function createStep(device: GPUDevice, artifact: Pick<Artifact, 'model' | 'shaders'>, choice: Choice, kernel: Kernel, buffers: Buffers): Promise<Step>;
/**
 * Makes the pipeline of a kernel.
 *
 * @param {GPUDevice} device
 * @param {Pick<Artifact, 'model' | 'shaders'>} artifact
 * @param {Choice} choice
 * @param {Kernel} kernel
 * @returns {Promise<Pipeline>}
 */
export declare function createPipeline(device: GPUDevice, { model, shaders }: Pick<Artifact, 'model' | 'shaders'>, choice: Choice, kernel: Kernel): Promise<Pipeline>;
/**
 * A kernel with all that it binds.
 *
 * @param {GPUDevice} device
 * @param {Pipeline} pipeline
 * @param {Resources} resources
 * @param {number[]} workgroups
 * @returns {Step}
 */
export declare function stepOf(device: GPUDevice, { pipeline, layout, kernel }: Pipeline, resources: Resources, workgroups: number[]): Step;
/**
 * Hands an upload to the queue, which takes it at once.
 *
 * @param {GPUDevice} device
 * @param {Write} write
 * @throws {Error} an InputError for a picture that can't be read
 */
export declare function upload({ queue }: GPUDevice, write: Write): void;
/**
 * The buffer of that name.
 *
 * @param {Buffers} buffers
 * @param {string} name
 */
export declare function bound(buffers: Buffers, name: string): GPUBuffer;
/**
 * Records steps as one compute pass.
 *
 * @param {GPUCommandEncoder} encoder
 * @param {Step[]} steps
 * @param {GPUComputePassTimestampWrites} [timestampWrites]
 */
export declare function recordSteps(encoder: GPUCommandEncoder, steps: Step[], timestampWrites?: GPUComputePassTimestampWrites): void;
/**
 * Records copies into one buffer, one after the other.
 *
 * @param {GPUCommandEncoder} encoder
 * @param {Copy[]} copies
 * @param {GPUBuffer} staging
 * @returns {number} where they end
 */
export declare function recordCopies(encoder: GPUCommandEncoder, copies: Copy[], staging: GPUBuffer): number;
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
export declare function runSteps(device: GPUDevice, what: string, { writes, steps }: Frame, copies: Copy[], staging: GPUBuffer): Promise<ArrayBuffer>;
