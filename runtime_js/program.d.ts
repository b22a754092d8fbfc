import type { Artifact, Model, Values } from './artifact.js';
import type { Buffers, Choice, Frame, Step } from './gpu.js';
import type { Fit, Picture } from './pictures.js';
export type Feeds = Record<string, Values | GPUBuffer | Picture | Blob>;
export type Program = {
    device: GPUDevice;
    model: Model;
    buffers: Buffers;
    staging: GPUBuffer;
    steps: Step[];
    pictureSteps: (Step | undefined)[];
    resizers: (Resizer | undefined)[];
    copies: {
        buffer: GPUBuffer;
        offset: number;
        bytes: number;
    }[];
};
import { Resizer } from './pictures.js';
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
 * As `frameOf`, of what must first be waited for, too: files that hold pictures, and the device's word on
 * what is bound for the first time.
 *
 * @param {Program} program
 * @param {Feeds} feeds
 * @param {{fit?: Fit}} [options]
 * @returns {Promise<Frame>}
 * @throws {Error} an InputError
 */
export declare function readyFrame(program: Program, feeds: Feeds, options?: {
    fit?: Fit;
}): Promise<Frame>;
/**
 * Refuses a name that is none of the known ones.
 *
 * @param {string} what
 * @param {string[]} names
 * @param {string[]} known
 */
export declare function requireKnown(what: string, names: string[], known: string[]): void;
/**
 * Uploads, runs the steps and reads the outputs.
 *
 * @param {Program} program
 * @param {Frame} frame
 * @returns {Promise<Record<string, Values>>} by output name
 */
export declare function runFrame({ device, model, staging, copies }: Program, frame: Frame): Promise<Record<string, Values>>;
