/**
 * Whatever is a picture becomes the RGBA words of an input, resized on the device as docs/artifact.md
 * specifies.
 *
 * @import {Artifact, Input, Kernel} from './artifact.js'
 * @import {Buffers, Frame, Pipeline, Step, Write} from './gpu.js'
 * @typedef {'cover' | 'contain' | 'stretch' | {x: number, y: number, width: number, height: number}} Fit
 * @typedef {ImageBitmap | HTMLVideoElement | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas
 *   | VideoFrame} Drawable
 * @typedef {{data: Uint8ClampedArray | Uint8Array | GPUBuffer, width: number, height: number}} Pixels
 *   RGBA, as ImageData
 * @typedef {Pixels | Drawable | GPUTexture} Picture
 * @typedef {{holder: 'buffer' | 'texture', width: number, height: number,
 *   bytes?: Uint8Array<ArrayBuffer>, resource?: GPUBuffer | GPUTexture, source?: Drawable, isOwn?: boolean}}
 *   Source
 * @typedef {((picture: any, fit: Fit | undefined, frame: Frame) => void) & {destroy(): void}} PictureInput
 *   adds to a frame what brings a picture to the size of an input
 */
import { InputError, messageOf } from './errors.js';
import {
  checkedStep,
  indirect,
  isFile,
  kindOf,
  needsBitmap,
  padded,
  requireBuffer,
} from './feeds.js';
import { bound, createPipeline, stepOf, storageBuffer } from './gpu.js';

/** Of a coefficient after the point. */
export const BITS = 22;
// GPUTextureUsage by number, as gpu.js has its like.
const COPY_DST = 0x2;
const TEXTURE_BINDING = 0x4;
const RENDER_ATTACHMENT = 0x10; // copyExternalImageToTexture wants it
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

/** @type {WeakSet<ImageBitmap>} those that were made here, to be closed after their upload */
const own = new WeakSet();

/**
 * The picture that a file holds, or one that goes no other way to a texture, as it is stored, without its
 * alpha multiplied in; any other value as it is.
 *
 * @param {string} name of the input
 * @param {any} value
 */
export async function decoded(name, value) {
  if (!needsBitmap(value)) return value;
  try {
    const bitmap = await createImageBitmap(value, { premultiplyAlpha: 'none' });
    own.add(bitmap);
    return bitmap;
  } catch (error) {
    // A 2-D canvas may read it, or tell what is wrong with it.
    if (!isFile(value)) return value;
    throw new InputError(
      `Input ${name} is a ${value.type || 'file'} that can't be read as a picture: ${messageOf(error)}`,
      { cause: error },
    );
  }
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
  const isWhole = [width, height].every((side) => side > 0 && side % 1 === 0);
  const expected = isWhole ? 4 * width * height : 0;
  if (given === 'GPUBuffer') {
    requireBuffer(`Input ${name}`, data, expected);
    return { holder: 'buffer', width, height, resource: data };
  }
  if (!/^Uint8(Clamped)?Array$/.test(given))
    refuse(`${given}, expected bytes: Uint8ClampedArray or Uint8Array.`);
  if (data.length !== expected || !expected)
    refuse(
      `${width}x${height} in ${data.length} bytes, expected ${expected || 'some'} (RGBA)` +
        `${data.buffer.byteLength ? '.' : ': its buffer is empty or was transferred.'}`,
    );
  return { holder: 'buffer', width, height, bytes: padded(data) };
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
      const texture = resource;
      const { name } = this.#input;
      frame.writes.push({ put: (queue) => upload(queue, texture, source, name, isOwn) });
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
    const label = `${name}:${this.#input.name}`;
    return (this.#buffers[name] = storageBuffer(this.#device, label, bytes));
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
      const resources = { plan: across, result: band, source };
      const make = () => stepOf(this.#device, this.#pipelines[holder], resources, first);
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

/** @type {(width: number, height: number) => number[]} */
function grid(width, height) {
  return [Math.ceil(width / WORKGROUP), Math.ceil(height / WORKGROUP), 1];
}

/**
 * What brings pictures to the size of each input that takes some.
 *
 * @param {GPUDevice} device
 * @param {Pick<Artifact, 'model' | 'shaders'>} artifact
 * @param {Buffers} buffers
 * @returns {Promise<(PictureInput | undefined)[]>}
 */
export async function createPictureInputs(device, artifact, buffers) {
  const { inputs } = artifact.model;
  /** @type {Map<string, Promise<Pipeline>>} */
  const pipelines = new Map();
  const pipeline = (/** @type {string} */ shader, /** @type {string} */ access) => {
    const made =
      pipelines.get(shader) ?? createPipeline(device, artifact, {}, resizeKernel(shader, access));
    pipelines.set(shader, made);
    return made;
  };
  return Promise.all(
    inputs.map(async (input) => {
      if (!input.image) return;
      const { buffer, texture } = input.image.resize;
      const made = {
        buffer: await pipeline(buffer, 'read'),
        texture: await pipeline(texture, 'texture'),
      };
      const resizer = new Resizer(device, input, bound(buffers, `image:${input.name}`), made);
      /** @type {(picture: any, fit: Fit | undefined, frame: Frame) => void} */
      const add = (picture, fit, frame) => {
        const { writes, steps, checks = [] } = resizer.frame(sourceOf(input.name, picture), fit);
        frame.writes.push(...writes);
        frame.steps.unshift(...steps);
        frame.checks?.push(...checks);
      };
      return Object.assign(add, { destroy: () => resizer.destroy() });
    }),
  );
}

/**
 * A pass of a resize, by how it reads its source.
 *
 * @param {string} shader
 * @param {string} access
 * @returns {Kernel}
 */
function resizeKernel(shader, access) {
  const bindings = [
    { binding: 0, buffer: 'plan', access: 'read' },
    { binding: 1, buffer: 'result', access: 'read_write' },
    { binding: 2, buffer: 'source', access },
  ];
  const kind = { name: 'resize', op: 'resize', shader, constants: {}, uses: [] };
  return { ...kind, workgroups: [], bindings };
}

/**
 * A texture to copy pictures into.
 *
 * @param {GPUDevice} device
 * @param {string} label
 * @param {number} width
 * @param {number} height
 */
export function uploadTexture(device, label, width, height) {
  const usage = COPY_DST | TEXTURE_BINDING | RENDER_ATTACHMENT;
  return device.createTexture({ label, size: [width, height], format: 'rgba8unorm', usage });
}

/** @type {OffscreenCanvasRenderingContext2D | null | undefined} */
let context;

/**
 * Copies a picture to a texture of its size; where the browser can't, by the way of a 2-D canvas. The next one
 * of that kind comes as an ImageBitmap (`needsBitmap`), which need not be read back.
 *
 * @param {GPUQueue} queue
 * @param {GPUTexture} texture
 * @param {any} source
 * @param {string} name of the input
 * @param {boolean} [isOwn] whether the source is closed afterwards
 * @throws {Error} an InputError for a picture that can't be read
 */
function upload(queue, texture, source, name, isOwn) {
  copy(queue, texture, source, name);
  if (isOwn) source.close();
}

/** @type {(queue: GPUQueue, texture: GPUTexture, source: any, name: string) => void} */
function copy(queue, texture, source, name) {
  const { width, height } = texture;
  const kind = kindOf(source);
  const size = [width, height];
  try {
    if (!indirect.has(kind)) {
      const target = {
        texture,
        colorSpace: /** @type {const} */ ('srgb'),
        premultipliedAlpha: false,
      };
      return queue.copyExternalImageToTexture({ source }, target, size);
    }
  } catch (error) {
    if (error instanceof TypeError) indirect.add(kind);
  }
  try {
    context ??= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const drawn = /** @type {OffscreenCanvasRenderingContext2D} */ (context);
    Object.assign(drawn.canvas, { width, height });
    drawn.drawImage(source, 0, 0, width, height);
    const { data } = drawn.getImageData(0, 0, width, height);
    queue.writeTexture({ texture }, data, { bytesPerRow: 4 * width }, size);
  } catch (error) {
    // A canvas that was tainted once stays so.
    context = undefined;
    throw new InputError(`Input ${name} can't be read as a picture: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
