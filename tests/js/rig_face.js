/** Faces for the rig's tests, and what their numbers are held against. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { Head, rotationOf } from '../../face/head.js';
import { Similarity, TrainingFrame, UPRIGHT } from '../../face/procrustes.js';
import { Rig } from '../../web/rig/rig.js';
import { between, numbers } from '../../web/rig/random.js';

const read = (name) => JSON.parse(readFileSync(new URL(`../../face/${name}`, import.meta.url)));
export const expressions = read('expressions.json');
export const framing = read('framing.json');
const vectors = read('vectors.json');
export const LENGTH = 478 * 3;
export const random = numbers(20);
export const somewhere = (least, most) => between(random, least, most);

/** A rig that does nothing by itself. */
export function stillRig() {
  const rig = new Rig(expressions, framing);
  for (const name in rig.levels) rig.levels[name] = 0;
  return rig;
}

/** The renderer's face, as the generator's frame has it. */
export const face = (given = {}) =>
  new Head(expressions, framing).landmarks(
    { expression: {}, gaze: [0, 0], pose: [0, 0, 0], ...given },
    new Float64Array(LENGTH),
  );

/** A face of a photograph, as the generator's frame has it. */
export const person = () => {
  const { landmarks, aspect } = vectors.faces.photo;
  return new TrainingFrame(framing).place(landmarks, aspect);
};

/** From upright landmarks to those of a picture, or back. */
export const flipped = (points) => Float64Array.from(points, (x, i) => UPRIGHT[i % 3] * x);

/** A similarity as a head in a frame may have it, of upright landmarks. */
export function randomPlacement() {
  const placement = new Similarity();
  placement.scale = somewhere(0.3, 3);
  rotationOf([somewhere(-60, 60), somewhere(-80, 80), somewhere(-180, 180)], placement.rotation);
  for (let k = 0; k < 3; k++) placement.translation[k] = somewhere(-2, 2);
  return placement;
}

/** Landmarks that a similarity has moved. */
export const moved = (landmarks, placement) => flipped(placement.forward(flipped(landmarks)));

export const apart = (a, b) => {
  assert.equal(a.length, b.length);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
};

export function assertNear(a, b, near = 1e-6) {
  const most = apart(a, b);
  assert.ok(most <= near, `${most} apart`);
}

/**
 * Asserts that a frame leaves nothing but the numbers that V8 boxes where functions hand them on: an array or a
 * closure would be as much again. Of some runs the least counts: a compiler that finishes meanwhile allocates as well.
 */
export function assertMakesNoObject(frame) {
  const run = (frames) => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < frames; i++) frame();
    return process.memoryUsage().heapUsed - before;
  };
  run(8000);
  const bytes = Math.min(...Array.from({ length: 10 }, () => Math.abs(run(500)))) / 500;
  assert.ok(bytes < 400, `${bytes} bytes a frame`);
}
