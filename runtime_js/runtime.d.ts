import type { Fallback } from './fallback.js';
import type { Loading, Source } from './files.js';
import type { Wishes } from './variants.js';
export type AdapterSource = GPUAdapter | (() => Promise<GPUAdapter>);
export type Options = Loading & Wishes & {
    device?: GPUDevice;
    adapter?: AdapterSource;
    gpu?: GPU;
    debug?: boolean;
    recover?: boolean;
    profile?: boolean;
    fallback?: Fallback;
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
 * @param {Source} source the URL of the artifact's folder, in Node also its path; or its files by name
 * @param {Options} [options]
 * @returns {Promise<Session>} whose `backend` is `webgpu`, or with a `fallback` `onnxruntime-web`
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export declare function createSession(source: Source, options?: Options): Promise<Session>;
