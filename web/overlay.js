/**
 * The source with the landmarks that were found in it.
 *
 * @import {Source} from './sources.js'
 */

const COLOR = '#5be0a0';
const HEIGHT = 240;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Source} source
 * @param {Float32Array | undefined} landmarks fractions of the picture
 */
export function drawOverlay(canvas, { element }, landmarks) {
  const [width, height] =
    element instanceof HTMLVideoElement
      ? [element.videoWidth, element.videoHeight]
      : [element.width, element.height];
  if (!width || !height) return;
  const across = Math.round((HEIGHT * width) / height);
  if (canvas.width !== across || canvas.height !== HEIGHT)
    Object.assign(canvas, { width: across, height: HEIGHT });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.drawImage(element, 0, 0, across, HEIGHT);
  if (!landmarks) return;
  context.fillStyle = COLOR;
  for (let i = 0; i < landmarks.length; i += 3)
    context.fillRect(landmarks[i] * across - 0.75, landmarks[i + 1] * HEIGHT - 0.75, 1.5, 1.5);
}
