/**
 * Where the page's pictures come from: files, addresses, a webcam, a drawing.
 *
 * @typedef {ImageBitmap | HTMLVideoElement | OffscreenCanvas} Picture
 */
import { messageOf } from './errors.js';

/**
 * A file as something that can be drawn; a video plays.
 *
 * @param {Blob} file
 * @returns {Promise<Picture>}
 */
export async function opened(file) {
  if (!file.type.startsWith('video/'))
    return createImageBitmap(file, { premultiplyAlpha: 'none' }).catch(() => {
      throw new Error('This file is not a picture that the browser can read: choose another.');
    });
  const video = document.createElement('video');
  video.src = URL.createObjectURL(file);
  video.loop = true;
  return playing(video).catch(() => {
    throw new Error(
      "The browser can't play this video, or the page's policy keeps it from blob: addresses.",
    );
  });
}

/**
 * What lies at an address.
 *
 * @param {string} address
 */
export async function fetched(address) {
  const response = await fetch(address).catch((error) => {
    throw new Error(
      `${address} can't be read (${messageOf(error)}): is it right, and does its server allow other sites (CORS)?`,
    );
  });
  if (!response.ok) throw new Error(`${address} can't be read: HTTP status ${response.status}.`);
  return opened(await response.blob());
}

/** The picture of a webcam. */
export async function webcam() {
  const media = navigator.mediaDevices;
  if (!media) throw new Error('Webcams need a secure page: https, or this machine.');
  const video = document.createElement('video');
  video.srcObject = await media.getUserMedia({ video: true }).catch((error) => {
    throw new Error(
      `There is no picture from a webcam (${messageOf(error)}): allow it, then try again.`,
    );
  });
  return playing(video);
}

/** @param {HTMLVideoElement} video */
async function playing(video) {
  Object.assign(video, { muted: true, playsInline: true });
  await video.play();
  return video;
}

/**
 * Frees what a picture holds.
 *
 * @param {Picture | undefined} picture
 */
export function close(picture) {
  if (!(picture instanceof HTMLVideoElement)) return;
  picture.pause();
  const { srcObject, src } = picture;
  if (srcObject instanceof MediaStream) for (const track of srcObject.getTracks()) track.stop();
  else URL.revokeObjectURL(src);
}

/**
 * A drawing to show a model on that brought no sample: a face, of sorts, before a sky.
 *
 * @param {number} width
 * @param {number} height
 */
export function drawing(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const sky = context.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, '#4a7fd1');
  sky.addColorStop(1, '#f2c9a0');
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  const unit = Math.min(width, height) / 20;
  context.translate(width / 2, height / 2);
  const disc = (/** @type {string} */ colour, /** @type {number[]} */ [x, y, across, down]) => {
    context.fillStyle = colour;
    context.beginPath();
    context.ellipse(x * unit, y * unit, across * unit, down * unit, 0, 0, 2 * Math.PI);
    context.fill();
  };
  disc('#5b3a29', [0, -1.5, 6, 6.5]);
  disc('#e8b48c', [0, 0, 5, 6.5]);
  for (const side of [-1, 1]) {
    disc('#fff', [2 * side, -1, 1.1, 0.8]);
    disc('#24405c', [2 * side, -1, 0.6, 0.6]);
  }
  disc('#c98a66', [0, 1, 0.6, 1]);
  disc('#a8443e', [0, 3.6, 1.8, 0.6]);
  return canvas;
}
