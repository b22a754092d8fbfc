import type { Tensor, Values } from './artifact.js';
import type { Feeds, Program } from './program.js';
import type { Verdict } from './self_test.js';
import type { Variants } from './variants.js';
export type Report = {
    ok: boolean;
    message: string;
    kernels: Verdict[];
    outputs: Verdict[];
    adapter: string;
    variants: Variants;
};
export declare class Session {
    #private;
    name: string;
    inputs: Tensor[];
    outputs: Tensor[];
    adapter: string;
    /** What was chosen on this device, and why. */
    variants: Variants;
    device: GPUDevice;
    /** Resolves when the device is lost; `destroy` loses a device that the session made. */
    lost: Promise<GPUDeviceLostInfo>;
    /**
     * Use `createSession`.
     *
     * @param {Program} program
     * @param {Variants} variants
     * @param {boolean} ownsDevice
     */
    constructor(program: Program, variants: Variants, ownsDevice: boolean);
    /**
     * Runs the model once.
     *
     * @param {Feeds} [feeds] a typed array for each input, or ImageData where `image` says that it is a
     *   picture; they must stay as they are until the promise settles
     * @returns {Promise<Record<string, Values>>} by output name
     * @throws {Error} an unknown or missing input, a wrong dtype or length, a lost device
     */
    run(feeds?: Feeds): Promise<Record<string, Values>>;
    /**
     * Runs the artifact's test vectors on this device and compares every kernel with the reference.
     *
     * @returns {Promise<Report>}
     */
    selfTest(): Promise<Report>;
    /** Frees the GPU memory, and the device if the session made it. Nothing runs afterwards. */
    destroy(): void;
}
