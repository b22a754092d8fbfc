/**
 * What can run the generator: this project's own runtime on WebGPU, its fallback on WASM, or onnxruntime-web in two
 * more ways.
 * Probed, never assumed: each says why it is or is not to be had, and the first that is, is taken, unless
 * another is asked for.
 *
 * An int8 model never goes to onnxruntime-web's WebGPU, which computes other pictures of it.
 *
 * @typedef {(share: number) => void} Loading  is told how much has been loaded
 * @typedef {'native' | 'webnn' | 'ort-webgpu' | 'ort-wasm'} Name
 * @typedef {{backend?: Name}} Request
 * @typedef {{avatar?: OffscreenCanvas, generator?: OffscreenCanvas}} Canvases
 * @typedef {{backend: Name, name: string, reason: string, adapter: string, size: number, model: string,
 *   moves?: boolean}} Facts `name` is the model's, `model` says more of it; `moves`: see `reprojector`
 * @typedef {{size: number, facts: Facts, show(drawing: OffscreenCanvas, canvases: Canvases, look: any):
 *   Promise<void>, done(): Promise<unknown>, pixels(drawing: OffscreenCanvas): Promise<Uint8ClampedArray>,
 *   destroy(): void, reprojector?(): Promise<import('./reprojector.js').Reprojector>}} Backend `show` hands a frame over, `done`
 *   resolves when it is made; a `reprojector` shows the last one again, as it has moved
 * @typedef {{name: string, look?: string, size: number, folder: string, files?: Record<string, Blob> | Blob, float?:
 *   string}} Model  of models.json: the URL of the compiled folder, or in its place its files; and where there is one that of
 *   the float32 model, for other backends
 */
import { say } from './strings.js';

/** Best first. */
export const NAMES = /** @type {const} */ (['native', 'webnn', 'ort-webgpu', 'ort-wasm']);
const PROBE_MS = 3000;

/**
 * Opens the backend that is asked for, else the best that there is.
 *
 * @param {string} site the URL of the page's folder
 * @param {Model} model
 * @param {Request} request
 * @param {Loading} onLoading
 * @returns {Promise<Backend>}
 * @throws {Error} where nothing runs the model here; the message has a line for each that was tried
 */
export async function openBackend(site, model, { backend }, onLoading) {
  const lines = [];
  for (const name of backend ? [backend, ...NAMES.filter((one) => one !== backend)] : NAMES) {
    try {
      const opened = await open(name, site, model, onLoading);
      const reason = lines.length
        ? lines.join(' ')
        : backend
          ? say('reason.asked')
          : say('reason.best');
      Object.assign(opened.facts, { reason });
      return opened;
    } catch (error) {
      if (/** @type {any} */ (error)?.code === 'missing-file') throw error;
      lines.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw Object.assign(new Error(lines.join('\n')), {
    code: 'no-backend',
  });
}

/** @type {(name: Name, site: string, model: Model, onLoading: Loading) => Promise<Backend>} */
async function open(name, site, model, onLoading) {
  if (name === 'native' || name === 'ort-wasm')
    return (await import('./backend_session.js')).openSession(name, site, model, onLoading);
  if (name === 'webnn') await probeWebnn();
  else if (!(await globalThis.navigator.gpu?.requestAdapter())) throw new Error(say('lack.webgpu'));
  return (await import('./backend_float.js')).openFloat(name, site, model);
}

/** Refuses a WebNN that is not there, or that never answers. */
async function probeWebnn() {
  const { ml } = /** @type {any} */ (globalThis.navigator);
  if (!ml) throw new Error(say('lack.webnn'));
  const late = new Promise((_, reject) =>
    setTimeout(() => reject(new Error(say('lack.answer', { ms: PROBE_MS }))), PROBE_MS),
  );
  await Promise.race([ml.createContext({ deviceType: 'gpu' }), late]);
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : `${error}`;
}
