/**
 * Shows an output that is a picture, on the device alone: as RGBA bytes, on a canvas, in a texture.
 *
 * @import {Kernel, Tensor} from './artifact.js'
 * @import {Reading} from './frames.js'
 * @import {Frame, Step} from './gpu.js'
 * @import {Program} from './program.js'
 * @typedef {HTMLCanvasElement | OffscreenCanvas} Canvas
 * @typedef {object} Look
 * @property {'nearest' | 'bicubic'} [scaling] `nearest` shows the bytes as they are. `bicubic` is for a
 *   canvas larger than the picture: a cubic B-spline in linear light, then contrast-adaptive sharpening,
 *   strong on flat areas and gentle at edges
 * @property {number} [sharpness] from 0, none, to 1; 0.6 where it is not said
 * @property {GPUTextureFormat} [format] of the canvas, in the place of the browser's preferred one
 * @typedef {{view: GPUTextureView, format: GPUTextureFormat, width: number, height: number}} View
 *   of a texture whose usage is RENDER_ATTACHMENT: one layer, one level. A view alone tells nothing.
 * @typedef {Pick<GPUTexture, 'createView' | 'format' | 'width' | 'height' | 'usage'>} Surface
 * @typedef {(texture: Surface, sharpness: number) => Frame} Painter
 */
import { DISPLAY } from './display_shader.js';
import { InputError, messageOf } from './errors.js';
import { bound, checked, createStep, storageBuffer } from './gpu.js';
import { pixelPitch } from './program.js';

const STORAGE = 0x8;
const RENDER = 0x10;
const SIDE = 8;
const DEFAULT_SHARPNESS = 0.6;

// A byte is the number of levels, 1 to 255, that a float reaches. Floats are compared by their bits, in the
// order of the numbers, so no device rounds otherwise than `toPixels`.
const PIXEL = /* wgsl */ `
override width: u32;
override height: u32;
override channels: u32;
override flip: u32;
override scale: f32;
override offset: f32;
@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read> levels: array<i32>;

fn level(i: u32) -> u32 {
  let bits = bitcast<i32>(values[i] ^ flip);
  if ((bits & 0x7fffffff) > 0x7f800000) { return 0u; }
  let key = bits ^ ((bits >> 31u) & 0x7fffffff);
  // A guess, which f32 may make one too high or too low.
  var reached = u32(clamp(round(bitcast<f32>(bits) * scale + offset), 0.0, 255.0));
  while (reached < 255u && key >= levels[reached + 1u]) { reached++; }
  while (reached > 0u && key < levels[reached]) { reached--; }
  return reached;
}

fn pixel(at: vec2u) -> vec4u {
  let i = at.y * width + at.x;
  let plane = width * height;
  let first = level(i);
  if (channels == 1u) { return vec4u(first, first, first, 255u); }
  var alpha = 255u;
  if (channels == 4u) { alpha = level(i + 3u * plane); }
  return vec4u(first, level(i + plane), level(i + 2u * plane), alpha);
}
`;

const WORDS = /* wgsl */ `${PIXEL}
override pitch: u32;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@compute @workgroup_size(${SIDE}, ${SIDE}) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= width || id.y >= height) { return; }
  let p = pixel(id.xy);
  words[id.y * pitch + id.x] = p.r | (p.g << 8u) | (p.b << 16u) | (p.a << 24u);
}
`;

const STORE = /* wgsl */ `${PIXEL}
@group(0) @binding(2) var canvas: texture_storage_2d<FORMAT, write>;
@compute @workgroup_size(${SIDE}, ${SIDE}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = textureDimensions(canvas);
  if (any(id.xy >= size)) { return; }
  let p = vec4f(pixel((2u * id.xy + 1u) * vec2u(width, height) / (2u * size))) / 255.0;
  textureStore(canvas, id.xy, vec4f(p.rgb * p.a, p.a));
}
`;

// Whose each canvas is, which any session may have configured.
/** @type {WeakMap<Canvas, GPUCanvasConfiguration & {context: GPUCanvasContext}>} */
const configured = new WeakMap();

/**
 * Makes what shows an output.
 *
 * @param {Program} program
 * @param {Tensor} output
 */
export async function createDisplay(program, output) {
  const { device, model, buffers } = program;
  const { name, shape, image } = output;
  if (!image) throw new InputError(`Output ${name} is not a picture.`);
  const [, channels, height, width] = shape;
  const pitch = pixelPitch(output);
  const flip = image.scale < 0 ? 2 ** 31 : 0;
  const { offset } = image;
  const constants = { width, height, channels, flip, scale: Math.abs(image.scale), offset };
  const parts = new Map([['values', bound(buffers, `output:${name}`)]]);
  await checked(device, `Cannot make the pixels of ${name}`, () => {
    parts.set('levels', storageBuffer(device, 'levels', 4 * 256));
    parts.set('words', storageBuffer(device, 'words', 4 * pitch * height));
    device.queue.writeBuffer(bound(parts, 'levels'), 0, levelsOf(image));
  });
  /** @type {Kernel} */
  const kernel = {
    name: `pixels of ${name}`,
    op: 'pixels',
    shader: 'pixels',
    constants: { ...constants, pitch },
    uses: [],
    workgroups: [Math.ceil(width / SIDE), Math.ceil(height / SIDE), 1],
    bindings: [...parts.keys()].map((buffer, binding) => ({
      binding,
      buffer,
      access: buffer === 'words' ? 'read_write' : 'read',
    })),
  };
  const artifact = { model, shaders: new Map([['pixels', WORDS]]) };
  const words = await createStep(device, artifact, {}, kernel, parts);
  return new Display(device, output, parts, constants, words);
}

export class Display {
  /** @type {GPUDevice} */ #device;
  /** @type {Tensor} */ #output;
  /** @type {Map<string, GPUBuffer>} */ #buffers;
  /** @type {Record<string, number>} */ #constants;
  /** @type {Map<string, Painter | Promise<Painter>>} */ #painters = new Map();
  /** @type {(GPUBuffer | GPUTexture)[]} */ #made = [];
  /** @type {WeakSet<GPUTexture | GPUTextureView>} of the caller, once drawn to */
  #known = new WeakSet();

  /**
   * Use `createDisplay`.
   *
   * @param {GPUDevice} device
   * @param {Tensor} output
   * @param {Map<string, GPUBuffer>} buffers
   * @param {Record<string, number>} constants
   * @param {Step} words
   */
  constructor(device, output, buffers, constants, words) {
    this.#device = device;
    this.#output = output;
    this.#buffers = buffers;
    this.#constants = constants;
    /** Makes the words of the pixels, in rows of whole 256 bytes. */
    this.words = words;
    const { name, shape } = output;
    const [, , height, width] = shape;
    const pitch = 4 * pixelPitch(output);
    const bytes = pitch * height;
    /** @type {Reading} how the pixels are read */
    this.reading = {
      name,
      buffer: bound(buffers, 'words'),
      offset: 0,
      bytes,
      length: bytes,
      valuesOf(rows) {
        if (pitch === 4 * width) return new Uint8ClampedArray(rows);
        const pixels = new Uint8ClampedArray(4 * width * height);
        for (let y = 0; y < height; y++)
          pixels.set(new Uint8Array(rows, y * pitch, 4 * width), y * 4 * width);
        return pixels;
      },
    };
  }

  /**
   * What paints a target: made at its first use, a promise until then.
   *
   * @param {Canvas | GPUTexture | View} target
   * @param {Look} look
   */
  painter(target, { scaling = 'nearest', format }) {
    if (scaling !== 'nearest' && scaling !== 'bicubic')
      throw new InputError(`scaling is ${scaling}, expected nearest or bicubic.`);
    const texture = surfaceOf(target);
    const kind = texture?.format ?? format ?? globalThis.navigator?.gpu?.getPreferredCanvasFormat();
    const usage = texture ? texture.usage : STORAGE | RENDER;
    if (!texture) this.#configure(/** @type {Canvas} */ (target), kind);
    const stores = scaling === 'nearest' && usage & STORAGE && isStorable(this.#device, kind);
    if (!stores && !(usage & RENDER))
      throw new InputError(`The texture has usage ${usage}, expected RENDER_ATTACHMENT.`);
    const key = `${stores ? 'store' : scaling} ${kind}`;
    const found = this.#painters.get(key);
    if (found) return found;
    const making = stores ? this.#createStore(kind) : this.#createDraw(kind, scaling);
    this.#painters.set(key, making);
    making.then(
      (painter) => this.#painters.set(key, painter),
      () => this.#painters.delete(key),
    );
    return making;
  }

  /**
   * A frame, followed by what shows its output.
   *
   * @param {Frame} frame
   * @param {Painter} painter
   * @param {Canvas | GPUTexture | View} target
   * @param {Look} look
   * @returns {Frame}
   */
  shown(frame, painter, target, { sharpness = DEFAULT_SHARPNESS }) {
    if (!(sharpness >= 0 && sharpness <= 1))
      throw new InputError(`sharpness is ${sharpness}, expected 0 to 1.`);
    const surface = surfaceOf(target);
    const texture =
      surface ??
      /** @type {any} */ (configured.get(/** @type {any} */ (target))).context.getCurrentTexture();
    const { writes, steps, finish } = painter(texture, sharpness);
    const all = { writes: [...frame.writes, ...writes], steps: [...frame.steps, ...steps] };
    const own = /** @type {any} */ ('view' in target ? target.view : target);
    const isNew = surface !== undefined && !this.#known.has(own);
    if (isNew) this.#known.add(own);
    return { ...frame, ...all, isNew, finish };
  }

  /** Frees what was made. */
  destroy() {
    for (const one of [...this.#buffers.values(), ...this.#made])
      if (one !== this.#buffers.get('values')) one.destroy();
  }

  /**
   * @param {Canvas} canvas
   * @param {GPUTextureFormat} format
   */
  #configure(canvas, format) {
    const device = this.#device;
    const alphaMode = this.#output.shape[1] === 4 ? 'premultiplied' : 'opaque';
    const now = configured.get(canvas);
    if (now?.device === device && now.format === format && now.alphaMode === alphaMode) return;
    const context = /** @type {GPUCanvasContext | null} */ (canvas?.getContext?.('webgpu'));
    if (!context)
      throw new InputError(
        'The canvas gives no WebGPU context: it is none, or it has another one.',
      );
    const usage = RENDER | (isStorable(device, format) ? STORAGE : 0);
    try {
      context.configure({ device, format, usage, alphaMode });
    } catch (error) {
      throw new InputError(`The canvas can't have the format ${format}: ${messageOf(error)}`);
    }
    configured.set(canvas, { device, format, alphaMode, context });
  }

  /**
   * Stores the pixels straight into the texture.
   *
   * @param {GPUTextureFormat} format
   * @returns {Promise<Painter>}
   */
  #createStore(format) {
    const device = this.#device;
    const code = STORE.replace('FORMAT', format);
    return checked(device, 'Cannot make the kernel that stores to a canvas', async () => {
      const pipeline = await device.createComputePipelineAsync({
        layout: 'auto',
        compute: { module: device.createShaderModule({ code }), constants: this.#constants },
      });
      const layout = pipeline.getBindGroupLayout(0);
      const [values, levels] = ['values', 'levels'].map((name) => bound(this.#buffers, name));
      // One object for all frames, so that only the first is checked.
      const step = /** @type {Step} */ ({ pipeline, kernel: { workgroups: [1, 1, 1] } });
      return (texture) => {
        const entries = [{ buffer: values }, { buffer: levels }, texture.createView()];
        step.group = device.createBindGroup({
          layout,
          entries: entries.map((resource, binding) => ({ binding, resource })),
        });
        const { width, height } = texture;
        step.kernel.workgroups = [Math.ceil(width / SIDE), Math.ceil(height / SIDE), 1];
        return { writes: [], steps: [step], finish() {} };
      };
    });
  }

  /**
   * Draws a triangle over the texture.
   *
   * @param {GPUTextureFormat} format
   * @param {'nearest' | 'bicubic'} scaling
   * @returns {Promise<Painter>}
   */
  #createDraw(format, scaling) {
    const device = this.#device;
    const [, , height, width] = this.#output.shape;
    return checked(device, `Cannot draw to ${format}`, async () => {
      const picture = device.createTexture({
        size: [width, height],
        format: scaling === 'nearest' ? 'rgba8unorm' : 'rgba8unorm-srgb',
        usage: 0x2 | 0x4,
      });
      const look = device.createBuffer({ size: 16, usage: 0x8 | 0x40 });
      this.#made.push(picture, look);
      const sampler = device.createSampler({ magFilter: 'linear', minFilter: 'linear' });
      const entries = [
        { binding: 0, resource: picture.createView() },
        { binding: 1, resource: sampler },
        { binding: 2, resource: { buffer: look } },
      ];
      const module = device.createShaderModule({ code: DISPLAY });
      const pipeline = await device.createRenderPipelineAsync({
        layout: 'auto',
        vertex: { module },
        fragment: { module, entryPoint: scaling, targets: [{ format }] },
      });
      const group = device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: entries.filter(({ binding }) => binding !== 1 || scaling === 'bicubic'),
      });
      const bytes = new Float32Array(4);
      const write = { buffer: look, bytes };
      const source = {
        buffer: this.reading.buffer,
        bytesPerRow: 4 * pixelPitch(this.#output),
      };
      return (texture, sharpness) => {
        const { width: w, height: h } = texture;
        const isNew = bytes[0] !== w || bytes[1] !== h || bytes[2] !== Math.fround(sharpness);
        bytes.set([w, h, sharpness]);
        return {
          writes: isNew ? [write] : [],
          steps: [this.words],
          finish(encoder) {
            encoder.copyBufferToTexture(source, { texture: picture }, [width, height]);
            const view = texture.createView();
            const pass = encoder.beginRenderPass({
              colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }],
            });
            pass.setPipeline(pipeline);
            pass.setBindGroup(0, group);
            pass.draw(3);
            pass.end();
          },
        };
      };
    });
  }
}

/**
 * What is drawn to; nothing where the target is a canvas.
 *
 * @param {Canvas | GPUTexture | View} target
 * @returns {Surface | undefined}
 */
function surfaceOf(target) {
  const { createView, view = target, format, width, height } = /** @type {any} */ (target ?? {});
  if (createView) return /** @type {GPUTexture} */ (target);
  if (!/View]$/.test(`${view}`)) return;
  if (!(format && width * height > 0))
    throw new InputError('A view tells no size: give {view, format, width, height}.');
  return /** @type {Surface} */ ({ createView: () => view, format, width, height, usage: RENDER });
}

/**
 * @param {GPUDevice} device
 * @param {GPUTextureFormat} format
 */
function isStorable(device, format) {
  return (
    format === 'rgba8unorm' ||
    (format === 'bgra8unorm' && device.features.has('bgra8unorm-storage'))
  );
}

/**
 * By byte, from the second on: the least float that makes it, as bits in the order of the numbers.
 *
 * @param {{scale: number, offset: number}} image
 */
function levelsOf({ scale, offset }) {
  const byte = new Uint8ClampedArray(1);
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  const byteOf = (/** @type {number} */ key) => {
    bits[0] = key ^ ((key >> 31) & 0x7fffffff);
    byte[0] = float[0] * Math.abs(scale) + offset;
    return byte[0];
  };
  const levels = new Int32Array(256);
  for (let i = 1; i < 256; i++) {
    // From -infinity to beyond infinity, which none reaches.
    let low = -0x7f800001;
    let high = 0x7f800001;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (byteOf(middle) >= i) high = middle;
      else low = middle + 1;
    }
    levels[i] = low;
  }
  return levels;
}
