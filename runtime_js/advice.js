/**
 * What is said where something fails that a page can't go on from: loaded only then.
 */
import { VERSION } from './artifact.js';
import { messageOf } from './errors.js';
import { shown } from './files.js';

const WORDS = 60;
const FALLBACK = ' Or compile with --keep-onnx and give a fallback.';

/** What is missing where there is no WebGPU. */
export function noWebGpu() {
  if (globalThis.isSecureContext === undefined)
    return (
      'WebGPU is missing here: pass an adapter of the npm package webgpu, as a function that ' +
      `gives a new one.${FALLBACK}`
    );
  return globalThis.isSecureContext
    ? `WebGPU is missing here: use a recent Chrome, Edge, Firefox or Safari.${FALLBACK}`
    : 'WebGPU needs a secure page: open it over https, or from localhost.';
}

/** What to do where there is no adapter. */
export function noAdapter() {
  return (
    'WebGPU found no adapter: update the graphics driver, or switch on hardware acceleration ' +
    `in the browser.${FALLBACK}`
  );
}

/**
 * Of a file that no server has answered for. The words of a network error Node has in its cause alone.
 *
 * @param {URL} url
 * @param {any} error
 */
export function unreachable(url, error) {
  const cause = messageOf(error?.cause?.message ? error.cause : error);
  return `Cannot read ${url}: ${cause}. Is the server up, and does it let this page read it (CORS)?`;
}

/**
 * What stands in an answer that looks like none: a file that is called a page; else what is wrong with it.
 *
 * @param {Response} response
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 */
export async function lookInto({ ok, status, headers }, body) {
  const [start, rest] = body.tee();
  const reader = start.getReader();
  const { value } = await reader.read();
  const words = new TextDecoder().decode(value?.subarray(0, WORDS)).replace(/\s+/g, ' ').trim();
  reader.cancel();
  if (ok && words[0] !== '<') return rest;
  rest.cancel();
  const type = headers.get('content-type') ?? 'no content type';
  return (
    `HTTP status ${status}, ${type}, beginning ${JSON.stringify(words)}. ` +
    'Check the address, and that the server has the files of the artifact there.'
  );
}

/**
 * Of a model.json that this runtime does not read.
 *
 * @param {string} file
 * @param {any} model
 */
export function otherModel(file, model) {
  if (model?.format !== 'onnx2wgsl')
    return `${file}: $.format is ${shown(model?.format ?? 'nothing')}, not "onnx2wgsl": not an artifact.`;
  return (
    `${file}: $.version is ${shown(model.version ?? null)}, this runtime reads ${VERSION}. ` +
    "Use the runtime.js of the model's own folder, or compile the model again."
  );
}

/** Where a browser has no SHA-256. */
export function noDigest() {
  return 'SHA-256 needs a secure page: open it over https, or from localhost.';
}
