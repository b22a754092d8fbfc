/** The drawing of landmarks on Chromium's canvas is the one that Python makes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launchChromium, PYTHON, ROOT, serve, temporaryFolder } from './host.js';

const FOLDER = join(ROOT, 'face');
const SPECIFICATION = readJson('drawing.json');
const { faces, drawings } = readJson('vectors.json');
/** How far the drawings may be apart, by size: what anti-aliasing makes, and a little more. */
const BOUNDS = {
  128: { mean: 1.5, far: 0.015, square: 18 },
  256: { mean: 1.0, far: 0.01, square: 16 },
  512: { mean: 0.8, far: 0.01, square: 13 },
};
const work = temporaryFolder();
let browser, page, server;

before(async () => {
  const module = ['-m', 'tests.face.pictures', work, ...Object.keys(BOUNDS)];
  execFileSync(PYTHON, module, { cwd: ROOT, stdio: 'inherit' });
  server = await serve([FOLDER, work, join(ROOT, 'tests/js')]);
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(server.origin);
});

after(async () => {
  await browser?.close();
  server?.close();
});

for (const face of Object.keys(faces))
  for (const size of Object.keys(BOUNDS).map(Number))
    test(`${face} at ${size}: within anti-aliasing`, async () => {
      const apart = await difference(face, size);
      assert.ok(agrees(apart, size), JSON.stringify(apart));
    });

test('no layer can be missing', async () => {
  for (const [i, layer] of SPECIFICATION.layers.entries()) {
    const layers = SPECIFICATION.layers.filter((_, j) => j !== i);
    const apart = await difference('photo', 512, { layers });
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
    const apart = await difference('photo', 512, { layers: wrong });
    assert.ok(!agrees(apart, 512), JSON.stringify({ layer: layers[i], apart }));
  }
});

for (const [name, { face, size, pixels }] of Object.entries(drawings))
  test(`${name}: what lies within areas has the colour that vectors.json says`, async () => {
    const colours = await inPage(async ({ url, ...given }) => (await import(url)).colours(given), {
      ...drawing(face, size),
      places: Object.values(pixels),
    });
    assert.deepEqual(colours, Object.entries(pixels).map(repeated));
  });

test('rows of numbers and a flat array draw the same', async () => {
  const same = await inPage(
    async ({ url, ...given }) => {
      const { drawn } = await import(url);
      const rows = Array.from({ length: 478 }, (_, i) => given.points.slice(3 * i, 3 * i + 3));
      const [a, b] = [await drawn(given), await drawn({ ...given, points: rows })];
      return a.some(Boolean) && a.every((value, i) => value === b[i]);
    },
    drawing('photo', 64),
  );
  assert.ok(same);
});

test('too few landmarks and a canvas that is not square are refused', async () => {
  const draw = async ({ url, ...given }) => void (await (await import(url)).drawn(given));
  const few = { ...drawing('photo', 64), points: [[0, 0, 0]] };
  await assert.rejects(inPage(draw, few), /landmarks has the length 1; a drawing needs 478/);
  const high = { ...drawing('photo', 64), height: 65 };
  await assert.rejects(inPage(draw, high), /The canvas is 64x65; a drawing is square/);
});

const inPage = (run, given) =>
  page.evaluate(run, { url: `${server.url(2)}drawing_page.js`, ...given });

function drawing(face, size, changes = {}) {
  const specification = { ...SPECIFICATION, ...changes };
  return { module: `${server.url(0)}drawing.js`, points: faces[face].placed, specification, size };
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

/** The colour of each place, from its list of x and y. */
function repeated([colour, places]) {
  return Array(places.length / 2).fill(colour);
}

function readJson(name) {
  return JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
}
