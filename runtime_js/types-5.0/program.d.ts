import type { Artifact, Input, Model, Tensor, Values } from './artifact.js';
import type { Buffers, Choice, Frame, Step } from './gpu.js';
import type { Fit, Picture } from './pictures.js';
export type Feeds = Record<string, Values | GPUBuffer | Picture | Blob>;
export type Program = {
    device: GPUDevice;
    model: Model;
    buffers: Buffers;
    steps: Step[];
    pictureSteps: (Step | undefined)[];
    resizers: (Resizer | undefined)[];
    selfTest: Artifact['selfTest'];
};
import { Resizer } from './pictures.js';
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
 * What a frame uploads and runs, which depends on how each input came.
 *
 * @param {Pick<Program, 'device' | 'model' | 'buffers' | 'steps' | 'pictureSteps' | 'resizers'>} program
 * @param {Feeds} feeds
 * @param {{fit?: Fit}} [options] fit: of pictures, in the place of the artifact's
 * @returns {Frame}
 */
export declare function frameOf(program: Pick<Program, 'device' | 'model' | 'buffers' | 'steps' | 'pictureSteps' | 'resizers'>, feeds: Feeds, { fit }?: {
    fit?: Fit;
}): Frame;
/**
 * Feeds with the pictures that files hold; a promise only where there are files.
 *
 * @param {Feeds} feeds
 * @returns {Feeds | Promise<Feeds>}
 */
export declare function readFeeds(feeds: Feeds): Feeds | Promise<Feeds>;
/**
 * Refuses a name that is none of the known ones.
 *
 * @param {string} what
 * @param {string[]} names
 * @param {string[]} known
 */
export declare function requireKnown(what: string, names: string[], known: string[]): void;
/**
 * The values of an input, checked.
 *
 * @param {Input} input
 * @param {Values} values
 */
export declare function valuesOf(input: Input, values: Values): Values;
