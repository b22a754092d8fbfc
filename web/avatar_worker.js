/**
 * Makes the avatar's pictures, off the page's own thread: landmarks are drawn, the drawing goes through the
 * generator, what it makes is shown on a canvas of the page; or, between two such frames, the last picture moves
 * with the landmarks. One frame is under way; of those that come meanwhile only the newest is made.
 *
 * @import {Backend, Request} from './backends.js'
 * @import {Reprojector} from './reprojector.js'
 * @typedef {{type: 'frame', id: number, landmarks: Float32Array, time: number, isFinal: boolean}}
 *   FrameMessage  landmarks as the generator's frame has them; `time` is when the camera saw them, on the page's
 *   clock; `isFinal` asks for the generator's own picture
 * @typedef {{draw: number, submit: number, generate: number}} Times  milliseconds: drawing; handing the frame
 *   over; until the device has made it
 */
import { drawLandmarks } from '../face/drawing.js';
import { openBackend } from './backends.js';

/** @type {any} */
const scope = globalThis;

/** @type {import('../face/drawing.js').Specification} */
let specification;
/** @type {Backend | undefined} */
let backend;
/** @type {Backend | undefined} the other side of a comparison */
let other;
/** @type {OffscreenCanvasRenderingContext2D} */
let drawing;
/** @type {Record<string, OffscreenCanvas | undefined>} the page's canvases, by what they show */
const canvases = {};
/** @type {OffscreenCanvasRenderingContext2D | null} */
let shownDrawing = null;
/** @type {OffscreenCanvasRenderingContext2D | null} */
let matte = null;
/** @type {import('./matte.js').Outline} */
let outline;
let look = { sharpness: 0.5 };
let background = 'studio';
let counts = false;
/** The generator makes every so manieth frame at least; those between show its last picture, moved. */
let every = 1;
/** By how much its limits are wider than the page's own. */
let slack = 1;
/** @type {{keyframe: import('./keyframe.js').Keyframe, mesh: import('./motion_mesh.js').MotionMesh} | undefined} */
let motion;
/** Frames so far: by the generator, and moved. */
const frames = { made: 0, moved: 0 };
/** @type {FrameMessage | undefined} */
let waiting;
let busy = false;
let generation = 0;

const onLoading = (/** @type {number} */ share) => post({ type: 'loading', share });

const tasks = {
  async open(/** @type {any} */ { site, model, other: second, request }) {
    const own = ++generation;
    close();
    if (!specification) {
      const read = async (/** @type {string} */ file) => (await fetch(new URL(file, site))).json();
      [specification, outline] = await Promise.all([
        read('face/drawing.json'),
        read('face/outline.json'),
      ]);
    }
    const opened = await openBackend(site, model, /** @type {Request} */ (request), onLoading);
    /** @type {Backend | undefined} */
    let compared;
    try {
      compared = second && (await openBackend(site, second.model, second.request, onLoading));
      if (compared && compared.size !== opened.size) {
        const { size } = compared;
        compared.destroy();
        compared = undefined;
        throw Object.assign(new Error(`${second.model.name}: ${size}`), { code: 'sizes' });
      }
    } catch (error) {
      // What can't be compared with does not keep the avatar from being seen.
      report(error);
    }
    if (own !== generation) {
      opened.destroy();
      compared?.destroy();
      return;
    }
    backend = opened;
    other = compared;
    motion?.keyframe.forget();
    const side = backend.size;
    const canvas = new OffscreenCanvas(side, side);
    // Read back by the backends that run on the CPU; painted on the CPU in any case, so that the same
    // landmarks give the same bytes.
    drawing = /** @type {OffscreenCanvasRenderingContext2D} */ (
      canvas.getContext('2d', { willReadFrequently: true, alpha: false })
    );
    post({ type: 'ready', ...backend.facts, other: other?.facts });
    next();
  },

  canvas(/** @type {any} */ { name, canvas }) {
    canvases[name] = canvas;
    motion?.keyframe.forget();
    if (!canvas) return;
    if (name === 'drawing') shownDrawing = canvas.getContext('2d', { alpha: false });
    if (name === 'matte') matte = canvas.getContext('2d');
  },

  look(/** @type {any} */ message) {
    ({ look, counts, background, every, slack } = message);
  },

  frame(/** @type {FrameMessage} */ message) {
    if (waiting) drop(waiting);
    waiting = message;
    next();
  },

  /** What the generator was given and made for the last landmarks, to be compared elsewhere. */
  async capture(/** @type {any} */ { id }) {
    if (!backend) return;
    const { width, height } = drawing.canvas;
    const input = drawing.getImageData(0, 0, width, height).data;
    const output = await backend.pixels(drawing.canvas);
    scope.postMessage({ type: 'captured', id, input, output }, [input.buffer, output.buffer]);
  },
};

function close() {
  backend?.destroy();
  other?.destroy();
  backend = other = undefined;
}

/** Makes the frame that waits. */
async function next() {
  if (busy || !waiting || !backend) return;
  busy = true;
  const frame = waiting;
  waiting = undefined;
  const current = backend;
  try {
    const reprojector = every > 1 && !other ? await current.reprojector?.() : undefined;
    if (reprojector) motion ??= await loadMotion();
    const start = performance.now();
    const isMade =
      !reprojector ||
      !motion ||
      motion.keyframe.isDue(frame.landmarks, frame.isFinal ? 1 : every, slack);
    if (isMade) {
      drawLandmarks(drawing, frame.landmarks, specification);
      if (canvases.drawing && shownDrawing) shownDrawing.drawImage(drawing.canvas, 0, 0);
    } else motion?.mesh.move(motion.keyframe.landmarks, frame.landmarks);
    const drawn = performance.now();
    if (isMade) await make(current, frame.landmarks, reprojector);
    else move(reprojector);
    frames[isMade ? 'made' : 'moved']++;
    if (matte && background !== 'studio')
      (await import('./matte.js')).drawMatte(
        matte,
        frame.landmarks,
        specification,
        outline,
        background,
      );
    const submitted = performance.now();
    await current.done();
    const made = performance.now();
    const times = { draw: drawn - start, submit: submitted - drawn, generate: made - drawn };
    const differing = other ? await compared(current, other) : undefined;
    scope.postMessage(
      {
        type: 'shown',
        id: frame.id,
        time: frame.time,
        landmarks: frame.landmarks,
        times,
        isMade,
        frames,
        differing,
      },
      [frame.landmarks.buffer],
    );
  } catch (error) {
    drop(frame);
    motion?.keyframe.forget();
    // Of a backend that gave way to another meanwhile, nobody wants to know.
    if (current === backend) report(error);
  }
  busy = false;
  next();
}

/** What says when a picture may move, and how: fetched by who wants fewer frames of the generator. */
async function loadMotion() {
  const [{ Keyframe }, { MotionMesh }] = await Promise.all([
    import('./keyframe.js'),
    import('./motion_mesh.js'),
  ]);
  return { keyframe: new Keyframe(), mesh: new MotionMesh(specification) };
}

/**
 * Has the generator make a picture of the drawing, and shows it.
 *
 * @param {Backend} current
 * @param {Float32Array} landmarks
 * @param {Reprojector} [reprojector] that moves it later
 */
async function make(current, landmarks, reprojector) {
  await current.show(drawing.canvas, canvases, look);
  if (!motion) return;
  if (!reprojector || !canvases.avatar) return motion.keyframe.forget();
  await reprojector.keep(motion.mesh);
  motion.keyframe.take(landmarks);
}

/** Shows the last picture as the mesh has moved it. @param {Reprojector} [reprojector] */
function move(reprojector) {
  const context = /** @type {GPUCanvasContext} */ (
    /** @type {any} */ (canvases.avatar).getContext('webgpu')
  );
  if (motion) reprojector?.show(motion.mesh, context.getCurrentTexture(), look.sharpness);
}

/**
 * Shows the other backend's picture of the same drawing, and counts the values that differ, if asked to.
 *
 * @param {Backend} first
 * @param {Backend} second
 */
async function compared(first, second) {
  if (canvases.other) await second.show(drawing.canvas, { avatar: canvases.other }, look);
  if (!counts || first.size !== second.size) return;
  const [one, two] = [await first.pixels(drawing.canvas), await second.pixels(drawing.canvas)];
  let differing = 0;
  for (let i = 0; i < one.length; i++) if (one[i] !== two[i]) differing++;
  return { differing, of: (one.length / 4) * 3 };
}

/** @param {FrameMessage} frame */
function drop(frame) {
  scope.postMessage({ type: 'dropped', id: frame.id, landmarks: frame.landmarks }, [
    frame.landmarks.buffer,
  ]);
}

/** @param {any} error */
function report(error) {
  const { code, name, message } = error ?? {};
  post({ type: 'failed', code: code ?? name, message: message ?? `${error}` });
}

/** @param {object} message */
function post(message) {
  scope.postMessage(message);
}

scope.onmessage = async (/** @type {MessageEvent<any>} */ { data }) => {
  try {
    await /** @type {any} */ (tasks)[data.type](data);
  } catch (error) {
    report(error);
  }
};
