/** What a visitor takes along: a snapshot, a picture-in-picture; recording.js has the third. */

/** Of a stream of a canvas, a second at most. */
export const FRAMES = 30;

/**
 * Saves what a canvas shows.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 */
export async function snapshot(canvas, name) {
  const copy = document.createElement('canvas');
  copy.width = canvas.width;
  copy.height = canvas.height;
  /** @type {CanvasRenderingContext2D} */ (copy.getContext('2d')).drawImage(canvas, 0, 0);
  const blob = await new Promise((resolve) => copy.toBlob(resolve, 'image/png'));
  save(/** @type {Blob} */ (blob), `${name}.png`);
}

/**
 * Shows a canvas in a window of its own, above all others; or ends that.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLVideoElement} video hidden, in the page
 */
export async function togglePictureInPicture(canvas, video) {
  if (document.pictureInPictureElement) return document.exitPictureInPicture();
  if (!video.srcObject) video.srcObject = canvas.captureStream(FRAMES);
  video.muted = true;
  await video.play();
  await video.requestPictureInPicture();
}

/**
 * Hands a file to the browser's downloads.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
