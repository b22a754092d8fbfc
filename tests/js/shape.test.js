/** A person's shape that gives way, in a page: what a slider leaves of it, and what a frame leaves to the collector. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FaceShape } from '../../face/shape.js';
import {
  apart,
  assertMakesNoObject,
  assertNear,
  expressions,
  face,
  framing,
  person,
} from './rig_face.js';

const shown = (shape, landmarks, time = 0) => {
  const out = Float64Array.from(landmarks);
  shape.apply(out, time);
  return out;
};

test('the canonical face stays as it is, a person does not', () => {
  const shape = new FaceShape(expressions, framing);
  assertNear(shown(shape, face()), face(), 1e-12);
  shape.reset();
  assert.ok(apart(shown(shape, person()), person()) > 0.005);
});

test('of a person’s own shape as much stays as is asked for', () => {
  const shape = new FaceShape(expressions, framing);
  const none = shown(shape, person());
  shape.likeness = 0.5;
  const half = shown(shape, person());
  shape.likeness = 1;
  assert.deepEqual(shown(shape, person()), Float64Array.from(person()));
  assertNear(
    half,
    none.map((x, i) => (x + person()[i]) / 2),
    1e-12,
  );
});

test('after a reset the next face is another one’s', () => {
  const shape = new FaceShape(expressions, framing);
  for (let i = 0; i < 500; i++) shown(shape, person(), 40 * i);
  const before = shown(shape, face(), 40 * 500);
  assert.ok(apart(before, face()) > 0.005);
  shape.reset();
  assertNear(shown(shape, face(), 40 * 501), face(), 1e-12);
});

test('a frame makes no array', () => {
  const shape = new FaceShape(expressions, framing);
  const landmarks = Float32Array.from(person());
  let now = 0;
  assertMakesNoObject(() => shape.apply(landmarks, (now += 25)));
});
