import type { Wishes } from './variants.js';
export type AdapterSource = GPUAdapter | (() => Promise<GPUAdapter>);
export type Options = Wishes & {
    device?: GPUDevice;
    adapter?: AdapterSource;
    debug?: boolean;
    recover?: boolean;
    profile?: boolean;
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
 * @param {Options} [options]
 * @returns {Promise<Session>}
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export declare function createSession(folder: string | URL, options?: Options): Promise<Session>;
