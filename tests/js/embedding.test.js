/** Runs every piece of code of docs/embedding.md, as a reader would: in pages, in a worker, built by Vite, in Node. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import * as errors from '../../runtime_js/errors.js';
import {
  film,
  fixtureFolder,
  launchChromium,
  nodeAdapter,
  PICTURE,
  pixelsOf,
  ROOT,
  serve,
  temporaryFolder,
} from './host.js';

const DOCUMENT = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
const MODULES = join(ROOT, 'node_modules');
/** The code, by the section that it is in and what its fence says. */
const BLOCKS = DOCUMENT.split(/^## /m).flatMap((section) =>
  Array.from(section.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms), ([, language, how, text]) => ({
    section: section.slice(0, section.indexOf('\n')),
    language,
    how,
    text,
  })),
);
const PARTS =
  '<!doctype html><title>parts</title><link rel="icon" href="icon.svg"><img src="picture.jpg">' +
  '<video src="clip.webm" muted loop></video><canvas width="64" height="64"></canvas>';
const THREE = `<script type="importmap">{"imports": {"three/webgpu": "./three/three.webgpu.js"}}</script>`;
/** What `compile` writes for the fixture. */
const MODEL_TYPES = `export type Model = {
  inputs: [{ name: "input"; dtype: "float32"; shape: [1, 3, 8, 8]; image: { size: [8, 8]; channels: "rgb";
    fit: "cover"; scale: number[]; offset: number[]; pad: number[] } }];
  outputs: [{ name: "output"; dtype: "float32"; shape: [1, 3, 8, 8]; image: { scale: number; offset: number } }];
};`;
const WEBCAM = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const STRICT = { 'content-security-policy': "default-src 'self'" };
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const site = temporaryFolder();
let browser;
let host;

before(async () => {
  cpSync(fixtureFolder(), join(site, 'model'), { recursive: true });
  copyFileSync(join(site, 'model/icon.svg'), join(site, 'icon.svg'));
  copyFileSync(join(dirname(PICTURE), 'astronaut.jpg'), join(site, 'picture.jpg'));
  cpSync(join(MODULES, 'three/build'), join(site, 'three'), { recursive: true });
  writeFileSync(join(site, 'parts.html'), PARTS);
  writeFileSync(join(site, 'three.html'), PARTS + THREE);
  for (const [i, { language, how, text }] of BLOCKS.entries())
    writeFileSync(join(site, how.endsWith('.js') ? how : `block_${i}.${language}`), text);
  host = await serve([site, join(site, 'app/dist')]);
  browser = await launchChromium(WEBCAM);
  const page = await browser.newPage();
  await page.goto(host.origin);
  writeFileSync(join(site, 'clip.webm'), await film(page));
  await page.close();
});

after(async () => {
  await browser?.close();
  host?.close();
});

/** A page of the site, with what its console said; every answer has these headers. */
async function openPage(name, headers = {}) {
  const page = await browser.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', ({ message }) => said.push(message));
  await page.route('**/*', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), ...headers } });
  });
  await page.goto(new URL(name, host.url(0)).href);
  return { page, said };
}

/** The RGBA bytes that are seen of an element. */
async function seen(page, selector) {
  return pixelsOf(page, await page.locator(selector).screenshot());
}

/** How many colours an element shows. */
async function coloursOf(page, selector) {
  return new Set(new Uint32Array((await seen(page, selector)).buffer)).size;
}

/** Until the canvas has more than one colour: what goes on by itself has begun. */
async function drawn(page) {
  for (let i = 0; i < 100; i++) {
    if ((await coloursOf(page, 'canvas')) > 4) return;
    await page.waitForTimeout(100);
  }
  assert.fail('nothing is drawn');
}

/** Runs a block as a module of the page: all of it, or it throws. */
function runBlock(page, i) {
  return page.evaluate(async (url) => void (await import(url)), `${host.url(0)}block_${i}.js`);
}

const CHECKS = {
  Picture: ({ page }) => drawn(page),
  Video: ({ page }) => drawn(page),
  Webcam: ({ page }) => drawn(page),
  'three.js': ({ page }) => drawn(page),
  Masks: async ({ page }) => {
    // Class 2, green behind an alpha of 160, wins everywhere; the page is white.
    const [red, green, blue] = await seen(page, 'canvas');
    assert.ok(Math.abs(red - 95) < 2 && Math.abs(green - 175) < 2 && Math.abs(blue - 95) < 2);
  },
  Worker: async ({ page, said }) => {
    assert.deepEqual(said, ['drawn']);
    await drawn(page);
  },
  'Values, and classes': ({ said }) => assert.match(said.join(), /^\d+ 0?[.]?\d+/),
  'Without WebGPU': ({ said }) => assert.deepEqual(said, ['webgpu']),
  'Buffers, on a device of your own': ({ said }) => assert.deepEqual(said, ['768']),
  Errors: ({ said }) => assert.match(said.at(-1), /^missing-file Cannot read http/),
  'Cache, and offline': async ({ page, said }, i) => {
    assert.equal(said.at(-1), '100 %');
    await page.route('**/*', (route) => route.abort());
    await page.evaluate(async () => {
      const { createSession } = await import('./model/runtime.js');
      await createSession('./model/', { cache: 'models' });
    });
  },
};

for (const [i, { section, language, how, text }] of BLOCKS.entries()) {
  if (language === 'html')
    test(`${section}: the page runs as it stands`, async () => {
      assert.ok(text.split('\n').length <= 22);
      const { page } = await openPage(`block_${i}.html`);
      await page.waitForSelector('text=/^Ready on/');
      await page.setInputFiles('#file', PICTURE);
      await page.waitForSelector('text=Done');
      await drawn(page);
      await page.close();
    });
  else if (language === 'ts')
    test(`${section}: checks, and runs without its types`, async () => {
      const project = temporaryFolder();
      cpSync(join(site, 'model'), join(project, 'model'), { recursive: true });
      writeFileSync(join(project, 'model/model.d.ts'), MODEL_TYPES);
      writeFileSync(join(project, 'package.json'), '{"type": "module"}');
      writeFileSync(join(project, 'main.ts'), text);
      const compilerOptions = { strict: true, module: 'nodenext', target: 'es2022', types: [] };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
      const tsc = [join(MODULES, 'typescript/bin/tsc'), '-p', project];
      execFileSync(process.execPath, tsc, { stdio: 'inherit' });
      copyFileSync(join(project, 'main.js'), join(site, `block_${i}.js`));
      const { page, said } = await openPage('parts.html', STRICT);
      await runBlock(page, i);
      assert.deepEqual(said, ['192 [1, 3, 8, 8]']);
      await page.close();
    });
  else if (how === 'node')
    test(`${section}: runs`, async () => {
      await nodeAdapter();
      const script = join(nodeFolder(), 'script.js');
      writeFileSync(script, text);
      const said = execFileSync(process.execPath, [script], {
        cwd: dirname(script),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      assert.equal(said, "[ 'output' ]\n");
    });
  else if (how === 'vite')
    test(`${section}: is built and runs`, async () => {
      const app = nodeFolder(join(site, 'app'));
      mkdirSync(join(app, 'public'));
      cpSync(join(site, 'model'), join(app, 'public/model'), { recursive: true });
      writeFileSync(join(app, 'main.js'), text);
      const start = '<script type="module" src="./main.js"></script>';
      writeFileSync(join(app, 'index.html'), `<!doctype html><title>app</title>${start}`);
      const vite = [join(MODULES, 'vite/bin/vite.js'), 'build', '--base=./', '--logLevel=warn'];
      execFileSync(process.execPath, [...vite, '--target=esnext'], { cwd: app, stdio: 'inherit' });
      const { page } = await openPage(host.url(1), STRICT);
      await page.waitForSelector('text=/^Ready on/');
      await page.close();
    });
  else if (!how.endsWith('.js'))
    test(`${section}: runs`, async () => {
      const isThree = how === 'three';
      const name = isThree ? 'three.html' : 'parts.html';
      const opened = await openPage(name, isThree ? {} : STRICT);
      await runBlock(opened.page, i);
      await CHECKS[section](opened, i);
      await opened.page.close();
    });
}

test('three.js shows what a canvas does', async () => {
  const shots = [];
  for (const [section, name] of [
    ['Picture', 'parts.html'],
    ['three.js', 'three.html'],
  ]) {
    const { page } = await openPage(name);
    await runBlock(
      page,
      BLOCKS.findIndex((block) => block.section === section),
    );
    await drawn(page);
    shots.push(await seen(page, 'canvas'));
    await page.close();
  }
  const [picture, shown] = shots;
  assert.equal(shown.length, picture.length);
  assert.equal(shown.filter((value, i) => Math.abs(value - picture[i]) > 2).length, 0);
});

test('an isolated page is as good', async () => {
  const { page } = await openPage('parts.html', ISOLATED);
  assert.ok(await page.evaluate(() => crossOriginIsolated));
  await runBlock(
    page,
    BLOCKS.findIndex(({ section }) => section === 'Picture'),
  );
  await drawn(page);
  await page.close();
});

test('all codes of errors are listed', () => {
  const codes = Object.values(errors)
    .filter((one) => one.prototype instanceof Error)
    .map((Kind) => new Kind('').code);
  const listed = Array.from(DOCUMENT.matchAll(/^\| ([a-z-]+) \|/gm), ([, code]) => code);
  assert.deepEqual(listed.filter((code) => code !== 'code').sort(), codes.sort());
});

/** A folder with the packages that a reader would have installed, and the model. */
function nodeFolder(folder = temporaryFolder()) {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  symlinkSync(ROOT, join(folder, 'node_modules/onnx2wgsl'));
  symlinkSync(join(MODULES, 'webgpu'), join(folder, 'node_modules/webgpu'));
  cpSync(join(site, 'model'), join(folder, 'model'), { recursive: true });
  return folder;
}
