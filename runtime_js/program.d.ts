import type { Artifact, Model, Values } from './artifact.js';
import type { Buffers, Choice, Step } from './gpu.js';
export type Picture = {
    data: Uint8ClampedArray;
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
 * Uploads the inputs; returns the steps of the frame, which depend on who came as a picture.
 *
 * @param {Program} program
 * @param {Feeds} feeds
 */
export declare function upload({ device, model, buffers, steps, pictureSteps }: Program, feeds: Feeds): Step[];
/**
 * Runs the steps and reads the outputs.
 *
 * @param {Program} program
 * @param {Step[]} steps
 * @returns {Promise<Record<string, Values>>} by output name
 */
export declare function runFrame({ device, model, staging, copies }: Program, steps: Step[]): Promise<Record<string, Values>>;
