/**
 * The generator by onnxruntime-web, which is fetched only when it is chosen: the int8 model on its WASM,
 * the float32 model on its WebGPU or on WebNN. Pictures are scaled by a 2-D canvas.
 *
 * @import {Backend, Model, Name} from './backends.js'
 */

const BUILDS = {
  'ort-wasm': 'onnxruntime/ort.wasm.min.mjs',
  'ort-webgpu': 'onnxruntime/ort.webgpu.min.mjs',
  webnn: 'onnxruntime/ort.all.min.mjs',
};
const PROVIDERS = { 'ort-wasm': 'wasm', 'ort-webgpu': 'webgpu', webnn: 'webnn' };
const THREADS = 4;

/**
 * @param {Exclude<Name, 'native'>} name
 * @param {string} site
 * @param {Model} model
 * @returns {Promise<Backend>}
 */
export async function openOnnxruntime(name, site, model) {
  const file = /** @type {string} */ (name === 'ort-wasm' ? model.onnx : model.float);
  const ort = await import(`${new URL(BUILDS[name], site)}`);
  const { wasm } = ort.env;
  wasm.wasmPaths = `${new URL('onnxruntime/', site)}`;
  const { crossOriginIsolated: isolated, navigator } = globalThis;
  wasm.numThreads = isolated ? Math.min(THREADS, navigator.hardwareConcurrency || 1) : 1;
  const session = await ort.InferenceSession.create(`${new URL(file, site)}`, {
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
    if (!known) throw new Error('the canvas belongs to another backend: make a new one.');
    contexts.set(canvas, known);
    known.imageSmoothingEnabled = smooth;
    known.imageSmoothingQuality = 'high';
    known.drawImage(own, 0, 0, canvas.width, canvas.height);
  };

  const threads = wasm.numThreads === 1 ? '1 thread' : `${wasm.numThreads} threads`;
  return {
    size,
    facts: {
      backend: name,
      reason: '',
      adapter: name === 'ort-wasm' ? `CPU, ${threads}` : PROVIDERS[name],
      size,
      model: `${model.name}, ${name === 'ort-wasm' ? 'int8' : 'float32'}`,
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
