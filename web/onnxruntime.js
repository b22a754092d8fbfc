/** onnxruntime-web, which is fetched when it is first needed. */

const THREADS = 4;

/**
 * @param {string} site
 * @param {string} build the file of one of its builds
 * @returns {Promise<any>} with as many threads as an isolated page may have, else with one
 */
export async function importOnnxruntime(site, build) {
  const ort = await import(new URL(`onnxruntime/${build}`, site).href);
  const { wasm } = ort.env;
  wasm.wasmPaths = `${new URL('onnxruntime/', site)}`;
  const { crossOriginIsolated: isolated, navigator } = globalThis;
  wasm.numThreads = isolated ? Math.min(THREADS, navigator.hardwareConcurrency || 1) : 1;
  return ort;
}
