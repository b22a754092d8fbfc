/**
 * Reads an artifact folder, as docs/artifact.md describes it, and refuses a damaged one.
 *
 * @typedef {Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array} Values  bool: 0, 1
 * @typedef {typeof TENSOR & {image?: typeof IMAGE}} Tensor
 * @typedef {typeof TENSOR & {image?: typeof IMAGE & typeof PICTURE}} Input
 * @typedef {typeof KERNEL} Kernel
 * @typedef {Kernel['stores'][number]} Store
 * @typedef {Omit<typeof MODEL, 'inputs' | 'outputs'> & {inputs: Input[], outputs: Tensor[]}} Model
 * @typedef {{model: Model, weights: Uint8Array<ArrayBuffer>, shaders: Map<string, string>}} Artifact
 */
export type Values = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;
export type Tensor = typeof TENSOR & {
    image?: typeof IMAGE;
};
export type Input = typeof TENSOR & {
    image?: typeof IMAGE & typeof PICTURE;
};
export type Kernel = typeof KERNEL;
export type Store = Kernel['stores'][number];
export type Model = Omit<typeof MODEL, 'inputs' | 'outputs'> & {
    inputs: Input[];
    outputs: Tensor[];
};
export type Artifact = {
    model: Model;
    weights: Uint8Array<ArrayBuffer>;
    shaders: Map<string, string>;
};
/** The typed array of each dtype. */
export declare const ARRAYS: {
    float32: Float32ArrayConstructor;
    int32: Int32ArrayConstructor;
    int64: BigInt64ArrayConstructor;
    uint8: Uint8ArrayConstructor;
    int8: Int8ArrayConstructor;
    bool: Uint8ArrayConstructor;
};
declare const KERNEL: {
    name: string;
    shader: string;
    constants: Record<string, number>;
    uses: string[];
    workgroups: number[];
    bindings: {
        binding: number;
        buffer: string;
        access: string;
    }[];
    stores: {
        buffer: string;
        offset: number;
        rows: number;
        pitch: number;
        width: number;
    }[];
};
declare const TENSOR: {
    name: string;
    dtype: keyof typeof ARRAYS;
    shape: number[];
};
declare const IMAGE: {
    scale: number;
    offset: number;
};
declare const PICTURE: {
    replaces: number;
    kernel: {
        name: string;
        shader: string;
        constants: Record<string, number>;
        uses: string[];
        workgroups: number[];
        bindings: {
            binding: number;
            buffer: string;
            access: string;
        }[];
        stores: {
            buffer: string;
            offset: number;
            rows: number;
            pitch: number;
            width: number;
        }[];
    };
};
declare const MODEL: {
    name: string;
    reference: {
        runtime: string;
    };
    arena: {
        bytes: number;
    };
    weights: {
        file: string;
        bytes: number;
        sha256: string;
    };
    inputs: {
        name: string;
        dtype: keyof typeof ARRAYS;
        shape: number[];
    }[];
    outputs: {
        name: string;
        dtype: keyof typeof ARRAYS;
        shape: number[];
    }[];
    kernels: {
        name: string;
        shader: string;
        constants: Record<string, number>;
        uses: string[];
        workgroups: number[];
        bindings: {
            binding: number;
            buffer: string;
            access: string;
        }[];
        stores: {
            buffer: string;
            offset: number;
            rows: number;
            pitch: number;
            width: number;
        }[];
    }[];
    snippets: {
        dot: {
            packed: string;
            emulated: string;
        };
        requantize: {
            fast: string;
            integer: string;
        };
    };
    probe: {
        shader: string;
        accumulators: number[];
        scales: number[];
        zero_points: number[];
        expected: number[];
    };
    self_test: {
        seed: number;
        inputs: Record<string, {
            low: number;
            high: number;
        }>;
        kernels: string[];
        pictures: Record<string, string>;
        outputs: Record<string, string>;
    };
};
/**
 * Loads and checks the artifact in a folder.
 *
 * @param {string | URL} folder a URL; in Node also a path
 * @returns {Promise<Artifact>}
 * @throws {Error} a file that is missing, damaged or of another version
 */
export declare function loadArtifact(folder: string | URL): Promise<Artifact>;
/**
 * The number of elements of a tensor.
 *
 * @param {Tensor} tensor
 */
export declare function elements({ shape }: Tensor): number;
/**
 * The number of bytes of a tensor.
 *
 * @param {Tensor} tensor
 */
export declare function byteLength(tensor: Tensor): number;
/**
 * The SHA-256 of some bytes, as 64 hex digits.
 *
 * @param {BufferSource} bytes
 */
export declare function sha256(bytes: BufferSource): Promise<string>;
export {};
