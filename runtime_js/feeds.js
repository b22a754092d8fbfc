/**
 * What a frame uploads and runs for what it was given: arrays and buffers, or pictures, of which all but whole
 * bytes are pictures.js' work.
 *
 * @import {Input, Model, Values} from './artifact.js'
 * @import {Frame, Step} from './gpu.js'
 * @import {Fit, Picture} from './pictures.js'
 * @import {Program} from './program.js'
 * @typedef {Record<string, Values | GPUBuffer | Picture | Blob>} Feeds  by input name
 */
import { ARRAYS, byteLength, elements } from './artifact.js';
import { InputError } from './errors.js';
import { bound, stepOf, wholeWords } from './gpu.js';

/** What stands on the device for an int64 that 32 bits do not hold. */
export const BEYOND = -(2n ** 31n);

const USAGES = { COPY_DST: 0x8, STORAGE: 0x80 };
const DRAWABLE =
  /^(ImageBitmap|HTML(Canvas|Image|Video)Element|OffscreenCanvas|VideoFrame|GPUTexture)$/;
// By which a picture of the input's size stays as it is.
const FITS = [undefined, 'cover', 'contain', 'stretch'];

/**
 * What a value is, by its tag: an array of another realm, or a Buffer, has another constructor.
 *
 * @param {unknown} value
 */
export function kindOf(value) {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return ArrayBuffer.isView(value) || !/.Array$/.test(tag) ? tag : 'Object';
}

/** @param {unknown} value */
export function isFile(value) {
  return /^(Blob|File)$/.test(kindOf(value));
}

/** @type {Set<string>} kinds of pictures that this browser copies to no texture, as it turned out */
export const indirect = new Set();

/**
 * Whether a value must become an ImageBitmap first: a file, or a kind of picture that this browser copies to
 * no texture (Firefox no VideoFrame).
 *
 * @param {unknown} value
 */
export function needsBitmap(value) {
  return isFile(value) || (indirect.has(kindOf(value)) && !indirect.has('ImageBitmap'));
}

/**
 * Whether a value is meant as a picture, rather than as the values of an input.
 *
 * @param {any} value
 */
export function isPicture(value) {
  const kind = kindOf(value);
  return DRAWABLE.test(kind) || value?.data !== undefined;
}

/**
 * Refuses a GPUBuffer that has fewer bytes, or can't be used so.
 *
 * @param {string} what
 * @param {any} buffer
 * @param {number} bytes
 * @param {'STORAGE' | 'COPY_DST'} [flag]
 */
export function requireBuffer(what, { size, usage } = {}, bytes, flag = 'STORAGE') {
  if (!(size >= bytes && bytes && usage & USAGES[flag]))
    throw new InputError(
      `${what} is a GPUBuffer of ${size} bytes and usage ${usage}, expected ${bytes} bytes and ${flag}.`,
    );
}

/**
 * The bytes of a picture that needs no resizing.
 *
 * @param {Input} input
 * @param {any} value
 * @param {Fit | undefined} fit
 */
function wholeBytes({ image }, value, fit) {
  const { data, width, height } = value;
  if (
    width !== image?.size[0] ||
    height !== image?.size[1] ||
    !FITS.includes(/** @type {any} */ (fit))
  )
    return;
  if (!/^Uint8(Clamped)?Array$/.test(kindOf(data)) || data.length !== 4 * width * height) return;
  return padded(data);
}

/**
 * Whether a frame needs what pictures.js makes on the device.
 *
 * @param {Model} model
 * @param {Feeds} feeds
 * @param {Fit} [fit]
 */
export function needsPictures({ inputs }, feeds, fit) {
  return inputs.some((input) => {
    const value = feeds[input.name];
    return input.image && isPicture(value) && !wholeBytes(input, value, fit);
  });
}

/**
 * What a frame uploads and runs, which depends on how each input came.
 *
 * @param {Pick<Program, 'device' | 'model' | 'buffers' | 'steps' | 'pictureSteps' | 'pictures'>} program
 * @param {Feeds} feeds of which none needs pictures that the program lacks
 * @param {{fit?: Fit}} [options] fit: of pictures, in the place of the artifact's
 * @returns {Frame}
 */
export function frameOf(program, feeds, { fit } = {}) {
  const { device, model, buffers, steps, pictureSteps, pictures } = program;
  requireKnown(
    'input',
    Object.keys(feeds),
    model.inputs.map(({ name }) => name),
  );
  /** @type {Frame} */
  const frame = { writes: [], steps: [...steps], checks: [] };
  // What brings pictures to their size comes before all, and shifts no number of a kernel.
  const first = { ...frame, steps: [] };
  for (const [i, input] of model.inputs.entries()) {
    const { name, image } = input;
    const value = /** @type {any} */ (feeds[name]);
    if (image && isPicture(value)) {
      frame.steps[image.replaces] = /** @type {Step} */ (pictureSteps[i]);
      for (const k of image.skips ?? []) delete frame.steps[k];
      const bytes = wholeBytes(input, value, fit);
      if (bytes) frame.writes.push({ buffer: bound(buffers, `image:${name}`), bytes });
      else pictures?.[i]?.(value, fit, first);
    } else if (kindOf(value) === 'GPUBuffer') {
      requireBuffer(`Input ${name}`, value, wholeWords(byteLength(input)));
      const key = `input:${name}`;
      frame.steps.forEach((step, k) => {
        if (key in step.resources) frame.steps[k] = withBuffer(device, step, key, value, frame);
      });
    } else {
      const bytes = padded(valuesOf(input, value));
      frame.writes.push({ buffer: bound(buffers, `input:${name}`), bytes });
    }
  }
  frame.steps = [...first.steps, ...frame.steps.filter(Boolean)]; // without what pictures left out
  return frame;
}

/**
 * Feeds with the pictures that files hold, and with bitmaps of what goes no other way; a promise only where
 * there are such.
 *
 * @param {Feeds} feeds
 * @returns {Feeds | Promise<Feeds>}
 */
export function readFeeds(feeds) {
  const given = Object.entries(feeds);
  if (!given.some(([, value]) => needsBitmap(value))) return feeds;
  return import('./pictures.js').then(async ({ decoded }) => {
    const read = given.map(async ([name, value]) => [name, await decoded(name, value)]);
    return Object.fromEntries(await Promise.all(read));
  });
}

/**
 * Refuses a name that is none of the known ones.
 *
 * @param {string} what
 * @param {string[]} names
 * @param {string[]} known
 */
export function requireKnown(what, names, known) {
  for (const name of names)
    if (!known.includes(name))
      throw new InputError(`No ${what} is named ${name}: expected ${known.join(', ') || 'none'}.`);
}

/**
 * The values of an input, checked.
 *
 * @param {Input} input
 * @param {Values} values
 */
export function valuesOf(input, values) {
  const { name, shape, dtype, image } = input;
  const kind = kindOf(values);
  const type = ARRAYS[dtype].name;
  if (kind !== type || values.length !== elements(input)) {
    const given = values?.length === undefined ? kind : `${kind}(${values.length})`;
    throw new InputError(
      `Input ${name} is ${values === undefined ? 'missing' : given}, expected ` +
        `${type}(${elements(input)}) of shape ${shape.join('x')}${image ? ' or a picture' : ''}.`,
    );
  }
  if (dtype === 'int64') checkWords(name, /** @type {BigInt64Array} */ (values));
  return values;
}

/**
 * Refuses int64 values that the device, which holds them in 32 bits, would cut.
 *
 * @param {string} name
 * @param {BigInt64Array} values
 */
function checkWords(name, values) {
  const outside = values.find((value) => value !== BigInt.asIntN(32, value) || value === BEYOND);
  if (outside !== undefined)
    throw new InputError(
      `Input ${name} holds ${outside}; an int64 is computed in 32 bits: ` +
        `give values from ${BEYOND + 1n} to ${-BEYOND - 1n}.`,
    );
}

/**
 * The bytes, filled up to a whole word: writeBuffer takes no less; and of one owner: not every WebGPU takes what
 * threads share.
 *
 * @param {Values | Uint8ClampedArray} values
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function padded(values) {
  const { buffer, byteOffset, byteLength } = values;
  const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength);
  if (byteLength % 4 === 0 && kindOf(buffer) === 'ArrayBuffer') return bytes;
  const words = new Uint8Array(wholeWords(byteLength));
  words.set(bytes);
  return words;
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

/**
 * A step that binds what a caller gave: what the device has against it becomes a check of the frame.
 *
 * @param {GPUDevice} device
 * @param {string} name of the input
 * @param {Frame} frame
 * @param {() => Step} make
 * @param {() => void} forget where the device refuses it
 */
export function checkedStep(device, name, frame, make, forget) {
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
