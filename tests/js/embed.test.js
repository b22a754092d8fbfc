/** What `onnx2wgsl embed` writes, opened in Chromium: from disk and from a server, with the bits of its results. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import {
  launchChromium,
  PICTURE,
  pixelsOf,
  PYTHON,
  ROOT,
  serve,
  smallModel,
  temporaryFolder,
} from './host.js';

const HOME = temporaryFolder();
const GENERATOR = smallModel('small');
const CLASSIFIER = join(ROOT, 'tests/data/quark/mobilenet_v1_0.25_s8s8_aaws.onnx');
const IDS = join(ROOT, 'tests/data/cases/verify_int64_input.onnx');
const results = {};
let browser;
let host;

function onnx2wgsl(...args) {
  const command = ['-m', 'onnx2wgsl.compiler', ...args];
  return execFileSync(PYTHON, command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The folder with what the Python runtime makes of the picture. */
function resultsOf(source, name) {
  const folder = join(HOME, `${name}-compiled`);
  const made = join(HOME, `${name}-results`);
  if (source.endsWith('.onnx')) onnx2wgsl('compile', source, '-o', folder);
  const artifact = source.endsWith('.onnx') ? folder : source;
  onnx2wgsl('run', artifact, '--input', PICTURE, '--output-dir', made);
  return made;
}

before(async () => {
  for (const [name, source] of Object.entries({
    generator: GENERATOR,
    classes: CLASSIFIER,
    ids: IDS,
  })) {
    onnx2wgsl('embed', source, '-o', join(HOME, `${name}.html`), '--single-file');
    onnx2wgsl('embed', source, '-o', join(HOME, name));
  }
  results.generator = resultsOf(GENERATOR, 'generator');
  results.classes = resultsOf(CLASSIFIER, 'classes');
  host = await serve(['generator', 'classes', 'ids'].map((name) => join(HOME, name)));
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  host?.close();
});

/** Opens a page and gives it the picture, where it takes one; what it then shows. */
async function shown(address, picture) {
  const page = await browser.newPage();
  const said = [];
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', ({ message }) => said.push(message));
  const requests = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(address);
  if (picture) {
    await page.waitForSelector('text=/^Ready on/', { timeout: 60_000 });
    await page.setInputFiles('#file', picture);
  }
  await page.waitForFunction(
    () => !/^(Loading|Ready)/.test(document.getElementById('text').textContent),
  );
  const text = await page.textContent('#text');
  return { page, text, requests, said };
}

for (const [where, addressOf] of [
  ['from disk', (name) => pathToFileURL(join(HOME, `${name}.html`)).href],
  ['from a server', (name) => host.url(['generator', 'classes', 'ids'].indexOf(name))],
])
  describe(`a page ${where}`, () => {
    test('is secure, and has what it needs', async () => {
      const page = await browser.newPage();
      await page.goto(addressOf('ids'));
      const has = await page.evaluate(() => [isSecureContext, !!navigator.gpu, !!crypto.subtle]);
      assert.deepEqual(has, [true, true, true]);
      await page.close();
    });

    test('shows the picture that the model makes, to the bit', async () => {
      const { page, text, requests, said } = await shown(addressOf('generator'), PICTURE);
      assert.equal(text, 'Done');
      assert.deepEqual(said, []);
      if (where === 'from disk') assert.deepEqual(requests, [addressOf('generator')]);
      // On whole pixels of the screen.
      await page.addStyleTag({ content: 'canvas { position: fixed; left: 0; top: 0 }' });
      const shot = await page.locator('canvas').screenshot({ scale: 'css' });
      const pixels = await pixelsOf(page, shot);
      const [file] = readdirSync(results.generator).filter((name) => name.endsWith('.png'));
      const expected = await pixelsOf(page, readFileSync(join(results.generator, file)));
      assert.deepEqual(pixels, expected);
      await page.close();
    });

    test('shows the classes of a picture, to the bit', async () => {
      const file = readFileSync(join(results.classes, 'output.npy'));
      const values = new Float32Array(Uint8Array.from(file.subarray(-400)).buffer);
      const best = Array.from(values, (value, index) => ({ value, index }))
        .sort((a, b) => b.value - a.value)
        .slice(0, 5);
      const { page, text, said } = await shown(addressOf('classes'), PICTURE);
      assert.deepEqual(said, []);
      assert.deepEqual(
        text.split('\n').map((line) => Number(line.split(': ')[1])),
        best.map(({ value }) => value),
      );
      assert.equal(text.split('\n')[0], `class ${best[0].index}: ${best[0].value}`);
      await page.close();
    });

    test('runs a model that takes no picture', async () => {
      const { page, text, said } = await shown(addressOf('ids'));
      assert.match(text, /^\w+: -?\d[\d. e-]* …$/);
      assert.deepEqual(said, []);
      await page.close();
    });
  });

test('a file that is no picture is told of, and the page goes on', async () => {
  const address = pathToFileURL(join(HOME, 'classes.html')).href;
  const { page, text } = await shown(address, {
    name: 'a.png',
    mimeType: 'image/png',
    buffer: Buffer.from('no'),
  });
  assert.match(text, /input/i);
  await page.setInputFiles('#file', PICTURE);
  await page.waitForSelector('text=/^class/');
  await page.close();
});
