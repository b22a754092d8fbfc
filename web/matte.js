/**
 * What hides the avatar's background: one colour, with the head and the body cut out of it.
 *
 * @import {Landmarks, Specification} from '../face/drawing.js'
 * @typedef {{format: number, body: number[][], hair: number[][]}} Outline  the content of outline.json
 */
import { fillHead } from '../face/drawing.js';
import { BACKGROUNDS } from './settings.js';

// Ink reaches a little beyond what it is around.
const MARGIN = 0.006;

/**
 * @param {OffscreenCanvasRenderingContext2D} context of a canvas as large as the avatar's
 * @param {Landmarks} landmarks
 * @param {Specification} specification
 * @param {Outline} outline
 * @param {string} background
 */
export function drawMatte(context, landmarks, specification, outline, background) {
  const { width: side } = context.canvas;
  context.globalCompositeOperation = 'copy';
  context.fillStyle = BACKGROUNDS[background];
  context.fillRect(0, 0, side, side);
  context.globalCompositeOperation = 'destination-out';
  context.fillStyle = context.strokeStyle = '#000';
  fillHead(context, landmarks, specification, outline.hair, MARGIN);
  context.beginPath();
  for (const [x, y] of outline.body) context.lineTo(x * side, y * side);
  context.closePath();
  context.fill();
  context.stroke();
}
