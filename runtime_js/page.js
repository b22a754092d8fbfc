/** The page of an artifact: the model beside it, run on a picture that the user chooses or drops. */
import { createSession, toPixels } from './runtime.js';

const RUNS = 20;
const RUNS_MS = 2000;

/** @type {(id: string) => any} */
const element = (id) => document.getElementById(id);

try {
  await start();
} catch (error) {
  fail(error);
}

async function start() {
  const { dot, requantize } = Object.fromEntries(new URLSearchParams(location.search));
  const wishes = /** @type {import('./variants.js').Wishes} */ ({ dot, requantize });
  const session = await createSession(new URL('.', import.meta.url), wishes);
  session.lost.then(({ message }) => fail(`The GPU device was lost: ${message} Reload the page.`));
  element('name').textContent = session.name;
  document.title = `${session.name} · onnx2wgsl`;
  element('adapter').textContent = session.adapter;
  for (const use of /** @type {const} */ (['dot', 'requantize'])) {
    element(use).textContent = session.variants[use];
    element(use).append(' ', small(session.variants.why[use]));
  }
  element('facts').hidden = false;
  const [input] = session.inputs;
  const output = session.outputs.find(({ image }) => image);
  if (session.inputs.length === 1 && input.image && output) acceptPictures(session, input, output);
  else element('time').textContent = 'This model takes no picture: the page only tests it.';
  element('verdict').textContent = 'Testing';
  const { ok, message } = await session.selfTest();
  element('message').textContent = message;
  element('verdict').dataset.ok = ok;
  element('verdict').textContent = ok ? 'Bit-exact' : 'Not exact on this device';
}

/**
 * @typedef {import('./artifact.js').Tensor} Tensor
 * @param {import('./runtime.js').Session} session
 * @param {import('./runtime.js').Session['inputs'][number]} input
 * @param {Tensor} output
 */
function acceptPictures(session, input, output) {
  const main = element('pictures');
  const before = canvasFor('input', input.image?.size ?? []);
  const after = canvasFor('output', output.shape.slice(2).reverse());
  let last = 0;
  const show = async (/** @type {Blob | undefined} */ file) => {
    if (!file) return;
    const turn = ++last;
    try {
      element('problem').hidden = true;
      const picture = await decode(file);
      draw(before, picture);
      main.className = 'filled';
      const frame = () => session.run({ [input.name]: picture });
      const values = /** @type {Float32Array} */ ((await frame())[output.name]);
      const pixels = toPixels(output, values);
      after.putImageData(new ImageData(pixels, after.canvas.width), 0, 0);
      await measure(frame, () => turn === last);
    } catch (error) {
      fail(error);
    }
  };
  element('file').onchange = () => show(element('file').files[0]);
  document.ondragover = (event) => {
    event.preventDefault();
    main.classList.add('over');
  };
  document.ondragleave = () => main.classList.remove('over');
  document.ondrop = (event) => {
    event.preventDefault();
    main.classList.remove('over');
    show(event.dataTransfer?.files[0]);
  };
  main.hidden = false;
}

/**
 * @param {string} id
 * @param {number[]} size
 */
function canvasFor(id, [width, height]) {
  const canvas = /** @type {HTMLCanvasElement} */ (element(id));
  Object.assign(canvas, { width, height });
  element(`${id}-size`).textContent = `${width} × ${height}`;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return /** @type {CanvasRenderingContext2D} */ (context);
}

/** @param {Blob} file */
function decode(file) {
  return createImageBitmap(file, { premultiplyAlpha: 'none' }).catch(() => {
    throw new Error('This file is not a picture that the browser can read.');
  });
}

/**
 * Shows what the session takes of the picture, its middle, smoothed by the browser.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {ImageBitmap} picture
 */
function draw(context, picture) {
  const { width, height } = context.canvas;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

/**
 * Shows the median time of some frames, unless another picture comes.
 *
 * @param {() => Promise<unknown>} frame
 * @param {() => boolean} isWanted
 */
async function measure(frame, isWanted) {
  const times = [];
  const end = performance.now() + RUNS_MS;
  while (times.length < 3 || (times.length < RUNS && performance.now() < end)) {
    const start = performance.now();
    await frame();
    if (!isWanted()) return;
    times.push(performance.now() - start);
  }
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  element('time').textContent = `${median.toFixed(median < 10 ? 2 : 0)} ms`;
  element('time').append(' ', small(`median of ${times.length} runs, results read back`));
}

/** @param {string} text */
function small(text) {
  const note = document.createElement('small');
  note.textContent = text;
  return note;
}

/** @param {unknown} error */
function fail(error) {
  element('problem').textContent = error instanceof Error ? error.message : error;
  element('problem').hidden = false;
  if (element('verdict').dataset.ok === undefined) {
    element('verdict').dataset.ok = false;
    element('verdict').textContent = 'Cannot run';
  }
}
