/**
 * Whatever is a picture becomes the RGBA words of an input, resized on the device as docs/artifact.md
 * specifies.
 *
 * @import {Input} from './artifact.js'
 * @import {Frame, Pipeline, Step} from './gpu.js'
 * @typedef {'cover' | 'contain' | 'stretch' | {x: number, y: number, width: number, height: number}} Fit
 * @typedef {ImageBitmap | HTMLVideoElement | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas
 *   | VideoFrame} Drawable
 * @typedef {{data: Uint8ClampedArray | Uint8Array | GPUBuffer, width: number, height: number}} Pixels
 *   RGBA, as ImageData
 * @typedef {Pixels | Drawable | GPUTexture} Picture
 * @typedef {{holder: 'buffer' | 'texture', width: number, height: number,
 *   bytes?: Uint8Array<ArrayBuffer>, resource?: GPUBuffer | GPUTexture, source?: Drawable, isOwn?: boolean}}
 *   Source
 */
import { InputError, messageOf } from './errors.js';
import { stepOf, storageBuffer, uploadTexture } from './gpu.js';

/** By which a picture of the input's size stays as it is. */
export const FITS = ['cover', 'contain', 'stretch'];

/** Of a coefficient after the point. */
export const BITS = 22;
const STORAGE = 0x80;
const TEXTURE_BINDING = 0x4;
const WORKGROUP = 8;
const RECTANGLE = /** @type {const} */ (['x', 'y', 'width', 'height']);

// Where the size of each drawable is, and what must be awaited while there is none.
/** @type {Record<string, [string, string, string]>} */
const DRAWABLES = {
  ImageBitmap: ['width', 'height', 'is closed'],
  HTMLCanvasElement: ['width', 'height', 'is empty'],
  OffscreenCanvas: ['width', 'height', 'is empty'],
  HTMLImageElement: ['naturalWidth', 'naturalHeight', 'is not loaded: await its decode()'],
  HTMLVideoElement: ['videoWidth', 'videoHeight', 'has no frame yet: await its event loadeddata'],
  VideoFrame: ['displayWidth', 'displayHeight', 'is closed'],
};

/**
 * What a value is, by its tag: an array of another realm, or a Buffer, has another constructor.
 *
 * @param {unknown} value
 */
export function kindOf(value) {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return ArrayBuffer.isView(value) || !/.Array$/.test(tag) ? tag : 'Object';
}

/** @type {WeakSet<ImageBitmap>} those that were made of files here, to be closed after their upload */
const own = new WeakSet();

/**
 * A file's picture as it is stored, without its alpha multiplied in; any other value as it is.
 *
 * @param {string} name of the input
 * @param {any} value
 */
export async function decoded(name, value) {
  if (!isFile(value)) return value;
  try {
    const bitmap = await createImageBitmap(value, { premultiplyAlpha: 'none' });
    own.add(bitmap);
    return bitmap;
  } catch (error) {
    throw new InputError(
      `Input ${name} is a ${value.type || 'file'} that can't be read as a picture: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** @param {unknown} value */
export function isFile(value) {
  return /^(Blob|File)$/.test(kindOf(value));
}

/**
 * Whether a value is meant as a picture, rather than as the values of an input.
 *
 * @param {any} value
 */
export function isPicture(value) {
  const kind = kindOf(value);
  return kind in DRAWABLES || kind === 'GPUTexture' || value?.data !== undefined;
}

/**
 * The pixels and the size of a picture, checked.
 *
 * @param {string} name of the input
 * @param {any} picture
 * @returns {Source}
 */
export function sourceOf(name, picture) {
  const kind = kindOf(picture);
  const refuse = (/** @type {string} */ what) => {
    throw new InputError(`Input ${name} is a picture of ${what}`);
  };
  if (kind in DRAWABLES) {
    const [across, down, reason] = DRAWABLES[kind];
    const [width, height] = [picture[across], picture[down]];
    if (!(width && height) || picture.readyState < 2)
      throw new InputError(`Input ${name} is a ${kind} that ${reason}.`);
    return { holder: 'texture', width, height, source: picture, isOwn: own.has(picture) };
  }
  if (kind === 'GPUTexture') {
    const { format, usage, dimension, sampleCount, depthOrArrayLayers, width, height } = picture;
    if (!/^(rgba|bgra)8unorm$/.test(format))
      refuse(`${format}, expected rgba8unorm or bgra8unorm.`);
    if (dimension !== '2d' || sampleCount !== 1 || depthOrArrayLayers !== 1)
      refuse('more than one layer or sample, expected a plain 2-D texture.');
    if (!(usage & TEXTURE_BINDING)) refuse('a texture without the usage TEXTURE_BINDING.');
    return { holder: 'texture', width, height, resource: picture };
  }
  const { data, width, height } = picture;
  const given = kindOf(data);
  const expected = 4 * width * height;
  if (given === 'GPUBuffer') {
    requireBuffer(name, data, expected);
    return { holder: 'buffer', width, height, resource: data };
  }
  if (!/^Uint8(Clamped)?Array$/.test(given))
    refuse(`${given}, expected bytes: Uint8ClampedArray or Uint8Array.`);
  if (data.length !== expected || !expected)
    refuse(
      `${width}x${height} in ${data.length} bytes, expected ${expected || 'some'} (RGBA)` +
        `${data.buffer.byteLength ? '.' : ': its buffer is empty or was transferred.'}`,
    );
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { holder: 'buffer', width, height, bytes };
}

/**
 * Refuses a GPUBuffer that can't be read as so many bytes.
 *
 * @param {string} name
 * @param {GPUBuffer} buffer
 * @param {number} bytes
 */
export function requireBuffer(name, { size, usage }, bytes) {
  if (!(size >= bytes && bytes))
    throw new InputError(`Input ${name} is a GPUBuffer of ${size} bytes, expected ${bytes}.`);
  if (!(usage & STORAGE))
    throw new InputError(`Input ${name} is a GPUBuffer without the usage STORAGE.`);
}

/**
 * Which part of a source goes where in an input: the box [left, top, right, bottom] of the source, and
 * [x, y, width, height] in the input.
 *
 * @param {number} W
 * @param {number} H
 * @param {number} w
 * @param {number} h
 * @param {Fit} fit
 * @returns {{box: number[], target: number[]}}
 */
export function placement(W, H, w, h, fit) {
  const all = { box: [0, 0, W, H], target: [0, 0, w, h] };
  if (fit === 'stretch') return all;
  if (fit === 'cover') {
    const [width, height] = [Math.min(W, (H * w) / h), Math.min(H, (W * h) / w)];
    const [left, top] = [(W - width) / 2, (H - height) / 2];
    return { ...all, box: [left, top, left + width, top + height] };
  }
  if (fit === 'contain') {
    const width = Math.min(w, Math.max(1, Math.floor((2 * W * h + H) / (2 * H))));
    const height = Math.min(h, Math.max(1, Math.floor((2 * H * w + W) / (2 * W))));
    return { ...all, target: [(w - width) >> 1, (h - height) >> 1, width, height] };
  }
  const { x, y, width, height } = Object(fit);
  if (kindOf(fit) !== 'Object' || [x, y, width, height].some((n) => typeof n !== 'number'))
    throw new InputError(
      `fit is ${kindOf(fit) === 'String' ? fit : kindOf(fit)}, expected cover, contain, stretch ` +
        'or {x, y, width, height}.',
    );
  const box = [x, y, x + width, y + height];
  const [left, top, right, bottom] = box.map(Math.fround);
  if (!(x >= 0 && y >= 0 && box[2] <= W && box[3] <= H && right > left && bottom > top))
    throw new InputError(
      `The rectangle ${width}x${height} at (${x}, ${y}) lies not within the picture of ${W}x${H}.`,
    );
  return { ...all, box };
}

/**
 * For each of `count` results along an axis of `size` pixels, of which `start` to `end` are taken: the first
 * source pixel, then `taps` coefficients in units of 2^-22.
 *
 * @param {number} size
 * @param {number} start
 * @param {number} end
 * @param {number} count
 * @returns {{taps: number, axis: Int32Array}}
 */
export function coefficients(size, start, end, count) {
  start = Math.fround(start);
  const scale = Math.fround(Math.fround(end) - start) / count;
  const support = Math.max(scale, 1);
  const taps = Math.min(size, Math.ceil(support) * 2 + 1);
  const axis = new Int32Array(count * (taps + 1));
  for (let i = 0; i < count; i++) {
    const center = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const last = Math.min(size, Math.trunc(center + support + 0.5));
    const weights = Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - center + 0.5) * (1 / support))),
    );
    const sum = weights.reduce((a, b) => a + b, 0) || 1;
    const place = i * (taps + 1);
    axis[place] = first;
    for (const [k, weight] of weights.entries())
      axis[place + 1 + k] = Math.trunc(0.5 + (weight / sum) * 2 ** BITS);
  }
  return { taps, axis };
}

/** Brings pictures to the size of one input; what the device needs for it is kept for the next frame. */
export class Resizer {
  #device;
  #input;
  #fit;
  #target;
  #pipelines;
  /** @type {Record<string, GPUBuffer>} */ #buffers = {};
  /** @type {GPUTexture | undefined} */ #texture;
  /** @type {WeakMap<object, Step>} the first pass, by what it reads */ #across = new WeakMap();
  /** @type {Step | undefined} */ #down;
  /** What the tables are made for. */
  #key = '';
  /** @type {number[][]} */ #workgroups = [];

  /**
   * @param {GPUDevice} device
   * @param {Input} input
   * @param {GPUBuffer} target its RGBA words
   * @param {Record<string, Pipeline>} pipelines by what holds the source: buffer or texture
   */
  constructor(device, input, target, pipelines) {
    const { fit, pad, size } = /** @type {import('./artifact.js').InputImage} */ (input.image);
    this.#device = device;
    this.#input = { name: input.name, width: size[0], height: size[1], pad };
    this.#fit = fit;
    this.#target = target;
    this.#pipelines = pipelines;
  }

  /**
   * What a frame uploads and runs to have the picture in the input's RGBA words.
   *
   * @param {Source} picture
   * @param {Fit} [fit] in the place of the artifact's
   * @returns {Frame}
   */
  frame({ holder, width, height, bytes, resource, source, isOwn }, fit = this.#fit) {
    this.#require(holder, width, height);
    this.#plan(width, height, fit);
    /** @type {Frame} */
    const frame = { writes: [], steps: [] };
    if (bytes) {
      resource = this.#buffer('source', bytes.length);
      frame.writes.push({ buffer: resource, bytes });
    } else if (source) {
      resource = this.#textureOf(width, height);
      frame.writes.push({
        texture: resource,
        source,
        width,
        height,
        name: this.#input.name,
        isOwn,
      });
    }
    const held = /** @type {GPUBuffer | GPUTexture} */ (resource);
    frame.steps = this.#steps(held, holder, !!(bytes || source), frame);
    return frame;
  }

  /** Frees what the device holds for it. */
  destroy() {
    for (const buffer of Object.values(this.#buffers)) buffer.destroy();
    this.#texture?.destroy();
  }

  /** @type {(holder: string, width: number, height: number) => void} */
  #require(holder, width, height) {
    const { maxTextureDimension2D: side, maxStorageBufferBindingSize: bytes } = this.#device.limits;
    const fits =
      holder === 'texture' ? Math.max(width, height) <= side : 4 * width * height <= bytes;
    if (!fits)
      throw new InputError(
        `Input ${this.#input.name} is a picture of ${width}x${height}, more than this device takes ` +
          `(${holder === 'texture' ? `${side} a side` : `${bytes} bytes`}): make it smaller.`,
      );
  }

  /**
   * Writes the tables of both passes, unless they are there.
   *
   * @param {number} width of the source
   * @param {number} height
   * @param {Fit} fit
   */
  #plan(width, height, fit) {
    const key = `${width},${height},${typeof fit === 'string' ? fit : RECTANGLE.map((name) => fit?.[name])}`;
    if (this.#key === key) return;
    const { width: w, height: h, pad } = this.#input;
    const { box, target } = placement(width, height, w, h, fit);
    const [x, y, columns, lines] = target;
    const across = coefficients(width, box[0], box[2], columns);
    const down = coefficients(height, box[1], box[3], lines);
    const first = down.axis[0];
    const rows = Math.min(height, down.axis[(lines - 1) * (down.taps + 1)] + down.taps) - first;
    const { maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = this.#device.limits;
    const groups = grid(columns, rows);
    if (
      4 * columns * rows > maxStorageBufferBindingSize ||
      groups[1] > maxComputeWorkgroupsPerDimension
    )
      throw new InputError(
        `Input ${this.#input.name} is a picture of ${width}x${height}, of which ${columns}x${rows} are ` +
          'more than this device takes at once: make it smaller.',
      );
    for (let i = 0; i < down.axis.length; i += down.taps + 1) down.axis[i] -= first;
    const word = (255 << 24) | (pad[2] << 16) | (pad[1] << 8) | pad[0];
    // In the order of Plan in the shader.
    const sizes = [columns, rows, 0, 0, columns, rows, 1, 0, 0, first, width, across.taps, 0];
    this.#write('across', sizes, across.axis);
    this.#write(
      'down',
      [w, h, x, y, columns, lines, 0, 1, 0, 0, columns, down.taps, word],
      down.axis,
    );
    this.#buffer('band', 4 * columns * rows);
    this.#workgroups = [groups, grid(w, h)];
    this.#key = key;
  }

  /** @type {(name: string, head: number[], axis: Int32Array) => void} */
  #write(name, head, axis) {
    const table = new Int32Array(head.length + axis.length);
    table.set(head);
    table.set(axis, head.length);
    this.#device.queue.writeBuffer(this.#buffer(name, table.byteLength), 0, table);
  }

  /**
   * A buffer of at least that many bytes, kept.
   *
   * @param {string} name
   * @param {number} bytes
   */
  #buffer(name, bytes) {
    const kept = this.#buffers[name];
    if (kept?.size >= bytes) return kept;
    kept?.destroy();
    this.#across = new WeakMap();
    this.#down = undefined;
    return (this.#buffers[name] = storageBuffer(
      this.#device,
      `${name}:${this.#input.name}`,
      bytes,
    ));
  }

  /** @type {(width: number, height: number) => GPUTexture} */
  #textureOf(width, height) {
    const kept = this.#texture;
    if (kept?.width === width && kept.height === height) return kept;
    kept?.destroy();
    return (this.#texture = uploadTexture(this.#device, this.#input.name, width, height));
  }

  /**
   * The two passes, from what holds the source.
   *
   * @param {GPUBuffer | GPUTexture} source
   * @param {string} holder
   * @param {boolean} isOwn whether the source is kept here
   * @param {Frame} frame gets what the device says of a source that is new to it
   */
  #steps(source, holder, isOwn, frame) {
    const { across, down, band } = this.#buffers;
    const [first, second] = this.#workgroups;
    const known = this.#across;
    let step = known.get(source);
    if (step?.kernel.workgroups !== first) {
      const make = () =>
        stepOf(
          this.#device,
          this.#pipelines[holder],
          { plan: across, result: band, source },
          first,
        );
      step = step
        ? { ...step, kernel: { ...step.kernel, workgroups: first } }
        : isOwn
          ? make()
          : checkedStep(this.#device, this.#input.name, frame, make, () => known.delete(source));
      known.set(source, step);
    }
    this.#down ??= stepOf(
      this.#device,
      this.#pipelines.buffer,
      { plan: down, result: this.#target, source: band },
      second,
    );
    return [step, this.#down];
  }
}

/**
 * A step that binds what a caller gave: what the device has against it becomes a check of the frame.
 *
 * @param {GPUDevice} device
 * @param {string} name of the input
 * @param {Frame} frame
 * @param {() => Step} make
 * @param {() => void} forget where the device refuses it
 */
function checkedStep(device, name, frame, make, forget) {
  device.pushErrorScope('validation');
  const step = make();
  const verdict = device.popErrorScope().then(
    (error) => {
      if (!error) return null;
      forget();
      return new InputError(`Input ${name} can't be read on this device: ${error.message}`);
    },
    () => null, // the device is lost, which the frame will say
  );
  (frame.checks ??= []).push(verdict);
  return step;
}

/** @type {(width: number, height: number) => number[]} */
function grid(width, height) {
  return [Math.ceil(width / WORKGROUP), Math.ceil(height / WORKGROUP), 1];
}

/** @type {WeakMap<Step, WeakMap<GPUBuffer, Step>>} */
const rebound = new WeakMap();

/**
 * A step with a caller's buffer in the place of the one of that name, made once.
 *
 * @param {GPUDevice} device
 * @param {Step} step
 * @param {string} name
 * @param {GPUBuffer} buffer
 * @param {Frame} frame
 */
export function withBuffer(device, step, name, buffer, frame) {
  const known = rebound.get(step) ?? new WeakMap();
  rebound.set(step, known);
  const { kernel, resources } = step;
  const own = /** @type {GPUBuffer} */ (resources[name]);
  const make = () =>
    stepOf(device, step, { ...resources, [name]: { buffer, size: own.size } }, kernel.workgroups);
  const forget = () => known.delete(buffer);
  const label = name.slice(name.indexOf(':') + 1);
  const made = known.get(buffer) ?? checkedStep(device, label, frame, make, forget);
  known.set(buffer, made);
  return made;
}
