/** Fits and the training frame: as Python has them, in face/vectors.json and at random. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { LandmarkFilter } from '../../face/filter.js';
import { Fit, Similarity, TrainingFrame } from '../../face/procrustes.js';
import { PYTHON, ROOT } from './host.js';

const NEAR = 1e-9;
const read = (name) => JSON.parse(readFileSync(join(ROOT, 'face', name), 'utf8'));
const { fits, faces, filters } = read('vectors.json');
const framing = read('framing.json');
const frame = new TrainingFrame(framing);

for (const [name, fit] of Object.entries(fits))
  test(`the fit "${name}" of vectors.json is met`, () => checkFit(fit));

for (const [name, face] of Object.entries(faces))
  test(`the face "${name}" of vectors.json is placed as there`, () => checkFace(face));

for (const [name, { face, moments, sha256, last }] of Object.entries(filters))
  test(`the filter makes of "${name}" the bits that Python does`, () => {
    const { landmarks } = faces[face];
    const filter = new LandmarkFilter();
    const digest = createHash('sha256');
    let points;
    for (let k = 0; k < moments.length; k += 4) {
      const [time, scale, ...shift] = moments.slice(k, k + 4);
      points = Float32Array.from(landmarks, (v, i) => scale * v + (shift[i % 3] ?? 0));
      filter.apply(points, time);
      digest.update(new Uint8Array(points.buffer));
    }
    const shown = [1, 13, 159, 473].flatMap((i) => [...points.subarray(3 * i, 3 * i + 3)]);
    assertNear(shown, last);
    assert.equal(digest.digest('hex'), sha256);
  });

test('random fits and faces are as Python has them', () => {
  const options = { cwd: ROOT, maxBuffer: 1e8, encoding: 'utf8' };
  const random = JSON.parse(execFileSync(PYTHON, ['-m', 'tests.face.random_cases'], options));
  assert.ok(Object.keys(random.fits).length >= 400);
  assert.ok(Object.keys(random.faces).length >= 60);
  Object.values(random.fits).forEach(checkFit);
  Object.values(random.faces).forEach(checkFace);
});

test('what is passed to be written to is written to, and may be what is read', () => {
  const { landmarks, aspect, placed } = faces.turned;
  const own = Float64Array.from(landmarks);
  assert.equal(frame.place(own, aspect, own), own);
  assertNear(own, placed);
  const single = new Float32Array(landmarks.length);
  frame.place(landmarks, aspect, single);
  assert.deepEqual(single, Float32Array.from(frame.place(landmarks, aspect)));
  const similarity = new Similarity();
  assert.equal(frame.placement(landmarks, aspect, similarity), similarity);
  frame.placement(faces.photo.landmarks);
  assertNear(similarity.rotation, faces.turned.rotation);
});

test('the inverse undoes a similarity', () => {
  for (const { landmarks, aspect } of Object.values(faces)) {
    const similarity = frame.placement(landmarks, aspect);
    assertNear(similarity.inverse(similarity.forward(landmarks)), landmarks, 1e-12);
  }
});

test('a mirror image is met by a rotation', () => {
  const { source, target, weights } = fits.mirrored;
  const [a, b, c, d, e, f, g, h, i] = new Fit(source, weights).to(target).rotation;
  assertNear([a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)], [1]);
});

const CLOUD = [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, -1, 2, 2, 3];
const LINE = [1, 2, -1, 2, 4, -2, 3, 6, -3, 4, 8, -4, 9, 18, -9];
const EVEN = [1, 1, 1, 1, 1];
const OCTAHEDRON = [1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0, 0, -1, 0, 0, 0, -1];

for (const [what, source, target, weights, message] of [
  ['a line as the source', LINE, CLOUD, EVEN, /the source points lie on a line/],
  ['a line as the target', CLOUD, LINE, EVEN, /the target points lie on a line/],
  ['a line far away', CLOUD, LINE.map((x) => x + 1e8), EVEN, /the target points lie on a line/],
  ['one place', CLOUD, CLOUD.map(() => 0.1), EVEN, /the target points lie on a line/],
  ['a single point', [1, 2, 3], [4, 5, 6], [1], /the source points lie on a line/],
  ['NaN', CLOUD, CLOUD.with(4, NaN), EVEN, /aren't finite/],
  ['an infinite weight', CLOUD, CLOUD, EVEN.with(1, Infinity), /aren't finite/],
  ['a weight below 0', CLOUD, CLOUD, EVEN.with(1, -1), /weights are below 0/],
  ['no weight at all', CLOUD, CLOUD, [0, 0, 0, 0, 0], /weights are below 0, or all of them 0/],
  ['too few weights', CLOUD, CLOUD, [1, 1], /the source has 15 numbers, not 6/],
  ['a short target', CLOUD, [1, 2, 3], EVEN, /the target has 3 numbers, not 15/],
  [
    'a mirror image that any axis meets',
    OCTAHEDRON,
    OCTAHEDRON.map((x, i) => (i % 3 ? x : -x)),
    [...EVEN, 1],
    /less than two directions in common/,
  ],
])
  test(`${what} is refused`, () => {
    assert.throws(() => new Fit(source, weights).to(target), message);
  });

test('other numbers of landmarks have no frame', () => {
  assert.throws(() => frame.place([1, 2, 3]), /landmarks has the length 3, not 1434/);
});

test("a single broken number is refused, whether or not it is an anchor's", () => {
  const points = framing.anchors.map(({ landmark }) => landmark);
  assert.ok(!points.includes(0) && !points.includes(477));
  for (const landmark of [0, points[0], 477])
    for (const number of [NaN, Infinity, -Infinity]) {
      const broken = faces.photo.landmarks.with(3 * landmark + 1, number);
      assert.throws(() => frame.place(broken), /landmarks hold numbers that aren't finite/);
      assert.throws(() => frame.placement(broken), /landmarks hold numbers that aren't finite/);
    }
});

function checkFit({ source, target, weights, ...expected }) {
  const similarity = new Fit(source, weights).to(target);
  checkSimilarity(similarity, expected);
  assertNear(similarity.forward(source), expected.forward);
  assertNear(similarity.inverse(target), expected.inverse);
}

function checkFace({ landmarks, aspect, placed, ...expected }) {
  checkSimilarity(frame.placement(landmarks, aspect), expected);
  assertNear(frame.place(landmarks, aspect), placed);
}

function checkSimilarity(similarity, { scale, rotation, translation }) {
  assertNear([similarity.scale], [scale]);
  assertNear(similarity.rotation, rotation);
  assertNear(similarity.translation, translation);
}

function assertNear(values, expected, near = NEAR) {
  assert.equal(values.length, expected.length);
  const apart = Math.max(...Array.from(values, (value, i) => Math.abs(value - expected[i])));
  assert.ok(apart <= near, `${apart} apart`);
}
