import type { Values } from './artifact.js';
import type { Fallback } from './fallback.js';
import type { Loading, Source } from './files.js';
import type { Class, Colour } from './labels.js';
import type { AnyModel, ModelType } from './model_type.js';
import type { Wishes } from './variants.js';
export type AdapterSource = GPUAdapter | (() => Promise<GPUAdapter | null>);
export type DeviceOptions = {
    /**
     * yours, and never destroyed
     */
    device?: GPUDevice;
    /**
     * good for one device; a function that gives new ones lets a session
     * recover
     */
    adapter?: AdapterSource;
    /**
     * in the place of `navigator.gpu`: in Node `create([])` of the package webgpu, which
     * must stay as long as its devices, and with the session does
     */
    gpu?: GPU;
    /**
     * of the adapter, where none is given: `low-power`, or
     * `high-performance`, which is the default
     */
    powerPreference?: GPUPowerPreference;
    /**
     * what the device must have, for work of yours on it
     */
    requiredFeatures?: GPUFeatureName[];
    /**
     * every frame in error scopes, not only the first of each kind
     */
    debug?: boolean;
    /**
     * false frees the artifact's bytes, with which a lost device could be replaced
     */
    recover?: boolean;
    /**
     * a device with timestamps, where there are any
     */
    profile?: boolean;
    /**
     * a function that imports `onnxruntime-web/wasm`, for where there is no
     * WebGPU; it then runs the ONNX model that `compile --keep-onnx` kept
     */
    fallback?: Fallback;
};
export type Options = Loading & Wishes & DeviceOptions;
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
 * @template {ModelType} [M=AnyModel] what the artifact's model.d.ts says: names, dtypes, shapes
 * @param {Source} source the URL of the artifact's folder, in Node also its path; or its files by name
 * @param {Options} [options]
 * @returns {Promise<Session<M>>} whose `backend` is `webgpu`, or with a `fallback` `onnxruntime-web`
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
export declare function createSession<M extends ModelType = AnyModel>(source: Source, options?: Options): Promise<Session<M>>;
/**
 * The classes with the largest values, the largest first; `session.topK` knows the artifact's labels, too.
 *
 * @param {Values | ArrayLike<number>} values one for each class
 * @param {number} [k] how many, 5 where it is not said
 * @param {{labels?: string[], softmax?: boolean}} [options] names of the classes; whether the values are
 *   turned into probabilities
 * @returns {Promise<Class[]>} its code comes with the first call
 */
export declare function topK(values: Values | ArrayLike<number>, k?: number, options?: {
    labels?: string[];
    softmax?: boolean;
}): Promise<Class[]>;
/**
 * A colour for each pixel's class, as RGBA bytes to be drawn over the picture.
 *
 * @param {Values | ArrayLike<number>} values of a segmenter's output, as `run` gives them
 * @param {number[]} shape the output's: [1, classes, height, width], of which the largest counts; with one
 *   channel or none, the values are the classes
 * @param {Colour[]} [palette] by class; else class 0 is transparent and the others have colours of their own
 * @returns {Promise<Uint8ClampedArray>} its code comes with the first call
 */
export declare function maskOverlay(values: Values | ArrayLike<number>, shape: number[], palette?: Colour[]): Promise<Uint8ClampedArray>;
