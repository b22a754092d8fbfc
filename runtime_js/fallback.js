/**
 * A session where there is no WebGPU: onnxruntime-web, which the caller gives, runs the ONNX model that
 * `compile --keep-onnx` kept in the artifact.
 *
 * @import {Input, Model, Values} from './artifact.js'
 * @import {Canvas, Look} from './canvas.js'
 * @import {Source} from './files.js'
 * @import {Fit, Source as Picture} from './pictures.js'
 * @import {Feeds} from './feeds.js'
 * @import {Options} from './runtime.js'
 * @import {Show} from './session.js'
 * @import {Stage} from './stage.js'
 * @typedef {{InferenceSession: {create: (...options: any[]) => Promise<any>},
 *   Tensor: new (...options: any[]) => any, env: any}} OnnxRuntime  the module onnxruntime-web
 * @typedef {() => OnnxRuntime | Promise<OnnxRuntime>} Fallback
 * @typedef {Record<string, Values>} Results  all outputs by name
 * @typedef {Map<string, Uint8ClampedArray<ArrayBuffer>>} Pictures  RGBA bytes of the outputs that are some
 */
import { ARRAYS, loadFiles } from './artifact.js';
import {
  AdapterError,
  ArtifactError,
  DestroyedError,
  InputError,
  SessionError,
  messageOf,
} from './errors.js';
import { isPicture, kindOf, readFeeds, requireKnown, valuesOf } from './feeds.js';
import { sourceOf } from './pictures.js';
import { toPixels } from './pixels.js';
import { fitted } from './resize.js';
import { Session } from './session.js';

const LOOK = ['output', 'scaling', 'sharpness', 'format'];
const FATAL = 4; // of a log: what goes wrong is thrown

/**
 * @param {Source} source
 * @param {Options} options with a fallback
 * @param {Error} reason why there is no device
 */
export async function createFallback(source, options, reason) {
  const onnxOf = (/** @type {Model} */ { onnx }) => {
    if (onnx) return onnx;
    throw new ArtifactError(
      `${reason.message} The artifact holds no ONNX model to fall back to: compile it with ` +
        '--keep-onnx, and give its folder, since bundles have none.',
      { cause: reason },
    );
  };
  // It is a bundle's, and may have been read.
  if (kindOf(source) === 'Response') onnxOf(/** @type {Model} */ ({}));
  // What was loaded for a device that is too small is loaded again, but for what a cache keeps.
  const { model, bytes } = await loadFiles(
    source,
    options,
    (model) => [onnxOf(model)],
    ({ model }, [bytes]) => ({ model, bytes }),
  );
  options.signal?.throwIfAborted();
  const runtime = await runtimeOf(/** @type {Fallback} */ (options.fallback), reason);
  const { qdqisint8allowed } = model.reference;
  // What the reference has, too.
  const entries = {
    qdq_matmulnbits_accuracy_level: '1',
    ...(qdqisint8allowed ? { qdqisint8allowed: '1' } : {}),
  };
  try {
    const session = await runtime.InferenceSession.create(bytes, {
      executionProviders: ['wasm'],
      extra: { session: entries },
      logSeverityLevel: FATAL,
    });
    return new FallbackSession(model, runtime, session);
  } catch (error) {
    throw new SessionError(`onnxruntime-web can't load the model: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * @param {Fallback} fallback
 * @param {Error} reason
 * @returns {Promise<OnnxRuntime>}
 */
async function runtimeOf(fallback, reason) {
  /** @type {any} */
  let module;
  try {
    module = await fallback();
  } catch (error) {
    throw new AdapterError(
      `${reason.message} And the fallback can't be loaded: ${messageOf(error)}`,
      { cause: error },
    );
  }
  const runtime = module?.InferenceSession ? module : module?.default;
  if (runtime?.InferenceSession && runtime.Tensor) return runtime;
  throw new InputError(
    'fallback gave no onnxruntime-web: give a function that imports it, or onnxruntime-web/wasm.',
  );
}

/** A session in onnxruntime-web: the same model, the same `run`, and no device. */
export class FallbackSession extends Session {
  /** @type {Model} */ #model;
  /** @type {OnnxRuntime} */ #runtime;
  /** @type {any} */ #session;
  /** @type {Promise<unknown>} the runs before the next, which are one after the other */ #turn =
    Promise.resolve();
  /** @type {Pictures} of the last frame */ #last = new Map();
  /** @type {DestroyedError | undefined} */ #end;

  /**
   * Use `createSession`.
   *
   * @param {Model} model
   * @param {OnnxRuntime} runtime
   * @param {any} session
   */
  constructor(model, runtime, session) {
    // A stage without a device, which is never lost.
    const device = { lost: new Promise(() => {}) };
    const release = () => {};
    super(/** @type {Stage} */ (/** @type {unknown} */ ({ program: { model, device }, release })));
    this.#model = model;
    this.#runtime = runtime;
    this.#session = session;
  }

  /** @returns {'onnxruntime-web'} */
  get backend() {
    return 'onnxruntime-web';
  }

  /** What runs the model. */
  get adapter() {
    return `onnxruntime-web ${this.#runtime.env?.versions?.web ?? ''}`.trim();
  }

  /** @returns {never} */
  get device() {
    throw noDevice('device');
  }

  /** @returns {never} */
  get variants() {
    throw noDevice('variants');
  }

  /** Never resolves: there is no device to be lost. */
  get lost() {
    return new Promise(() => {});
  }

  /**
   * @param {any} feeds
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  async run(feeds, options = {}) {
    requireKnown('option', Object.keys(options), ['outputs', 'as', 'fit']);
    const { outputs, fit, as = 'values' } = options;
    if (as !== 'values' && as !== 'pixels')
      throw new InputError(`as is ${as}, expected values or pixels.`);
    const known = this.outputs.map(({ name }) => name);
    const names = outputs ?? known;
    requireKnown('output', names, known);
    const { results, pictures } = await this.#results(feeds ?? {}, fit);
    const resultOf = (/** @type {string} */ name) =>
      (as === 'pixels' && pictures.get(name)?.slice()) || results[name];
    return Object.fromEntries(names.map((/** @type {string} */ name) => [name, resultOf(name)]));
  }

  /**
   * @param {any} source
   * @param {any} canvas
   * @param {any} [options]
   */
  async frame(source, canvas, options = {}) {
    requireKnown('option', Object.keys(options), ['input', 'feeds', 'fit', ...LOOK]);
    const { input = this.inputs.find(({ image }) => image)?.name, feeds, fit, ...look } = options;
    if (!input) throw new InputError('The model takes no picture: use run, then draw.');
    const show = painter(this.#model, canvas, look);
    const { pictures } = await this.#results({ ...feeds, [input]: source }, fit);
    show(pictures);
  }

  /**
   * @param {any} canvas
   * @param {Show} [options]
   */
  async draw(canvas, options = {}) {
    requireKnown('option', Object.keys(options), LOOK);
    if (this.#end) throw this.#end;
    const show = painter(this.#model, canvas, options);
    if (!this.#last.size)
      throw new SessionError('There is nothing to draw yet: run a frame first.');
    show(this.#last);
  }

  /** Does nothing: there is nothing that a first frame would wait for. */
  async prepare() {
    if (this.#end) throw this.#end;
  }

  /** @returns {Promise<never>} */
  async toTexture() {
    throw noDevice('toTexture');
  }

  /** @returns {never} */
  encode() {
    throw noDevice('encode');
  }

  /** @returns {never} */
  outputBuffer() {
    throw noDevice('outputBuffer');
  }

  /** @returns {Promise<never>} */
  async selfTest() {
    throw noDevice('selfTest');
  }

  /** @returns {Promise<never>} */
  async tune() {
    throw noDevice('tune');
  }

  /** @returns {Promise<never>} */
  async profile() {
    throw noDevice('profile');
  }

  /** @returns {Promise<never>} */
  async recover() {
    throw noDevice('recover');
  }

  /** Frees the model; nothing runs afterwards. */
  destroy() {
    if (this.#end) return;
    this.#end = new DestroyedError('The session was destroyed: make a new one.');
    this.#last.clear();
    const release = async () => this.#session.release();
    this.#turn.then(release).catch(() => {});
  }

  /**
   * All outputs, when the runs before have ended; pictures are read at once.
   *
   * @param {Feeds} feeds
   * @param {Fit | undefined} fit
   * @returns {Promise<{results: Results, pictures: Pictures}>}
   */
  async #results(feeds, fit) {
    const reading = readFeeds(feeds);
    const read = reading instanceof Promise ? await reading : reading;
    if (this.#end) throw this.#end;
    const { Tensor } = this.#runtime;
    const { inputs, outputs } = this.#model;
    requireKnown(
      'input',
      Object.keys(read),
      inputs.map(({ name }) => name),
    );
    const tensors = Object.fromEntries(
      inputs.map((input) => {
        const { name, dtype, shape } = input;
        return [name, new Tensor(dtype, tensorOf(input, read[name], fit), shape)];
      }),
    );
    const turn = this.#turn.then(async () => {
      if (this.#end) throw this.#end;
      const values = await this.#session.run(tensors).catch((/** @type {unknown} */ error) => {
        throw new SessionError(`onnxruntime-web failed: ${messageOf(error)}`, { cause: error });
      });
      /** @type {Results} */
      const results = Object.fromEntries(outputs.map(({ name }) => [name, values[name].data]));
      const pictures = outputs.filter(({ image }) => image);
      this.#last = new Map(pictures.map((one) => [one.name, toPixels(one, results[one.name])]));
      return { results, pictures: this.#last };
    });
    this.#turn = turn.catch(() => {});
    const done = await turn;
    if (this.#end) throw this.#end;
    return done;
  }
}

/** @param {string} what */
function noDevice(what) {
  return new SessionError(
    `${what} needs a WebGPU device, and this session runs in onnxruntime-web: see its backend.`,
  );
}

/**
 * The values of an input: given, or of a picture's pixels.
 *
 * @param {Input} input
 * @param {any} value
 * @param {Fit | undefined} fit
 */
function tensorOf(input, value, fit) {
  const { name, image } = input;
  if (kindOf(value) === 'GPUBuffer') throw noDevice(`Input ${name}, a GPUBuffer,`);
  if (!image || !isPicture(value)) return valuesOf(input, value);
  const picture = pixelsOf(name, sourceOf(name, value));
  const bytes = fitted(picture, image.size, fit ?? image.fit, image.pad);
  return normalized(input, image, bytes);
}

/**
 * The bytes of a picture; a browser's own is drawn for that.
 *
 * @param {string} name of the input
 * @param {Picture} picture
 */
function pixelsOf(name, { bytes, resource, source, width, height, isOwn }) {
  if (bytes) return { bytes, width, height };
  if (resource) throw noDevice(`Input ${name}, a picture on a device,`);
  try {
    const context = contextOf(new OffscreenCanvas(width, height), { willReadFrequently: true });
    context.drawImage(/** @type {any} */ (source), 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return { bytes: new Uint8Array(data.buffer), width, height };
  } catch (error) {
    throw new InputError(`Input ${name} can't be read as a picture: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    if (isOwn) /** @type {ImageBitmap} */ (source).close();
  }
}

/**
 * What RGBA bytes are as the values of an input.
 *
 * @param {Input} input
 * @param {import('./artifact.js').InputImage} image
 * @param {Uint8ClampedArray} bytes
 */
function normalized({ dtype, shape }, { size, channels, scale, offset }, bytes) {
  const [width, height] = size;
  const plane = width * height;
  const count = scale.length;
  const isPlanar = shape[1] === count && shape[2] === height && shape[3] === width;
  const [step, pitch] = isPlanar ? [1, plane] : [count, 1];
  const order = channels === 'bgr' ? [2, 1, 0, 3] : [0, 1, 2, 3];
  const values = new ARRAYS[dtype](count * plane);
  for (let channel = 0; channel < count; channel++) {
    // The array rounds to f32.
    const table = Float32Array.from(
      { length: 256 },
      (_, i) => i * scale[channel] + offset[channel],
    );
    for (let i = 0; i < plane; i++)
      values[channel * pitch + i * step] = /** @type {never} */ (
        table[bytes[4 * i + order[channel]]]
      );
  }
  return values;
}

/**
 * What shows an output on a canvas.
 *
 * @param {Model} model
 * @param {Canvas} canvas
 * @param {Show} options
 * @returns {(pictures: Pictures) => void}
 */
function painter({ outputs }, canvas, { output, scaling = 'nearest', sharpness = 0 }) {
  requireKnown(
    'output',
    output === undefined ? [] : [output],
    outputs.map(({ name }) => name),
  );
  const shown = outputs.find(({ name, image }) => (output ? name === output : image));
  if (!shown) throw new InputError('No output of the model is a picture.');
  const { name, shape, image } = shown;
  if (!image) throw new InputError(`Output ${name} is not a picture.`);
  if (scaling !== 'nearest' && scaling !== 'bicubic')
    throw new InputError(`scaling is ${scaling}, expected nearest or bicubic.`);
  if (!(sharpness >= 0 && sharpness <= 1))
    throw new InputError(`sharpness is ${sharpness}, expected 0 to 1.`);
  if (/** @type {any} */ (canvas)?.createView) throw noDevice('A texture');
  const context = contextOf(canvas);
  const [, , height, width] = shape;
  return (pictures) => {
    const pixels = /** @type {Uint8ClampedArray<ArrayBuffer>} */ (pictures.get(name));
    const { width: w, height: h } = canvas;
    if (scaling === 'nearest' || (w === width && h === height)) {
      context.putImageData(nearest(pixels, width, height, w, h), 0, 0);
      return;
    }
    const plain = contextOf(new OffscreenCanvas(width, height));
    plain.putImageData(new ImageData(pixels, width, height), 0, 0);
    context.clearRect(0, 0, w, h);
    context.imageSmoothingQuality = 'high';
    context.drawImage(plain.canvas, 0, 0, w, h);
  };
}

/**
 * The pixels at the size of a canvas, as the device shows them.
 *
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels
 * @param {number} width
 * @param {number} height
 * @param {number} w
 * @param {number} h
 */
function nearest(pixels, width, height, w, h) {
  const result = new ImageData(w, h);
  const source = new Uint32Array(pixels.buffer);
  const target = new Uint32Array(result.data.buffer);
  for (let y = 0; y < h; y++) {
    const row = width * Math.floor(((2 * y + 1) * height) / (2 * h));
    for (let x = 0; x < w; x++)
      target[y * w + x] = source[row + Math.floor(((2 * x + 1) * width) / (2 * w))];
  }
  return result;
}

/**
 * @param {any} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 * @returns {CanvasRenderingContext2D}
 */
function contextOf(canvas, settings) {
  const context = canvas?.getContext?.('2d', settings);
  if (context) return context;
  throw new InputError('The canvas gives no 2-D context: it is none, or it has another one.');
}
