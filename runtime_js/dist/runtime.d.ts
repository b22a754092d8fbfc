type Values = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;
type Image = {
  scale: number;
  offset: number;
};
type Tensor = {
  name: string;
  dtype: keyof typeof ARRAYS;
  shape: number[];
  image?: Image;
};
type InputImage = {
  size: number[];
  channels: 'rgb' | 'bgr';
  scale: number[];
  offset: number[];
  fit: 'cover' | 'contain' | 'stretch';
  pad: number[];
  replaces: number;
  kernel: Kernel;
  resize: {
    buffer: string;
    texture: string;
  };
};
type Input = Omit<Tensor, 'image'> & {
  image?: InputImage;
};
type Store = {
  buffer: string;
  offset: number;
  rows: number;
  pitch: number;
  width: number;
};
type Binding = {
  binding: number;
  buffer: string;
  access: string;
};
type Kernel = {
  name: string;
  op: string;
  shader: string;
  constants: Record<string, number>;
  uses: string[];
  workgroups: number[];
  bindings: Binding[];
  stores: Store[];
  macs: number;
};
type File = {
  file: string;
  bytes: number;
  sha256: string;
};
type Probe = {
  shader: string;
  accumulators: number[];
  scales: number[];
  zero_points: number[];
  expected: number[];
};
type SelfTest = {
  seed: number;
  inputs: Record<string, {
    low: number;
    high: number;
  }>;
  kernels: string[];
  pictures: Record<string, string>;
  outputs: Record<string, string>;
};
type Model = {
  name: string;
  generator: string;
  sha256: string;
  reference: {
    runtime: string;
  };
  arena: {
    bytes: number;
  };
  weights: File;
  shaders: File;
  self_test: File;
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
type Artifact = {
  model: Model;
  weights: ReturnType<Uint8ArrayConstructor['of']>;
  shaders: Map<string, string>;
  selfTest: () => Promise<SelfTest>;
  explained: Explained;
};
type Explained = <T>(task: () => Promise<T>) => Promise<T>;
/** The typed array of each dtype. */
declare const ARRAYS: {
  float32: Float32ArrayConstructor;
  int32: Int32ArrayConstructor;
  int64: BigInt64ArrayConstructor;
  uint8: Uint8ArrayConstructor;
  int8: Int8ArrayConstructor;
  bool: Uint8ArrayConstructor;
};
/**
 * What goes wrong, one class a cause, each with a message fit to be shown. `code` says the same to a program,
 * also where two copies of the runtime meet and `instanceof` fails.
 */
/** The base of everything that the runtime throws on purpose. */
declare class SessionError extends Error {
  /** @type {string} */
  code: string;
  name: string;
}
/** A file of an artifact is damaged, of another version, or of another build. */
declare class ArtifactError extends SessionError {
  code: string;
  name: string;
}
/** A file of an artifact can't be read; `status` is what a server answered instead. */
declare class MissingFileError extends ArtifactError {
  /** @type {number | undefined} */
  status: number | undefined;
  code: string;
  name: string;
}
/** No WebGPU, no adapter, or one that lacks what the model needs. */
declare class AdapterError extends SessionError {
  code: string;
  name: string;
}
/** A name, option, shape or dtype that the model does not have. */
declare class InputError extends SessionError {
  code: string;
  name: string;
}
/** The GPU device went away, with all that was on it. */
declare class DeviceLostError extends SessionError {
  code: string;
  name: string;
}
/** The session was destroyed by its owner. */
declare class DestroyedError extends SessionError {
  code: string;
  name: string;
}
/** @param {unknown} error */
declare function messageOf(error: unknown): string;
type Source = string | URL | Response | Blob | BufferSource | Record<string, Blob | BufferSource>;
type Progress = {
  loaded: number;
  total: number;
  file: string;
};
type FileCache = {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<unknown>;
};
type Loading = {
  fetch?: typeof globalThis.fetch;
  cache?: string | FileCache;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  validate?: boolean;
};
type Buffers = Map<string, GPUBuffer>;
type Resources = Record<string, GPUBuffer | GPUBufferBinding | GPUTexture>;
type Pipeline = {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  kernel: Kernel;
};
type Step = Pipeline & {
  group: GPUBindGroup;
  resources: Resources;
};
type Write = {
  buffer: GPUBuffer;
  bytes: BufferSource;
} | {
  put(queue: GPUQueue): void;
};
type Frame = {
  writes: Write[];
  steps: Step[];
  checks?: Promise<Error | null>[];
  isNew?: boolean;
  finish?: (encoder: GPUCommandEncoder) => void;
};
type Copy = {
  buffer: GPUBuffer;
  offset: number;
  bytes: number;
};
type Fit = 'cover' | 'contain' | 'stretch' | {
  x: number;
  y: number;
  width: number;
  height: number;
};
type Drawable = ImageBitmap | HTMLVideoElement | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | VideoFrame;
type Pixels = {
  data: Uint8ClampedArray | Uint8Array | GPUBuffer;
  width: number;
  height: number;
};
type Picture = Pixels | Drawable | GPUTexture;
type PictureInput = ((picture: any, fit: Fit | undefined, frame: Frame) => void) & {
  destroy(): void;
};
type Program = {
  device: GPUDevice;
  model: Model;
  buffers: Buffers;
  steps: Step[];
  pictureSteps: (Step | undefined)[];
  pictures?: (PictureInput | undefined)[];
  preparing?: Promise<void>;
  preparePictures: () => Promise<void>;
  selfTest: Artifact['selfTest'];
};
type Reading = Copy & {
  name: string;
  length: number;
  valuesOf: (bytes: ArrayBuffer) => Result;
};
type Result = Values | ReturnType<Uint8ClampedArrayConstructor['of']>;
declare class Frames {
  #private;
  /** By output: how it is read. */
  readings: Reading[];
  /**
   * @param {Program} program
   * @param {GPUBuffer[]} ring
   * @param {{owned: boolean, debug: boolean}} options
   */
  constructor(program: Program, ring: GPUBuffer[], {
    owned,
    debug
  }: {
    owned: boolean;
    debug: boolean;
  });
  /**
   * Runs a frame and reads outputs.
   *
   * @param {() => Frame | undefined | Promise<void>} make called when it is the frame's turn; called again
   *   after what it wants to wait for
   * @param {Reading[]} readings
   * @returns {Promise<Record<string, Result> | undefined>} by output name; nothing where `make` gave nothing
   */
  read(make: () => Frame | undefined | Promise<void>, readings: Reading[]): Promise<Record<string, Result> | undefined>;
  /**
   * Runs a frame that stays on the device.
   *
   * @param {() => Frame | undefined | Promise<void>} make as for `read`
   * @returns {Promise<boolean>} whether `make` gave one
   */
  run(make: () => Frame | undefined | Promise<void>): Promise<boolean>;
  /**
   * Uploads at once, and records a frame into an encoder of the caller.
   *
   * @param {GPUCommandEncoder} encoder
   * @param {Frame} frame
   * @param {{reading: Reading, target: GPUBuffer}[]} copies
   */
  encode(encoder: GPUCommandEncoder, {
    writes,
    steps
  }: Frame, copies: {
    reading: Reading;
    target: GPUBuffer;
  }[]): void;
  /** Frees the ring. */
  destroy(): void;
}
type AnyInput = Omit<Input, 'image'> & {
  image?: Omit<InputImage, 'resize' | 'replaces' | 'kernel'>;
};
type ModelType = {
  inputs: AnyInput[];
  outputs: Tensor[];
};
type AnyModel = {
  inputs: AnyInput[];
  outputs: [Tensor, ...Tensor[]];
};
type Arrays = {
  float32: Float32Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  int8: Int8Array;
  bool: Uint8Array;
};
type ValuesOf<T extends {
  dtype: keyof Arrays;
}> = Arrays[T['dtype']];
type FeedsOf<M extends ModelType> = { [T in M['inputs'][number] as T['name']]: ValuesOf<T> | GPUBuffer | ('image' extends keyof T ? Picture | Blob : never) };
type OutputName<M extends ModelType> = M['outputs'][number]['name'];
type ResultsOf<M extends ModelType> = { [T in M['outputs'][number] as T['name']]: ValuesOf<T> };
type PixelsOf<M extends ModelType> = { [T in M['outputs'][number] as T['name']]: T extends {
  image: Image;
} ? ReturnType<Uint8ClampedArrayConstructor['of']> : 'image' extends keyof T ? Result : ValuesOf<T> };
type Wishes = {
  dot?: 'packed' | 'emulated';
  requantize?: 'fast' | 'integer';
};
type Variants = {
  dot: string;
  requantize: string;
  why: {
    dot: string;
    requantize: string;
  };
};
type Class = {
  index: number;
  value: number;
  label?: string;
};
type Canvas = HTMLCanvasElement | OffscreenCanvas;
type Look = {
  scaling?: 'nearest' | 'bicubic';
  sharpness?: number;
  format?: GPUTextureFormat;
};
type Painter = (texture: GPUTexture, sharpness: number) => Frame;
declare class Display {
  #private;
  /** Makes the words of the pixels, in rows of whole 256 bytes. */
  words: Step;
  /** @type {Reading} how the pixels are read */
  reading: Reading;
  /**
   * Use `createDisplay`.
   *
   * @param {GPUDevice} device
   * @param {Tensor} output
   * @param {Map<string, GPUBuffer>} buffers
   * @param {Record<string, number>} constants
   * @param {Step} words
   */
  constructor(device: GPUDevice, output: Tensor, buffers: Map<string, GPUBuffer>, constants: Record<string, number>, words: Step);
  /**
   * What paints a target: made at its first use, a promise until then.
   *
   * @param {Canvas | GPUTexture} target
   * @param {Look} look
   */
  painter(target: Canvas | GPUTexture, {
    scaling,
    format
  }: Look): Painter | Promise<Painter>;
  /**
   * A frame, followed by what shows its output.
   *
   * @param {Frame} frame
   * @param {Painter} painter
   * @param {Canvas | GPUTexture} target
   * @param {Look} look
   * @returns {Frame}
   */
  shown(frame: Frame, painter: Painter, target: Canvas | GPUTexture, {
    sharpness
  }: Look): Frame;
  /** Frees what was made. */
  destroy(): void;
}
type Feeds = Record<string, Values | GPUBuffer | Picture | Blob>;
type Row = {
  name: string;
  op: string;
  ms: number;
  share: number;
  macs: number;
};
type Profile = {
  by: 'timestamps' | 'wall clock';
  ms: number;
  rows: Row[];
};
type Verdict = {
  name: string;
  ok: boolean;
  frames?: boolean[];
};
type Report = {
  ok: boolean;
  message: string;
  kernels: Verdict[];
  outputs: Verdict[];
  adapter: string;
  variants: Variants;
  text: string;
};
type Stage = {
  gpu?: GPU;
  program: Program;
  frames: Frames;
  variants: Variants;
  owned: boolean;
  hasRun?: boolean;
  displays: Map<string, Display>;
  loss?: DeviceLostError;
  release: () => void;
};
type Show = Look & {
  output?: string;
};
type Start = (device?: GPUDevice, owned?: boolean, chosen?: Wishes | Variants) => Promise<Stage>;
/** @template {ModelType} [M=AnyModel] what the model.d.ts of an artifact says */
declare class Session<M extends ModelType = AnyModel> {
  #private;
  name: string;
  /** @type {M['inputs']} */
  inputs: M['inputs'];
  /** @type {M['outputs']} */
  outputs: M['outputs'];
  /** The names of the classes, and the file of a picture to show the model on; where it has them. */
  labels: string[] | undefined;
  sample: string | undefined;
  /**
   * Use `createSession`.
   *
   * @param {Stage} stage
   * @param {Start} [start]
   */
  constructor(stage: Stage, start?: Start);
  /** The device that the session runs on; another one after a recovery. */
  get device(): GPUDevice;
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
   * @param {Canvas | GPUTexture} canvas sized by you, or a texture to render to
   * @param {Show & {input?: string, feeds?: Partial<FeedsOf<M>>, fit?: Fit}} [options] the input that the
   *   source is for, else the first that is a picture; what other inputs there are
   */
  frame(source: Feeds[string], canvas: Canvas | GPUTexture, options?: Show & {
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
   * @param {GPUTexture} texture whose usage is RENDER_ATTACHMENT
   * @param {Show} [options]
   */
  toTexture(texture: GPUTexture, options?: Show): Promise<void>;
  /**
   * Records a frame into an encoder of the caller, who submits it; arrays are uploaded at once, by the queue.
   * So submit a frame before you record or run the next. Before pictures, other than bytes of the input's size,
   * await `prepare`.
   *
   * @param {GPUCommandEncoder} encoder of the session's device
   * @param {{inputs?: FeedsOf<M>, outputs?: Record<string, GPUBuffer>, fit?: Fit}} [tensors] inputs as for
   *   `run`, but for files; the buffers that outputs are copied to, in whole words: they stay the caller's.
   *   Any output is also in `outputBuffer`.
   * @throws {Error} what `run` throws; a lost device, which `recover` replaces
   */
  encode(encoder: GPUCommandEncoder, {
    inputs,
    outputs,
    fit
  }?: {
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
  }): Promise<Class[]>;
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
/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {Tensor} output one of `session.outputs`, of shape [1, 1 or 3 or 4, height, width]
 * @param {ArrayLike<number | bigint> | undefined} values as `run` returns them
 */
declare function toPixels({
  name,
  shape,
  image
}: Tensor, values: ArrayLike<number | bigint> | undefined): ReturnType<Uint8ClampedArrayConstructor['of']>;
type AdapterSource = GPUAdapter | (() => Promise<GPUAdapter>);
type Options = Loading & Wishes & {
  device?: GPUDevice;
  adapter?: AdapterSource;
  gpu?: GPU;
  debug?: boolean;
  recover?: boolean;
  profile?: boolean;
};
/**
 * Loads an artifact and makes everything that its frames need.
 *
 *     const session = await createSession('./avatar/');
 *     const { output } = await session.run({ input: context.getImageData(0, 0, 256, 256) });
 *
 * @template {ModelType} [M=AnyModel] what the artifact's model.d.ts says: names, dtypes, shapes
 * @param {Source} source the URL of the artifact's folder, in Node also its path; or its files by name
 * @param {Options} [options]
 * @returns {Promise<Session<M>>}
 * @throws {Error} an unknown option, no WebGPU, no adapter, limits too small, a missing or damaged file
 */
declare function createSession<M extends ModelType = AnyModel>(source: Source, options?: Options): Promise<Session<M>>;
export { AdapterError, AdapterSource, ArtifactError, DestroyedError, DeviceLostError, InputError, MissingFileError, Options, Session, SessionError, createSession, messageOf, toPixels };