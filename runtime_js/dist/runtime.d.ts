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
/**
 * @internal
 * @param {unknown} error
 */
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
  /**
   * in the place of the global one
   */
  fetch?: typeof globalThis.fetch;
  /**
   * the name of a Cache, or anything like one
   */
  cache?: string | FileCache;
  /**
   * ends the loading and all that follows
   */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /**
   * holds model.json against its schema, which for a file as the compiler wrote
   * it says nothing new: give it for artifacts of others
   */
  validate?: boolean;
};
type Values = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;
type Dtype = 'float32' | 'int32' | 'int64' | 'uint8' | 'int8' | 'bool';
type Image = {
  scale: number;
  offset: number;
};
type Tensor = {
  name: string;
  dtype: Dtype;
  shape: number[];
  /**
   * where it is a picture
   */
  image?: Image;
};
type InputFormat = {
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
type InputImage = InputFormat & {
  replaces: number;
  skips?: number[];
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
type Schedule = {
  shader: string;
  constants: number[] | Record<string, number>;
  uses: string[];
  workgroups: number[];
};
type Kernel = Schedule & {
  name: string;
  op: string;
  bindings: Binding[];
  schedules?: Record<string, Schedule>;
};
type File = {
  file: string;
  bytes: number;
  sha256: string;
};
type Probe = {
  shader: string;
  offset: number;
  count: number;
};
type SelfTest = {
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
type Model = {
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
type Artifact = {
  model: Model;
  weights: ReturnType<Uint8ArrayConstructor['of']>;
  shaders: Map<string, string>;
  rareShaders: () => Promise<void>;
  selfTest: () => Promise<SelfTest>;
  explained: Explained;
};
type Explained = <T>(task: () => Promise<T>) => Promise<T>;
type Class = {
  index: number;
  value: number;
  label?: string;
};
type Colour = number[];
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
type Canvas = HTMLCanvasElement | OffscreenCanvas;
type Look = {
  /**
   * `nearest` shows the bytes as they are. `bicubic` is for a
   * canvas larger than the picture: a cubic B-spline in linear light, then contrast-adaptive sharpening,
   * strong on flat areas and gentle at edges
   */
  scaling?: 'nearest' | 'bicubic';
  /**
   * from 0, none, to 1; 0.6 where it is not said
   */
  sharpness?: number;
  /**
   * of the canvas, in the place of the browser's preferred one
   */
  format?: GPUTextureFormat;
};
type View = {
  view: GPUTextureView;
  format: GPUTextureFormat;
  width: number;
  height: number;
};
type Surface = Pick<GPUTexture, 'createView' | 'format' | 'width' | 'height' | 'usage'>;
type Painter = (texture: Surface, sharpness: number) => Frame;
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
   * @param {Canvas | GPUTexture | View} target
   * @param {Look} look
   */
  painter(target: Canvas | GPUTexture | View, {
    scaling,
    format
  }: Look): Painter | Promise<Painter>;
  /**
   * A frame, followed by what shows its output.
   *
   * @param {Frame} frame
   * @param {Painter} painter
   * @param {Canvas | GPUTexture | View} target
   * @param {Look} look
   * @returns {Frame}
   */
  shown(frame: Frame, painter: Painter, target: Canvas | GPUTexture | View, {
    sharpness
  }: Look): Frame;
  /** Frees what was made. */
  destroy(): void;
}
type Feeds = Record<string, Values | GPUBuffer | Picture | Blob>;
type AnyInput = {
  name: string;
  dtype: Dtype;
  shape: number[];
  image?: InputFormat;
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
type Start = (device?: GPUDevice, owned?: boolean, chosen?: Wishes | Variants) => Promise<Stage>;
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
type Tuning = {
  dot: string;
  ms: Record<string, number>;
};
type Show = Look & {
  output?: string;
};
/** @template {ModelType} [M=AnyModel] what the model.d.ts of an artifact says */
declare class Session<M extends ModelType = AnyModel> {
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
type OnnxRuntime = {
  InferenceSession: {
    create: (...options: any[]) => Promise<any>;
  };
  Tensor: new (...options: any[]) => any;
  env: any;
};
type Fallback = () => OnnxRuntime | Promise<OnnxRuntime>;
/**
 * The RGBA pixels of an output that is a picture, as ImageData wants them.
 *
 * @param {Tensor} output one of `session.outputs`, of shape [1, 1 or 3 or 4, height, width]
 * @param {ArrayLike<number | bigint> | undefined} values as `run` returns them
 */
declare function toPixels(output: Tensor, values: ArrayLike<number | bigint> | undefined): ReturnType<Uint8ClampedArrayConstructor['of']>;
type AdapterSource = GPUAdapter | (() => Promise<GPUAdapter | null>);
type DeviceOptions = {
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
type Options = Loading & Wishes & DeviceOptions;
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
declare function createSession<M extends ModelType = AnyModel>(source: Source, options?: Options): Promise<Session<M>>;
/**
 * The classes with the largest values, the largest first; `session.topK` knows the artifact's labels, too.
 *
 * @param {Values | ArrayLike<number>} values one for each class
 * @param {number} [k] how many, 5 where it is not said
 * @param {{labels?: string[], softmax?: boolean}} [options] names of the classes; whether the values are
 *   turned into probabilities
 * @returns {Promise<Class[]>} its code comes with the first call
 */
declare function topK(values: Values | ArrayLike<number>, k?: number, options?: {
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
 * @returns {Promise<ReturnType<Uint8ClampedArrayConstructor['of']>>} its code comes with the first call
 */
declare function maskOverlay(values: Values | ArrayLike<number>, shape: number[], palette?: Colour[]): Promise<ReturnType<Uint8ClampedArrayConstructor['of']>>;
export { AdapterError, AdapterSource, ArtifactError, DestroyedError, DeviceLostError, DeviceOptions, InputError, MissingFileError, Options, Session, SessionError, createSession, maskOverlay, messageOf, toPixels, topK };