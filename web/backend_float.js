/**
 * The float32 model that the int8 one stands for, on onnxruntime-web's WebGPU or on WebNN. Pictures are scaled by a
 * 2-D canvas.
 *
 * @import {Backend, Model} from './backends.js'
 */
import { importOnnxruntime } from './onnxruntime.js';
import { say } from './strings.js';

const BUILDS = { 'ort-webgpu': 'ort.webgpu.min.mjs', webnn: 'ort.all.min.mjs' };
const PROVIDERS = { 'ort-webgpu': 'webgpu', webnn: 'webnn' };

/**
 * @param {'ort-webgpu' | 'webnn'} name
 * @param {string} site
 * @param {Model} model
 * @returns {Promise<Backend>}
 * @throws {Error} the site has no float32 file of the model
 */
export async function openFloat(name, site, model) {
  if (!model.float) throw new Error(say('lack.float'));
  const ort = await importOnnxruntime(site, BUILDS[name]);
  const session = await ort.InferenceSession.create(`${new URL(model.float, site)}`, {
    executionProviders: [PROVIDERS[name]],
  });
  const { size } = model;
  const plane = size * size;
  // Reused, as everything that a frame needs.
  const values = new Float32Array(3 * plane);
  const input = new ort.Tensor('float32', values, [1, 3, size, size]);
  const feeds = { [session.inputNames[0]]: input };
  const picture = new ImageData(size, size);
  const own = new OffscreenCanvas(size, size);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (own.getContext('2d'));
  /** @type {Map<OffscreenCanvas, OffscreenCanvasRenderingContext2D>} */
  const contexts = new Map();

  const run = async (/** @type {OffscreenCanvas} */ drawing) => {
    const drawn = /** @type {OffscreenCanvasRenderingContext2D} */ (drawing.getContext('2d'));
    const { data } = drawn.getImageData(0, 0, size, size);
    for (let i = 0; i < plane; i++)
      for (let channel = 0; channel < 3; channel++)
        values[channel * plane + i] = data[4 * i + channel] / 127.5 - 1;
    const result = (await session.run(feeds))[session.outputNames[0]];
    const made = /** @type {Float32Array} */ (await result.getData());
    picture.data.fill(255);
    for (let i = 0; i < plane; i++)
      for (let channel = 0; channel < 3; channel++)
        picture.data[4 * i + channel] = (made[channel * plane + i] + 1) * 127.5;
    result.dispose();
    return picture.data;
  };

  const show = (/** @type {OffscreenCanvas} */ canvas, smooth = true) => {
    const known = contexts.get(canvas) ?? canvas.getContext('2d', { alpha: false });
    if (!known) throw new Error(say('lack.canvas'));
    contexts.set(canvas, known);
    known.imageSmoothingEnabled = smooth;
    known.imageSmoothingQuality = 'high';
    known.drawImage(own, 0, 0, canvas.width, canvas.height);
  };

  return {
    size,
    facts: {
      backend: name,
      name: model.name,
      reason: '',
      adapter: PROVIDERS[name],
      size,
      model: `${model.name}, float32`,
    },
    async show(drawing, { avatar, generator }) {
      await run(drawing);
      context.putImageData(picture, 0, 0);
      if (avatar) show(avatar);
      if (generator) show(generator, false);
    },
    done: async () => {},
    pixels: async (drawing) => (await run(drawing)).slice(),
    destroy: () => void session.release(),
  };
}
