import type { Wishes } from './variants.js';
export type Options = Wishes & {
    device?: GPUDevice;
    adapter?: GPUAdapter;
};
import { Session } from './session.js';
export * from './errors.js';
export { toPixels } from './pixels.js';
export { Session };
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
