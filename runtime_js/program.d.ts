import type { Artifact, Model, Values } from './artifact.js';
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
    staging: GPUBuffer;
    steps: Step[];
    pictureSteps: (Step | undefined)[];
    copies: {
        buffer: GPUBuffer;
        offset: number;
        bytes: number;
    }[];
};
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
/**
 * Uploads, runs the steps and reads the outputs.
 *
 * @param {Program} program
 * @param {Frame} frame
 * @returns {Promise<Record<string, Values>>} by output name
 */
export declare function runFrame({ device, model, staging, copies }: Program, frame: Frame): Promise<Record<string, Values>>;
