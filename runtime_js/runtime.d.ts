import type { Tensor, Values } from './artifact.js';
import type { Feeds, Program } from './program.js';
import type { Verdict } from './self_test.js';
import type { Variants, Wishes } from './variants.js';
export type Report = {
    ok: boolean;
    message: string;
    kernels: Verdict[];
    outputs: Verdict[];
    adapter: string;
    variants: Variants;
};
export type Options = Wishes & {
    device?: GPUDevice;
    adapter?: GPUAdapter;
};
/**
 * Loads an artifact and makes everything that its frames need.
 *
 *     const session = await createSession('./avatar/');
 *     const { output } = await session.run({ input: context.getImageData(0, 0, 256, 256) });
 *
 * @param {string | URL} folder the artifact's URL; in Node also its path
 * @param {Options} [options] a device or an adapter to use; variants in place of the probed ones
 * @returns {Promise<Session>}
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export declare function createSession(folder: string | URL, options?: Options): Promise<Session>;
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
/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {Tensor} output one of `session.outputs`, of shape [1, 1 or 3 or 4, height, width]
 * @param {ArrayLike<number>} values as `run` returns them
 */
export declare function toPixels({ name, shape, image }: Tensor, values: ArrayLike<number>): Uint8ClampedArray<ArrayBuffer>;
