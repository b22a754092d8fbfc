import type { Loading, Source } from './files.js';
export type Values = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;
export type Dtype = 'float32' | 'int32' | 'int64' | 'uint8' | 'int8' | 'bool';
export type Image = {
    scale: number;
    offset: number;
};
export type Tensor = {
    name: string;
    dtype: Dtype;
    shape: number[];
    /**
     * where it is a picture
     */
    image?: Image;
};
export type InputFormat = {
    /**
     * width and height
     */
    size: number[];
    /**
     * in which order
     */
    channels: 'rgb' | 'bgr';
    /**
     * by channel, in that order
     */
    scale: number[];
    /**
     * likewise
     */
    offset: number[];
    /**
     * how a picture of other proportions meets the input
     */
    fit: 'cover' | 'contain' | 'stretch';
    /**
     * red, green and blue of what lies beside a contained one
     */
    pad: number[];
};
export type InputImage = InputFormat & {
    replaces: number;
    skips?: number[];
    kernel: Kernel;
    resize: {
        buffer: string;
        texture: string;
    };
};
export type Input = Omit<Tensor, 'image'> & {
    image?: InputImage;
};
export type Store = {
    buffer: string;
    offset: number;
    rows: number;
    pitch: number;
    width: number;
};
export type Binding = {
    binding: number;
    buffer: string;
    access: string;
};
export type Schedule = {
    shader: string;
    constants: number[] | Record<string, number>;
    uses: string[];
    workgroups: number[];
};
export type Kernel = Schedule & {
    name: string;
    op: string;
    bindings: Binding[];
    schedules?: Record<string, Schedule>;
};
export type File = {
    file: string;
    bytes: number;
    sha256: string;
};
export type Probe = {
    shader: string;
    offset: number;
    count: number;
};
export type SelfTest = {
    seed: number;
    inputs: Record<string, {
        low: number;
        high: number;
    }>;
    kernels: string[];
    stores: Store[][];
    macs: number[];
    pictures: Record<string, string>;
    outputs: Record<string, string>;
};
export type Model = {
    name: string;
    generator: string;
    sha256: string;
    reference: {
        runtime: string;
        qdqisint8allowed: boolean;
    };
    arena: {
        bytes: number;
    };
    weights: File;
    shaders: File;
    rare_shaders: File;
    self_test: File;
    onnx?: File;
    labels?: string[];
    sample?: string;
    inputs: Input[];
    outputs: Tensor[];
    kernels: Kernel[];
    probe: Probe;
    snippets: {
        dot: Record<string, string>;
        requantize: Record<string, string>;
    };
};
export type Artifact = {
    model: Model;
    weights: Uint8Array;
    shaders: Map<string, string>;
    rareShaders: () => Promise<void>;
    selfTest: () => Promise<SelfTest>;
    explained: Explained;
};
export type Read = (record: File) => Promise<Uint8Array>;
export type Explained = <T>(task: () => Promise<T>) => Promise<T>;
/**
 * The typed array of each dtype.
 *
 * @satisfies {Record<Dtype, unknown>}
 */
export declare const ARRAYS: {
    float32: Float32ArrayConstructor;
    int32: Int32ArrayConstructor;
    int64: BigInt64ArrayConstructor;
    uint8: Uint8ArrayConstructor;
    int8: Int8ArrayConstructor;
    bool: Uint8ArrayConstructor;
};
/** Of the artifacts that this runtime reads. */
export declare const VERSION = 5;
/**
 * Loads and checks an artifact.
 *
 * @param {Source} source
 * @param {Loading} [loading]
 * @returns {Promise<Artifact>}
 * @throws {Error} a file that is missing, damaged or of another version
 */
export declare function loadArtifact(source: Source, loading?: Loading): Promise<Artifact>;
/**
 * Loads model.json, and some of the files that it records.
 *
 * @template T
 * @param {Source} source
 * @param {Loading} loading
 * @param {(model: Model, isBundle: unknown) => File[]} choose
 * @param {(found: {model: Model, read: Read, explained: Explained}, parts: Uint8Array[]) =>
 *   T | Promise<T>} make  what is returned; `read` loads other files later
 * @returns {Promise<T>}
 */
export declare function loadFiles<T>(source: Source, loading: Loading, choose: (model: Model, isBundle: unknown) => File[], make: (found: {
    model: Model;
    read: Read;
    explained: Explained;
}, parts: Uint8Array[]) => T | Promise<T>): Promise<T>;
/**
 * The bytes of every buffer that kernels bind, by name.
 *
 * @param {Model} model
 * @returns {Record<string, number>}
 */
export declare function bufferSizes({ arena, weights, inputs, outputs }: Model): Record<string, number>;
/**
 * The number of elements of a tensor.
 *
 * @param {Pick<Tensor, 'shape'>} tensor
 */
export declare function elements({ shape }: Pick<Tensor, 'shape'>): number;
/**
 * The number of bytes of a tensor.
 *
 * @param {Pick<Tensor, 'shape' | 'dtype'>} tensor
 */
export declare function byteLength(tensor: Pick<Tensor, 'shape' | 'dtype'>): number;
/**
 * The SHA-256 of some bytes, as 64 hex digits.
 *
 * @param {BufferSource} bytes
 */
export declare function sha256(bytes: BufferSource): Promise<string>;
/**
 * @param {string} file
 * @param {string} content
 */
export declare function parseJson(file: string, content: string): any;
/**
 * @param {string} file
 * @param {BufferSource} bytes
 */
export declare function text(file: string, bytes: BufferSource): string;
