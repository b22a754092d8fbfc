/** The page of an artifact: shows the model beside it at work, on its sample and on what the user gives. */
import { close, drawing, fetched, opened, webcam } from './page_sources.js';
import * as views from './page_views.js';
import { createSession } from './runtime.js';

/**
 * @typedef {import('./artifact.js').Tensor} Tensor
 * @typedef {import('./runtime.js').Session} Session
 * @typedef {import('./page_sources.js').Picture} Picture
 */

const RUNS = 20;
const RUNS_MS = 2000;
const HERE = new URL('.', import.meta.url);
const { element, small } = views;

try {
  await start();
} catch (error) {
  fail(error);
  showVerdict(false, 'Cannot run');
}

async function start() {
  element('waiting').hidden = true;
  const { dot, requantize } = Object.fromEntries(new URLSearchParams(location.search));
  const wishes = /** @type {import('./variants.js').Wishes} */ ({ dot, requantize });
  const session = await createSession(HERE, {
    validate: true,
    ...wishes,
    profile: true,
    onProgress: ({ loaded, total }) =>
      (element('verdict').textContent = `Loading ${Math.floor((100 * loaded) / total)} %`),
  });
  showFacts(session);
  element('stage').hidden = false;
  const input = session.inputs.find(({ image }) => image);
  if (input) await acceptPictures(session, input);
  else await showValues(session);
  element('verdict').textContent = 'Testing';
  showReport(session, await session.selfTest());
}

/** @param {Session} session */
function showFacts(session) {
  element('name').textContent = session.name;
  document.title = `${session.name} · onnx2wgsl`;
  const [inputs, outputs] = [session.inputs, session.outputs].map((all) =>
    all.map(views.described).join(', '),
  );
  element('about').textContent = `${inputs} → ${outputs}`;
  element('adapter').textContent = session.adapter;
  const entries = /** @type {PerformanceResourceTiming[]} */ ([
    ...performance.getEntriesByType('navigation'),
    ...performance.getEntriesByType('resource'),
  ]);
  const bytes = (/** @type {RegExp} */ pattern) =>
    entries
      .filter(({ name }) => pattern.test(new URL(name).pathname))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  const model = bytes(/\/(model\.json|((rare_)?shaders|weights)-\w+\.\w+)$/);
  const page = bytes(/\.(js|css|svg|html)$|\/$/);
  element('download').textContent = `${inBytes(model)} `;
  element('download').append(small(`and ${inBytes(page)} of scripts and page`));
  showVariants(session);
  element('facts').hidden = false;
  element('profile').ontoggle = async () => {
    if (!element('profile').open) return;
    element('kernels').textContent = 'Measuring';
    await session.profile().then((profile) => views.drawProfile(element('kernels'), profile), fail);
  };
}

/** @param {Session} session */
function showVariants({ variants }) {
  for (const use of /** @type {const} */ (['dot', 'requantize'])) {
    element(use).textContent = variants[use];
    element(use).append(' ', small(variants.why[use]));
  }
}

/**
 * @param {Session} session
 * @param {import('./self_test.js').Report} report
 */
function showReport(session, { ok, message, text }) {
  element('message').textContent = message;
  element('report').textContent = text;
  element('copy').onclick = () => navigator.clipboard.writeText(text).catch(fail);
  showVerdict(ok, ok ? 'Bit-exact' : 'Not exact on this device');
  showVariants(session);
}

/**
 * Runs a model that takes no picture on values of our own.
 *
 * @param {Session} session
 */
async function showValues(session) {
  for (const id of ['drop', 'sources']) element(id).hidden = true;
  const feeds = Object.fromEntries(
    session.inputs.map((input) => [input.name, views.example(input)]),
  );
  views.drawFigures(element('given'), session.inputs, feeds);
  const frame = async () => showResults(session, await session.run(feeds));
  await frame();
  await measure(frame, () => true);
}

/**
 * @param {Session} session
 * @param {import('./page_views.js').Results} results
 */
async function showResults(session, results) {
  const { outputs, labels } = session;
  const classes = outputs.find((output) => views.kindOf(output, labels) === 'classes');
  if (classes) await views.drawClasses(results[classes.name], labels);
  views.drawFigures(element('figures'), outputs, results);
}

/**
 * What shows the model's work on a picture.
 *
 * @param {Session} session
 * @param {Session['inputs'][number]} input
 * @returns {{draw: (picture: Picture) => Promise<unknown>, save?: (picture: Picture) => Promise<Blob | null>}}
 */
function viewOf(session, input) {
  const { outputs, labels } = session;
  const canvas = element('output');
  const others = session.inputs.filter(({ name }) => name !== input.name);
  const feeds = Object.fromEntries(others.map((other) => [other.name, views.example(other)]));
  const run = (/** @type {Picture} */ picture) => session.run({ ...feeds, [input.name]: picture });
  const kinds = outputs.map((output) => views.kindOf(output, labels));
  const output = outputs[kinds.indexOf('picture')];
  if (output) {
    const size = output.shape.slice(2).reverse();
    showSize(size);
    return {
      draw: async (picture) => {
        if (!canvas.dataset.fitted) views.fitCanvas(canvas, size);
        canvas.dataset.fitted = 'true';
        const scaling = canvas.width > size[0] ? 'bicubic' : 'nearest';
        await session.frame(picture, canvas, { input: input.name, feeds, scaling });
        await session.device.queue.onSubmittedWorkDone();
      },
      save: async (picture) => {
        const names = [output.name];
        const results = await session.run(
          { ...feeds, [input.name]: picture },
          { outputs: names, as: 'pixels' },
        );
        const pixels = /** @type {Uint8ClampedArray<ArrayBuffer>} */ (results[output.name]);
        const copy = new OffscreenCanvas(size[0], size[1]);
        copy.getContext('2d')?.putImageData(new ImageData(pixels, size[0]), 0, 0);
        return copy.convertToBlob();
      },
    };
  }
  const mask = outputs[kinds.indexOf('mask')];
  if (mask) {
    showSize(mask.shape.slice(-2).reverse());
    return {
      draw: async (picture) => {
        const results = await run(picture);
        await views.drawMask(canvas, element('input'), results[mask.name], mask, labels);
      },
      save: () => new Promise((done) => canvas.toBlob(done)),
    };
  }
  return { draw: async (picture) => showResults(session, await run(picture)) };
}

/** @param {number[]} size */
function showSize(size) {
  element('shown').hidden = false;
  element('output-size').textContent = size.join(' × ');
}

/**
 * @param {Session} session
 * @param {Session['inputs'][number]} input
 */
async function acceptPictures(session, input) {
  const [width, height] = /** @type {number[]} */ (input.image?.size);
  element('input-size').textContent = `${width} × ${height}`;
  views.fitCanvas(element('input'), [width, height]);
  const view = viewOf(session, input);
  /** @type {Picture} */
  let picture;
  let turn = 0;
  /** @type {(made: Picture) => Promise<unknown>} */
  const draw = (made) => {
    views.drawInput(element('input'), made, input);
    return view.draw(made);
  };
  /** @type {(make: () => Picture | Promise<Picture>, isWebcam?: boolean) => Promise<void>} */
  const use = async (make, isWebcam = false) => {
    const own = ++turn;
    const isWanted = () => own === turn;
    element('time').textContent = '';
    try {
      const made = await make();
      if (!isWanted()) return close(made);
      element('problem').hidden = true;
      close(picture);
      picture = made;
      element('webcam').ariaPressed = isWebcam;
      if (made instanceof HTMLVideoElement) {
        play(made, draw, isWanted).catch((error) => isWanted() && fail(error));
      } else {
        await draw(made);
        await measure(() => draw(made), isWanted);
      }
    } catch (error) {
      if (isWanted()) fail(error);
    }
  };
  const { sample } = session;
  const shown = sample ? () => fetched(`${new URL(sample, HERE)}`) : () => drawing(width, height);
  if (!sample) element('sample').textContent = 'Drawing';
  const save = view.save;
  element('save').hidden = !save;
  element('save').onclick = () =>
    save?.(picture).then((file) => {
      if (file) download(file, `${session.name}.png`);
    }, fail);
  element('sample').onclick = () => use(shown);
  element('choose').onclick = () => element('file').click();
  element('webcam').onclick = () =>
    element('webcam').ariaPressed === 'true' ? use(shown) : use(webcam, true);
  element('file').onchange = () => {
    const [file] = element('file').files;
    if (file) use(() => opened(file));
    element('file').value = '';
  };
  element('fetch').onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    use(() => fetched(element('address').value));
  };
  acceptDrops((given) => use(() => (typeof given === 'string' ? fetched(given) : opened(given))));
  await use(shown);
}

/** @param {(given: File | string) => void} use */
function acceptDrops(use) {
  /** @type {(transfer: DataTransfer | null) => boolean} */
  const take = (transfer) => {
    const given = transfer?.files[0] ?? transfer?.getData('text').trim();
    const isUsable = typeof given !== 'string' || /^(https?|data|blob):/.test(given);
    if (given && isUsable) use(given);
    return !!given && isUsable;
  };
  const { body } = document;
  const mark = (/** @type {boolean} */ isOver) => body.classList.toggle('over', isOver);
  document.ondragover = (event) => {
    event.preventDefault();
    mark(true);
  };
  document.ondragleave = () => mark(false);
  document.ondrop = (event) => {
    event.preventDefault();
    mark(false);
    take(event.dataTransfer);
  };
  document.onpaste = (event) => {
    if (event.target !== element('address') && take(event.clipboardData)) event.preventDefault();
  };
}

/**
 * Shows frame after frame, as they come and the device is ready, until another picture is wanted.
 *
 * @param {HTMLVideoElement} video
 * @param {(made: Picture) => Promise<unknown>} draw
 * @param {() => boolean} isWanted
 */
async function play(video, draw, isWanted) {
  /** @type {number[]} */
  let ends = [];
  for (;;) {
    await new Promise((done) => video.requestVideoFrameCallback(done));
    if (!isWanted()) return;
    const start = performance.now();
    try {
      await draw(video);
    } catch (error) {
      if (video.readyState >= video.HAVE_CURRENT_DATA) throw error;
      continue; // it seeks, as where it begins again
    }
    const end = performance.now();
    ends = [...ends, end].filter((time) => end - time < 1000);
    const rate = ends.length > 1 ? (1000 * (ends.length - 1)) / (end - ends[0]) : 0;
    if (isWanted())
      element('time').textContent = `${rate.toFixed(0)} frames a second, ${inMs(end - start)} each`;
  }
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
  element('time').textContent = `${inMs(median)} a frame, median of ${times.length} runs`;
}

/**
 * @param {Blob} file
 * @param {string} name
 */
function download(file, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** @param {number} ms */
function inMs(ms) {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}

/** @param {number} bytes */
function inBytes(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

/** @param {unknown} error */
function fail(error) {
  element('problem').textContent = error instanceof Error ? error.message : error;
  element('problem').hidden = false;
}

/**
 * @param {boolean} ok
 * @param {string} text
 */
function showVerdict(ok, text) {
  element('verdict').dataset.ok = ok;
  element('verdict').textContent = text;
}
