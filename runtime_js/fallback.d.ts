import type { Model, Values } from './artifact.js';
import type { Source } from './files.js';
import type { Options } from './runtime.js';
import type { Show } from './session.js';
export type OnnxRuntime = {
    InferenceSession: {
        create: (...options: any[]) => Promise<any>;
    };
    Tensor: new (...options: any[]) => any;
    env: any;
};
export type Fallback = () => OnnxRuntime | Promise<OnnxRuntime>;
export type Results = Record<string, Values>;
export type Pictures = Map<string, Uint8ClampedArray<ArrayBuffer>>;
import { Session } from './session.js';
/**
 * @param {Source} source
 * @param {Options} options with a fallback
 * @param {Error} reason why there is no device
 */
export declare function createFallback(source: Source, options: Options, reason: Error): Promise<FallbackSession>;
/** A session in onnxruntime-web: the same model, the same `run`, and no device. */
export declare class FallbackSession extends Session {
    #private;
    /**
     * Use `createSession`.
     *
     * @param {Model} model
     * @param {OnnxRuntime} runtime
     * @param {any} session
     */
    constructor(model: Model, runtime: OnnxRuntime, session: any);
    /** @returns {'onnxruntime-web'} */
    get backend(): 'onnxruntime-web';
    /** What runs the model. */
    get adapter(): string;
    /** @returns {never} */
    get device(): never;
    /** @returns {never} */
    get variants(): never;
    /** Never resolves: there is no device to be lost. */
    get lost(): Promise<any>;
    /**
     * @param {any} feeds
     * @param {any} [options]
     * @returns {Promise<any>}
     */
    run(feeds: any, options?: any): Promise<any>;
    /**
     * @param {any} source
     * @param {any} canvas
     * @param {any} [options]
     */
    frame(source: any, canvas: any, options?: any): Promise<void>;
    /**
     * @param {any} canvas
     * @param {Show} [options]
     */
    draw(canvas: any, options?: Show): Promise<void>;
    /** Does nothing: there is nothing that a first frame would wait for. */
    prepare(): Promise<void>;
    /** @returns {Promise<never>} */
    toTexture(): Promise<never>;
    /** @returns {never} */
    encode(): never;
    /** @returns {never} */
    outputBuffer(): never;
    /** @returns {Promise<never>} */
    selfTest(): Promise<never>;
    /** @returns {Promise<never>} */
    tune(): Promise<never>;
    /** @returns {Promise<never>} */
    profile(): Promise<never>;
    /** @returns {Promise<never>} */
    recover(): Promise<never>;
    /** Frees the model; nothing runs afterwards. */
    destroy(): void;
}
