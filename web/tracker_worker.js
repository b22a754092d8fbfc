/**
 * Finds the landmarks of the largest face in a picture, off the page's own thread: MediaPipe's face
 * landmarker, which looks at every picture for itself (its video mode smooths; filter.js does that here).
 *
 * @typedef {{type: 'found', time: number, aspect: number, landmarks?: Float32Array, faces: number, detect:
 *   number}} Found of the picture of that time: 478 * 3 numbers, fractions of the picture, y down; none
 *   where there is no face
 */

import { largest } from './faces.js';

const FACES = 3;
const LANDMARKS = 478;
/** @type {any} */
const scope = globalThis;
/** @type {any} */
let landmarker;
/** @type {Float32Array | undefined} */
let spare;

const tasks = {
  async open(/** @type {any} */ { site, delegate }) {
    const at = (/** @type {string} */ file) => new URL(`mediapipe/${file}`, site).href;
    const { FaceLandmarker, FilesetResolver } = await import(at('vision_bundle.mjs'));
    const files = await FilesetResolver.forVisionTasks(at('wasm'), true);
    const started = performance.now();
    landmarker = await FaceLandmarker.createFromOptions(files, {
      baseOptions: { modelAssetPath: at('face_landmarker.task'), delegate },
      runningMode: 'IMAGE',
      numFaces: FACES,
    });
    scope.postMessage({ type: 'ready', ms: performance.now() - started });
  },

  frame(/** @type {any} */ { picture, time, spare: returned }) {
    spare = returned ?? spare;
    const width = picture.displayWidth ?? picture.width;
    const height = picture.displayHeight ?? picture.height;
    const started = performance.now();
    let faces;
    try {
      faces = landmarker.detect(picture).faceLandmarks;
    } finally {
      picture.close();
    }
    const detect = performance.now() - started;
    const face = largest(faces);
    const found = { type: 'found', time, aspect: width / height, faces: faces.length, detect };
    if (!face) return scope.postMessage(found);
    const landmarks = spare ?? new Float32Array(3 * LANDMARKS);
    spare = undefined;
    for (let i = 0; i < LANDMARKS; i++) {
      const { x, y, z } = face[i];
      landmarks[3 * i] = x;
      landmarks[3 * i + 1] = y;
      landmarks[3 * i + 2] = z;
    }
    scope.postMessage({ ...found, landmarks }, [landmarks.buffer]);
  },
};

scope.onmessage = async (/** @type {MessageEvent<any>} */ { data }) => {
  try {
    await /** @type {any} */ (tasks)[data.type](data);
  } catch (error) {
    const { message } = /** @type {any} */ (error) ?? {};
    scope.postMessage({ type: 'failed', message: message ?? `${error}`, time: data.time });
  }
};
