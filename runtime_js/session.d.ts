import type { Input, InputImage, Tensor, Values } from './artifact.js';
import type { Feeds, Program } from './program.js';
import type { Fit } from './pictures.js';
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
    inputs: (Omit<Input, "image"> & {
        image?: Omit<InputImage, 'resize' | 'replaces' | 'kernel'>;
    })[];
    outputs: Tensor[];
    /** The names of the classes, and the file of a picture to show the model on; where it has them. */
    labels: string[] | undefined;
    sample: string | undefined;
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
     * @param {Feeds} [feeds] for each input a typed array or a GPUBuffer, or where `image` says that it is a
     *   picture anything that is one, of any size; they must stay as they are until the promise settles
     * @param {{fit?: Fit}} [options] fit: cover, contain, stretch or a rectangle of pictures, in the place of
     *   what the model says
     * @returns {Promise<Record<string, Values>>} by output name
     * @throws {Error} an unknown or missing input, a wrong dtype or length, a lost device
     */
    run(feeds?: Feeds, options?: {
        fit?: Fit;
    }): Promise<Record<string, Values>>;
    /**
     * Runs the artifact's test vectors on this device and compares every kernel with the reference.
     *
     * @returns {Promise<Report>}
     */
    selfTest(): Promise<Report>;
    /** Frees the GPU memory, and the device if the session made it. Nothing runs afterwards. */
    destroy(): void;
}
