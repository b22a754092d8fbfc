/** The drawing of landmarks on Chromium's canvas is the one that Python makes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launchChromium, PYTHON, ROOT, serve, temporaryFolder } from './host.js';

const FOLDER = join(ROOT, 'trainer/landmarks');
const SPECIFICATION = JSON.parse(readFileSync(join(FOLDER, 'drawing.json'), 'utf8'));
/** How far the drawings may be apart, by size: what anti-aliasing makes, and a little more. */
const BOUNDS = {
  128: { mean: 1.5, far: 0.015, square: 18 },
  256: { mean: 1.0, far: 0.01, square: 16 },
  512: { mean: 0.8, far: 0.01, square: 13 },
};
const FACES = ['frontal', 'profile'];
const work = temporaryFolder();
/** 478 rows of x, y, z by face. */
const landmarks = {};
let browser, page, server;

before(async () => {
  const photo = join(ROOT, 'models/pictures/astronaut_landmarks.npy');
  python(photo, '-o', join(work, 'placed'), '--npy');
  landmarks.frontal = readNpy(join(work, 'placed/astronaut_landmarks.npy'));
  landmarks.profile = landmarks.frontal.map((point) => turned(point, 42));
  const files = FACES.map((face) => writeNpy(join(work, `${face}.npy`), landmarks[face]));
  for (const size of Object.keys(BOUNDS))
    python(...files, '-o', join(work, size), '--size', size, '--no-align');
  server = await serve([FOLDER, work, join(ROOT, 'tests/js')]);
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(server.origin);
});

after(async () => {
  await browser?.close();
  server?.close();
});

for (const face of FACES)
  for (const size of Object.keys(BOUNDS).map(Number))
    test(`${face} at ${size}: within anti-aliasing`, async () => {
      const apart = await difference(face, size);
      assert.ok(agrees(apart, size), JSON.stringify(apart));
    });

test('no layer can be missing', async () => {
  for (const [i, layer] of SPECIFICATION.layers.entries()) {
    const layers = SPECIFICATION.layers.filter((_, j) => j !== i);
    const apart = await difference('frontal', 512, { layers });
    assert.ok(!agrees(apart, 512), JSON.stringify({ layer, apart }));
  }
});

test('no colour can be that of the other side', async () => {
  const { layers } = SPECIFICATION;
  const right = layers.findIndex((layer) => layer.loops?.includes('eye_right'));
  const left = layers.findIndex((layer) => layer.loops?.includes('eye_left'));
  assert.equal(left - right, layers.length - left, 'the layers of an eye and its brow');
  for (let i = right; i < left; i++) {
    const { fill, stroke } = layers[i + left - right];
    const colour = fill ? { fill } : { stroke };
    const wrong = layers.map((layer, j) => (j === i ? { ...layer, ...colour } : layer));
    if (JSON.stringify(wrong) === JSON.stringify(layers)) continue; // both pupils are black
    const apart = await difference('frontal', 512, { layers: wrong });
    assert.ok(!agrees(apart, 512), JSON.stringify({ layer: layers[i], apart }));
  }
});

test('rows of numbers and a flat array draw the same', async () => {
  const same = await inPage(
    async ({ url, ...given }) => {
      const { drawn } = await import(url);
      const [rows, flat] = [await drawn(given), await drawn({ ...given, flat: true })];
      return rows.some(Boolean) && rows.every((value, i) => value === flat[i]);
    },
    drawing('frontal', 64),
  );
  assert.ok(same);
});

test('too few landmarks and a canvas that is not square are refused', async () => {
  const draw = async ({ url, ...given }) => void (await (await import(url)).drawn(given));
  const few = { ...drawing('frontal', 64), points: [[0, 0, 0]] };
  await assert.rejects(inPage(draw, few), /landmarks has the length 1; a drawing needs 478/);
  const high = { ...drawing('frontal', 64), height: 65 };
  await assert.rejects(inPage(draw, high), /The canvas is 64x65; a drawing is square/);
});

const inPage = (run, given) =>
  page.evaluate(run, { url: `${server.url(2)}landmarks_page.js`, ...given });

function drawing(face, size, changes = {}) {
  const specification = { ...SPECIFICATION, ...changes };
  return { module: `${server.url(0)}drawing.js`, points: landmarks[face], specification, size };
}

/** How far Chromium's drawing is from Python's; `changes` replace parts of the specification. */
function difference(face, size, changes) {
  const picture = `${server.url(1)}${size}/${face}.png`;
  return inPage(async ({ url, ...given }) => (await import(url)).difference(given), {
    ...drawing(face, size, changes),
    picture,
  });
}

const agrees = (apart, size) =>
  Object.entries(BOUNDS[size]).every(([name, bound]) => apart[name] <= bound);

function python(...args) {
  execFileSync(PYTHON, ['-m', 'onnx2wgsl.trainer', 'landmarks', ...args], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** A point turned to the side around the middle of the frame. */
function turned([x, y, z], degrees) {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [0.5 + (x - 0.5) * c - z * s, y, (x - 0.5) * s + z * c];
}

function readNpy(path) {
  const file = readFileSync(path);
  const at = (i) => file.readFloatLE(10 + file.readUInt16LE(8) + 4 * i);
  return Array.from({ length: 478 }, (_, i) => [at(3 * i), at(3 * i + 1), at(3 * i + 2)]);
}

function writeNpy(path, points) {
  const description = "{'descr': '<f4', 'fortran_order': False, 'shape': (478, 3), }";
  const header = Buffer.from(`${description.padEnd(117)}\n`);
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0]);
  const values = Buffer.from(Float32Array.from(points.flat()).buffer);
  writeFileSync(path, Buffer.concat([start, header, values]));
  return path;
}
