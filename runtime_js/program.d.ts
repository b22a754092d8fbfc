import type { Artifact, Model, Tensor, Values } from './artifact.js';
import type { Buffers, Choice, Frame, Step } from './gpu.js';
export type Picture = {
    data: Uint8ClampedArray | Uint8Array;
    width: number;
    height: number;
};
export type Feeds = Record<string, Values | Picture>;
export type Program = {
    device: GPUDevice;
    model: Model;
    buffers: Buffers;
    steps: Step[];
    pictureSteps: (Step | undefined)[];
};
/** What stands on the device for an int64 that 32 bits do not hold. */
export declare const BEYOND: bigint;
/**
 * The WebGPU limits that a model needs.
 *
 * @param {Model} model
 */
export declare function neededLimits(model: Model): {
    maxStorageBufferBindingSize: number;
    maxBufferSize: number;
    maxStorageBuffersPerShaderStage: number;
    maxComputeWorkgroupsPerDimension: number;
};
/**
 * The bytes of a buffer that the outputs are read through, as values or as pixels.
 *
 * @param {Model} model
 */
export declare function stagingBytes({ outputs }: Model): number;
/**
 * The words from row to row of an output's pixels: rows are whole 256 bytes, as copies to textures want them.
 *
 * @param {Tensor} output
 */
export declare function pixelPitch({ shape }: Tensor): number;
/**
 * Makes everything that the frames use.
 *
 * @param {GPUDevice} device
 * @param {Artifact} artifact
 * @param {Choice} choice
 * @returns {Promise<Program>}
 */
export declare function createProgram(device: GPUDevice, artifact: Artifact, choice: Choice): Promise<Program>;
/**
 * What a frame uploads and runs, which depends on who came as a picture.
 *
 * @param {Pick<Program, 'model' | 'buffers' | 'steps' | 'pictureSteps'>} program
 * @param {Feeds} feeds
 * @returns {Frame}
 */
export declare function frameOf({ model, buffers, steps, pictureSteps }: Pick<Program, 'model' | 'buffers' | 'steps' | 'pictureSteps'>, feeds: Feeds): Frame;
/**
 * Refuses a name that is none of the known ones.
 *
 * @param {string} what
 * @param {string[]} names
 * @param {string[]} known
 */
export declare function requireKnown(what: string, names: string[], known: string[]): void;
