/**
 * Where faces come from: a camera, a video or a picture of the visitor. Each hands its pictures to the
 * tracker, the newest first, and none is ever queued.
 *
 * @import {Still} from './tracker.js'
 * @typedef {(take: () => Still | Promise<Still>, time: number) => void} Seen
 * @typedef {{kind: 'camera' | 'video' | 'picture', element: HTMLVideoElement | HTMLCanvasElement, label:
 *   string, stream?: MediaStream, pause(): void, resume(): void, close(): void}} Source  `element` shows
 *   what it sees
 */

const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const PICTURE_MS = 500;
const LARGEST = 1280;

/** Why a camera, a file or a recording does not come, as strings.js has it. */
export class SourceError extends Error {
  /**
   * @param {'insecure' | 'refused' | 'absent' | 'busy' | 'unplugged' | 'unreadable' | 'unsupported' |
   *   'microphone' | 'unrecorded' | 'page'} code
   * @param {string} [detail]
   */
  constructor(code, detail = '') {
    super(detail);
    this.name = 'SourceError';
    this.code = code;
  }
}

/**
 * @param {Seen} seen
 * @param {(error: SourceError) => void} ended is told when the camera goes away
 * @param {string} [deviceId]
 * @returns {Promise<Source>}
 * @throws {SourceError}
 */
export async function openCamera(seen, ended, deviceId) {
  if (!globalThis.isSecureContext) throw new SourceError('insecure');
  if (!navigator.mediaDevices?.getUserMedia) throw new SourceError('unsupported');
  let stream;
  try {
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: 'user' };
    stream = await navigator.mediaDevices.getUserMedia({
      video: { ...SIZE, ...which },
      audio: false,
    });
  } catch (error) {
    const { name, message } = /** @type {any} */ (error);
    if (/NotAllowed|Security/.test(name)) throw new SourceError('refused', message);
    if (/NotFound|Overconstrained/.test(name)) throw new SourceError('absent', message);
    throw new SourceError('busy', message);
  }
  const video = await playing(stream);
  const [track] = stream.getVideoTracks();
  track.addEventListener('ended', () => ended(new SourceError('unplugged')));
  const loop = watch(video, seen);
  return {
    kind: 'camera',
    element: video,
    label: track.label,
    stream,
    ...loop,
    close() {
      loop.pause();
      for (const one of stream.getTracks()) one.stop();
      video.srcObject = null;
    },
  };
}

/**
 * A file of the visitor's: a video that repeats, or a picture.
 *
 * @param {File} file
 * @param {Seen} seen
 * @returns {Promise<Source>}
 */
export async function openFile(file, seen) {
  if (file.type.startsWith('video/')) return openVideo(file, seen);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch (error) {
    throw new SourceError('unreadable', file.name);
  }
  // No larger than the tracker sees anything more in.
  const shrink = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * shrink));
  canvas.height = Math.max(1, Math.round(bitmap.height * shrink));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const look = () => seen(() => createImageBitmap(canvas), performance.now());
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  const pause = () => clearInterval(timer);
  const resume = () => {
    pause();
    timer = setInterval(look, PICTURE_MS);
    look();
  };
  resume();
  return { kind: 'picture', element: canvas, label: file.name, pause, resume, close: pause };
}

/** @type {(file: File, seen: Seen) => Promise<Source>} */
async function openVideo(file, seen) {
  const url = URL.createObjectURL(file);
  let video;
  try {
    video = await playing(url);
  } catch {
    URL.revokeObjectURL(url);
    throw new SourceError('unreadable', file.name);
  }
  video.loop = true;
  const loop = watch(video, seen);
  return {
    kind: 'video',
    element: video,
    label: file.name,
    pause() {
      loop.pause();
      video.pause();
    },
    resume() {
      video.play().catch(() => {});
      loop.resume();
    },
    close() {
      loop.pause();
      video.pause();
      video.removeAttribute('src');
      video.load();
      URL.revokeObjectURL(url);
    },
  };
}

/** A video element that plays. @param {MediaStream | string} from */
async function playing(from) {
  const video = document.createElement('video');
  video.muted = video.playsInline = true;
  if (typeof from === 'string') video.src = from;
  else video.srcObject = from;
  await video.play();
  return video;
}

/**
 * Hands each new frame of a video on.
 *
 * @param {HTMLVideoElement} video
 * @param {Seen} seen
 */
function watch(video, seen) {
  const perFrame = 'requestVideoFrameCallback' in HTMLVideoElement.prototype;
  let running = false;
  let handle = 0;
  let lastTime = -1;
  const take = () =>
    'VideoFrame' in globalThis ? new VideoFrame(video) : createImageBitmap(video);
  const request = () => {
    handle = perFrame ? video.requestVideoFrameCallback(step) : requestAnimationFrame(step);
  };
  const step = (/** @type {number} */ now) => {
    if (!running) return;
    if (perFrame || video.currentTime !== lastTime) {
      lastTime = video.currentTime;
      if (video.readyState >= 2 && video.videoWidth) seen(take, now);
    }
    request();
  };
  const pause = () => {
    running = false;
    if (perFrame) video.cancelVideoFrameCallback(handle);
    else cancelAnimationFrame(handle);
  };
  const resume = () => {
    if (running) return;
    running = true;
    request();
  };
  resume();
  return { pause, resume };
}
