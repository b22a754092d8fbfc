/**
 * How the page shows what a model makes: as a picture, as a mask over the picture, as classes, in figures.
 *
 * @import {Tensor, Values} from './artifact.js'
 * @import {Session} from './runtime.js'
 * @import {Picture} from './page_sources.js'
 * @typedef {Session['inputs'][number]} Input
 * @typedef {Record<string, Values>} Results
 */
import { maskOverlay, topK } from './runtime.js';

const CLASSES = 5;
const MOST_SIDE = 1024; // of a canvas, in its pixels
const PLOTTED = 512;

/** @type {(id: string) => any} */
export const element = (id) => document.getElementById(id);

/**
 * What an output looks like.
 *
 * @param {Tensor} output
 * @param {string[]} [labels]
 * @returns {'picture' | 'mask' | 'classes' | 'figures'}
 */
export function kindOf({ dtype, shape, image }, labels) {
  if (image) return 'picture';
  const [height = 1, width = 1] = shape.slice(-2);
  const isPlane = shape.length > 2 && shape[0] === 1 && height > 1 && width > 1;
  if (isPlane && shape.length === 4 && shape[1] > 1) return 'mask';
  if (isPlane && shape.slice(1, -2).every((size) => size === 1) && dtype !== 'float32')
    return 'mask';
  const count = size(shape);
  if (count > 1 && (count === labels?.length || (shape.length === 2 && shape[0] === 1)))
    return 'classes';
  return 'figures';
}

/**
 * Values for an input that no picture is for: a wave of floats or bytes; zeros where they may be indices.
 *
 * @param {Input} input
 * @returns {Values}
 */
export function example({ dtype, shape }) {
  const length = size(shape);
  const wave = (/** @type {number} */ i) => Math.sin((2 * Math.PI * i) / Math.min(length, 64));
  if (dtype === 'float32') return Float32Array.from({ length }, (_, i) => wave(i));
  if (dtype === 'uint8') return Uint8Array.from({ length }, (_, i) => 128 + 100 * wave(i));
  if (dtype === 'int8') return Int8Array.from({ length }, (_, i) => 100 * wave(i));
  if (dtype === 'int64') return new BigInt64Array(length);
  return dtype === 'int32' ? new Int32Array(length) : new Uint8Array(length);
}

/** @param {number[]} shape */
function size(shape) {
  return shape.reduce((product, n) => product * n, 1);
}

/**
 * Draws what the model gets of a picture, smoothed by the browser.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 * @param {Input} input
 */
export function drawInput(canvas, picture, { image }) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const [width, height] = /** @type {number[]} */ (image?.size);
  const isVideo = picture instanceof HTMLVideoElement;
  const [W, H] = isVideo
    ? [picture.videoWidth, picture.videoHeight]
    : [picture.width, picture.height];
  const scales = [canvas.width / W, canvas.height / H];
  const [across, down] =
    image?.fit === 'stretch'
      ? scales
      : Array(2).fill((image?.fit === 'cover' ? Math.max : Math.min)(...scales));
  context.fillStyle = `rgb(${image?.pad.join(' ')})`;
  if (image?.fit === 'contain') context.fillRect(0, 0, canvas.width, canvas.height);
  else context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = width * height > 32 * 32;
  context.imageSmoothingQuality = 'high';
  const [w, h] = [W * across, H * down];
  context.drawImage(picture, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
}

/**
 * Makes a canvas as large as it is shown, for a picture of that size.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 */
export function fitCanvas(canvas, [width, height]) {
  const shown = (canvas.parentElement?.clientWidth ?? 0) * devicePixelRatio;
  const most = Math.min(shown / width, MOST_SIDE / width, MOST_SIDE / height);
  const scale = Math.max(1, most);
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
}

/**
 * Shows a mask over the picture that it is of; says which classes it has.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement} picture
 * @param {Values} values
 * @param {Tensor} output
 * @param {string[]} [labels]
 */
export async function drawMask(canvas, picture, values, { shape }, labels) {
  const [height, width] = shape.slice(-2);
  const pixels = await maskOverlay(values, shape);
  const mask = new OffscreenCanvas(width, height);
  mask.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
  Object.assign(canvas, { width: picture.width, height: picture.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.drawImage(picture, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(mask, 0, 0, canvas.width, canvas.height);
  const plane = width * height;
  const count = values.length / plane;
  /** @type {Map<number, {pixels: number, colour: string}>} */
  const classes = new Map();
  for (let i = 0; i < plane; i++) {
    let found = count === 1 ? Number(values[i]) : 0;
    for (let c = 1; c < count; c++)
      if (values[c * plane + i] > values[found * plane + i]) found = c;
    const [r, g, b, a] = pixels.subarray(4 * i, 4 * i + 4);
    const one = classes.get(found) ?? {
      pixels: 0,
      colour: a ? `rgb(${r} ${g} ${b})` : 'transparent',
    };
    one.pixels++;
    classes.set(found, one);
  }
  const largest = [...classes].sort(([, a], [, b]) => b.pixels - a.pixels).slice(0, CLASSES);
  const rows = largest.map(([index, { pixels, colour }]) => {
    const row = bar(pixels / plane, labels?.[index] ?? `class ${index}`, percent(pixels / plane));
    const swatch = made('span', 'swatch');
    swatch.style.setProperty('--colour', colour);
    row.prepend(swatch);
    return row;
  });
  showRows(rows);
}

/**
 * Shows the classes with the largest values as bars: of probabilities where the values are such, else of what a
 * softmax makes of them.
 *
 * @param {Values} values
 * @param {string[]} [labels]
 */
export async function drawClasses(values, labels) {
  const numbers = Array.from(values, Number);
  const sum = numbers.reduce((a, b) => a + b, 0);
  const areProbabilities = Math.abs(sum - 1) < 0.05 && numbers.every((value) => value >= 0);
  const names = labels?.length === values.length ? { labels } : {};
  const classes = await topK(values, CLASSES, { ...names, softmax: !areProbabilities });
  showRows(
    classes.map(({ index, value, label = `class ${index}` }) => bar(value, label, percent(value))),
  );
}

/** @param {HTMLElement[]} rows */
function showRows(rows) {
  element('classes').replaceChildren(...rows);
  element('classes').hidden = false;
}

/**
 * Shows what tensors hold, each with its figures and a curve of its values.
 *
 * @param {HTMLElement} place
 * @param {(Tensor | Input)[]} tensors
 * @param {Results} results
 */
export function drawFigures(place, tensors, results) {
  place.replaceChildren(
    ...tensors.map((tensor) => {
      const values = Array.from(results[tensor.name], Number);
      const [least, most] = [Math.min, Math.max].map((of) => values.reduce((a, b) => of(a, b)));
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const box = made('div', 'tensor');
      const figures =
        values.length === 1
          ? ` ${short(values[0])}`
          : ` ${short(least)} to ${short(most)}, mean ${short(mean)}`;
      box.append(made('b', '', tensor.name), figures, ' ', small(described(tensor)));
      if (values.length > 1) {
        const canvas = made('canvas');
        box.append(canvas);
        canvas.role = 'img';
        canvas.ariaLabel = `The values of ${tensor.name} as a curve`;
        requestAnimationFrame(() => plot(canvas, values, least, most));
      }
      return box;
    }),
  );
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} values
 * @param {number} least
 * @param {number} most
 */
function plot(canvas, values, least, most) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map(
    (n) => n * devicePixelRatio,
  );
  Object.assign(canvas, { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.strokeStyle = getComputedStyle(element('verdict').parentElement).color;
  context.lineWidth = devicePixelRatio;
  const shown = values.slice(0, PLOTTED);
  context.beginPath();
  for (const [i, value] of shown.entries())
    context.lineTo(
      (i / (shown.length - 1)) * width,
      height - 2 - ((value - least) / (most - least || 1)) * (height - 4),
    );
  context.stroke();
}

/**
 * Shows the times of kernels, the longest first.
 *
 * @param {HTMLElement} place
 * @param {import('./profile.js').Profile} profile
 */
export function drawProfile(place, { by, ms, rows }) {
  const table = made('table');
  const head = table.createTHead().insertRow();
  head.append(...['kernel', 'kind', 'ms', 'share'].map((name) => made('th', '', name)));
  const body = table.createTBody();
  for (const row of [...rows].sort((a, b) => b.ms - a.ms)) {
    const line = body.insertRow();
    line.className = 'bar';
    line.style.setProperty('--share', `${row.share}`);
    for (const text of [row.name, row.op, row.ms.toFixed(3), percent(row.share)])
      line.insertCell().textContent = text;
  }
  place.replaceChildren(made('p', '', `${ms.toFixed(2)} ms a frame, by ${by}`), table);
}

/**
 * @param {number} share
 * @param {string} label
 * @param {string} text
 */
function bar(share, label, text) {
  const row = made('li', 'bar');
  row.style.setProperty('--share', `${share}`);
  row.append(made('span', 'label', label), text);
  return row;
}

/** @param {Tensor | Input} tensor */
export function described({ dtype, shape }) {
  return `${dtype} ${shape.join(' × ')}`.trim();
}

/** @param {string} text */
export function small(text) {
  return made('small', '', text);
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [className]
 * @param {string} [text]
 */
function made(name, className = '', text = '') {
  const one = document.createElement(name);
  if (className) one.className = className;
  one.textContent = text;
  return one;
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** @param {number} value */
function short(value) {
  return Number.isInteger(value) ? `${value}` : value.toPrecision(4);
}
