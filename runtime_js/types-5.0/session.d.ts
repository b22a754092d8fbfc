import type { Values } from './artifact.js';
import type { Canvas, Look, View } from './canvas.js';
import type { Feeds } from './feeds.js';
import type { Result } from './frames.js';
import type { AnyModel, FeedsOf, ModelType, OutputName, PixelsOf, ResultsOf } from './model_type.js';
import type { Fit } from './pictures.js';
import type { Profile } from './profile.js';
import type { Report } from './self_test.js';
import type { Stage, Start } from './stage.js';
import type { Tuning } from './tuning.js';
import type { Variants } from './variants.js';
export type Show = Look & {
    output?: string;
};
/** @template {ModelType} [M=AnyModel] what the model.d.ts of an artifact says */
export declare class Session<M extends ModelType = AnyModel> {
    #private;
    /** The model's. */
    name: string;
    /** What `run` is fed with. @type {M['inputs']} */
    inputs: M['inputs'];
    /** What `run` gives. @type {M['outputs']} */
    outputs: M['outputs'];
    /** The names of the classes, where the artifact has them. */
    labels: string[] | undefined;
    /** The file of a picture to show the model on, where the artifact has one. */
    sample: string | undefined;
    /**
     * Use `createSession`.
     *
     * @internal
     * @param {Stage} stage
     * @param {Start} [start]
     */
    constructor(stage: Stage, start?: Start);
    /** The device that the session runs on; another one after a recovery. */
    get device(): GPUDevice;
    /**
     * What runs the model: a fallback is no device.
     *
     * @returns {'webgpu' | 'onnxruntime-web'}
     */
    get backend(): 'webgpu' | 'onnxruntime-web';
    /** What the adapter of the device calls itself. */
    get adapter(): string;
    /** What was chosen on this device, and why. */
    get variants(): Variants;
    /** Resolves when the device is lost; `destroy` loses a device that the session made. */
    get lost(): Promise<GPUDeviceLostInfo>;
    /**
     * Runs the model once. Several runs may be in flight; they resolve in the order of their calls. After a
     * loss of the device, those in flight reject with a DeviceLostError, and the next run makes a new device,
     * if the session made the lost one.
     *
     * @param {FeedsOf<M>} [feeds] for each input a typed array or a GPUBuffer, or where `image` says that it
     *   is a picture anything that is one, of any size; they must stay as they are until the promise settles
     * @template {'values' | 'pixels' | Record<string, Result>} [As='values']
     * @template {OutputName<M>} [Name=OutputName<M>]
     * @param {{outputs?: Name[], as?: As & string, fit?: Fit}} [options] the outputs to read, all where none
     *   are named. As `pixels`, outputs that are pictures come as RGBA bytes, as `toPixels` makes them, but
     *   made on the device: a quarter of the floats to read. fit: cover, contain, stretch or a rectangle of
     *   pictures, in the place of what the model says.
     * @returns {Promise<As extends 'pixels' ? Pick<PixelsOf<M>, Name> : As extends string ?
     *   Pick<ResultsOf<M>, Name> : As>} by output name; without a model.d.ts `run<{ y: Float32Array }>` says
     *   which, and of what dtype
     * @throws {Error} an unknown or missing input, a wrong dtype or length, a lost device
     */
    run<As extends 'values' | 'pixels' | Record<string, Result> = 'values', Name extends OutputName<M> = OutputName<M>>(feeds?: FeedsOf<M>, options?: {
        outputs?: Name[];
        as?: As & string;
        fit?: Fit;
    }): Promise<As extends 'pixels' ? Pick<PixelsOf<M>, Name> : As extends string ? Pick<ResultsOf<M>, Name> : As>;
    /**
     * Runs the model on a picture and shows what it makes of it: one submit, nothing is read back.
     *
     * @param {Feeds[string]} source whatever the input takes
     * @param {Canvas | GPUTexture | View} canvas sized by you, or a texture to render to
     * @param {Show & {input?: string, feeds?: Partial<FeedsOf<M>>, fit?: Fit}} [options] the input that the
     *   source is for, else the first that is a picture; what other inputs there are
     */
    frame(source: Feeds[string], canvas: Canvas | GPUTexture | View, options?: Show & {
        input?: string;
        feeds?: Partial<FeedsOf<M>>;
        fit?: Fit;
    }): Promise<void>;
    /**
     * Shows the output of the last frame.
     *
     * @param {Canvas} canvas sized by you
     * @param {Show} [options]
     */
    draw(canvas: Canvas, options?: Show): Promise<void>;
    /**
     * Renders the output of the last frame to a texture of the session's device, with alpha premultiplied.
     *
     * @param {GPUTexture | View} texture whose usage is RENDER_ATTACHMENT; or a view of one, with its format
     *   and size: `{view, format, width, height}`
     * @param {Show} [options]
     */
    toTexture(texture: GPUTexture | View, options?: Show): Promise<void>;
    /**
     * Records a frame into an encoder of the caller, who submits it; arrays are uploaded at once, by the queue.
     * So submit a frame before you record or run the next. Before pictures, other than bytes of the input's size,
     * await `prepare`.
     *
     * @param {GPUCommandEncoder} encoder of the session's device
     * @param {{inputs?: FeedsOf<M>, outputs?: Record<string, GPUBuffer>, fit?: Fit}} [options] inputs as for
     *   `run`, but for files; the buffers that outputs are copied to, in whole words: they stay the caller's.
     *   Any output is also in `outputBuffer`.
     * @throws {Error} what `run` throws; a lost device, which `recover` replaces
     */
    encode(encoder: GPUCommandEncoder, options?: {
        inputs?: FeedsOf<M>;
        outputs?: Record<string, GPUBuffer>;
        fit?: Fit;
    }): void;
    /**
     * Makes what resizes pictures and what shows outputs, so that the first frame that needs them waits for
     * nothing, and `encode` takes pictures.
     */
    prepare(): Promise<void>;
    /**
     * The session's own buffer of an output, as the last frame left it: row-major, in whole words. It goes with
     * the session and with the device; don't destroy it.
     *
     * @param {OutputName<M>} name
     * @returns {GPUBuffer}
     */
    outputBuffer(name: OutputName<M>): GPUBuffer;
    /**
     * Runs the artifact's test vectors on this device and compares every kernel with the reference, then whole
     * frames, three times each. Where something differs, the next variants are tried, and the first exact ones
     * chosen: `variants` and the report say so. Other frames wait; `draw` needs a new one afterwards.
     *
     * @returns {Promise<Report>} `text` is the whole of it, to be copied
     */
    selfTest(): Promise<Report>;
    /**
     * Times frames with each variant of `dot` that is exact here, goes on with the fastest; its `dot` may be given to
     * the next `createSession`. Other frames wait; `draw` needs a new one.
     *
     * @returns {Promise<Tuning>}
     */
    tune(): Promise<Tuning>;
    /**
     * The classes with the largest values of a classifier's output, by the artifact's labels where it has them.
     *
     * @param {Values | ArrayLike<number>} values as `run` gives them
     * @param {number} [k]
     * @param {{labels?: string[], softmax?: boolean}} [options] names of the classes; whether the values are
     *   turned into probabilities
     */
    topK(values: Values | ArrayLike<number>, k?: number, options?: {
        labels?: string[];
        softmax?: boolean;
    }): Promise<import("./labels.js").Class[]>;
    /**
     * Times each kernel on this device, by timestamps where it has `timestamp-query`: a session asks for it
     * with `createSession(folder, {profile: true})`. Elsewhere, times whole frames. Other frames wait.
     *
     * @returns {Promise<Profile>}
     */
    profile(): Promise<Profile>;
    /**
     * Moves the session to another device, as after a loss: what was on the old one is freed, the next frames
     * give the same bits. Runs do so by themselves where the session made its device.
     *
     * @param {GPUDevice} [device] of the caller; a new one where none is given
     */
    recover(device?: GPUDevice): Promise<void>;
    /**
     * Frees what the session made: its buffers, and its device, but none of the caller's. Nothing runs
     * afterwards.
     */
    destroy(): void;
}
