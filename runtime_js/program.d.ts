import type { Artifact, Model, Tensor } from './artifact.js';
import type { Buffers, Choice, Step } from './gpu.js';
import type { PictureInput } from './pictures.js';
export type Program = {
    device: GPUDevice;
    model: Model;
    buffers: Buffers;
    steps: Step[];
    pictureSteps: (Step | undefined)[];
    pictures?: (PictureInput | undefined)[];
    preparing?: Promise<void>;
    preparePictures: () => Promise<void>;
    selfTest: Artifact['selfTest'];
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
