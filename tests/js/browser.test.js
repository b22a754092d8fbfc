import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { bytesModel, reference } from './fixture.js';
import {
  artifactFolders,
  film,
  fixtureFolder,
  launchChromium,
  nameOf,
  OTHERS,
  PICTURE,
  pixelsOf,
  PYTHON,
  ROOT,
  serve,
  TAKEN,
  wishesOf,
} from './host.js';
import { misfits, shoot } from './windows.js';

const artifacts = artifactFolders();
const broken = fixtureFolder(({ model }) => (model.vectors.kernels[1] = '0'.repeat(16)));
const classifier = fixtureFolder(({ model }) => {
  model.outputs = [{ name: 'output', dtype: 'float32', shape: [1, 192] }];
  model.labels = Array.from({ length: 192 }, (_, i) => `label ${i}`);
});
const segmenter = fixtureFolder(({ model }) => {
  model.outputs = [{ name: 'output', dtype: 'float32', shape: [1, 3, 8, 8] }];
  model.labels = ['sky', 'road', 'tree'];
});
const folders = [
  ...artifacts,
  fixtureFolder(bytesModel),
  broken,
  dirname(PICTURE),
  classifier,
  segmenter,
];
const BYTES = artifacts.length;
const BROKEN = artifacts.length + 1;
const PICTURES = artifacts.length + 2;
const CLASSIFIER = artifacts.length + 3;
const SEGMENTER = artifacts.length + 4;
const WEBCAM = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
let browser;
let server;

before(async () => {
  server = await serve(folders);
  browser = await launchChromium(WEBCAM);
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** A page that must make no request elsewhere and log no error. */
async function openPage(address, { script, ...options } = {}) {
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, ...options });
  const complaints = [];
  page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const isOwn = [server.origin, `blob:${server.origin}`, 'data:'].some((start) =>
      request.url().startsWith(start),
    );
    if (!isOwn) complaints.push(`request ${request.url()}`);
  });
  if (script) await page.addInitScript(script);
  await page.goto(address);
  return { page, complaints };
}

/** Waits for the verdict; returns its text. */
async function verdict(page) {
  await page.waitForSelector('#verdict[data-ok]', { timeout: 120000 });
  return page.textContent('#verdict');
}

/** What is seen of a part of the page. */
async function seen(page, selector) {
  return pixelsOf(page, await page.locator(selector).screenshot());
}

/** The picture that the page saves. */
async function saved(page) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
  return pixelsOf(page, readFileSync(await download.path()));
}

artifacts.forEach((folder, i) =>
  describe(`${nameOf(folder)} in Chromium`, () => {
    for (const wishes of wishesOf(folder))
      test(`passes its self-test, asked for ${Object.values(wishes).join(', ') || 'nothing'}`, async () => {
        const { page, complaints } = await openPage(server.origin);
        const { asked, report } = await page.evaluate(
          async ([url, wishes]) => {
            const { createSession } = await import(`${url}runtime.js`);
            const session = await createSession(url, wishes);
            const [{ name, image }] = session.inputs;
            await session.run({ [name]: new ImageData(...image.size) });
            const asked = performance.getEntriesByType('resource').map(({ name }) => name);
            const report = await session.selfTest();
            session.destroy();
            return { asked, report };
          },
          [server.url(i), wishes],
        );
        await page.close();
        if (wishes.requantize !== 'integer') assertFew(asked, wishes.dot === 'packed' ? 3 : 4);
        assert.ok(report.ok, report.message);
        const { dot, requantize } = report.variants;
        assert.deepEqual({ dot, requantize }, { ...TAKEN, ...wishes });
        assert.deepEqual(complaints, []);
      });

    /** Until the first result a session asks for a script, and three files beside it, four without packed products. */
    function assertFew(asked, most) {
      const [scripts, others] = [true, false].map((isScript) =>
        asked.filter((path) => path.endsWith('.js') === isScript),
      );
      assert.equal(scripts.length, 1, scripts.join());
      assert.ok(others.length <= most, others.join());
      for (const kind of ['model', 'shaders', 'weights'])
        assert.equal(others.filter((path) => path.includes(`/${kind}`)).length, 1, others.join());
    }

    test('its page tests itself and runs on a chosen picture', async () => {
      const query = nameOf(folder) === 'fixture' ? '' : `?${new URLSearchParams(OTHERS)}`;
      const { page, complaints } = await openPage(server.url(i) + query);
      assert.equal(await verdict(page), 'Bit-exact');
      if (query)
        for (const [use, variant] of Object.entries(OTHERS))
          assert.ok((await page.textContent(`#${use}`)).startsWith(`${variant} `));
      await shoot(page, `${nameOf(folder)}-before`);
      await page.setInputFiles('#file', PICTURE);
      await page.waitForSelector('text=/median of \\d+ runs/', { timeout: 120000 });
      assert.match(await page.textContent('#time'), /^[\d.]+ ms/);
      const output = await seen(page, '#output');
      assert.ok(new Set(output).size > 8, 'the output picture is flat');
      await shoot(page, nameOf(folder));
      await page.setViewportSize({ width: 390, height: 844 });
      await shoot(page, `${nameOf(folder)}-phone`);
      await page.close();
      assert.deepEqual(complaints, []);
    });
  }),
);

describe('pictures in Chromium', () => {
  test('are taken from another frame, and refused in floats', async () => {
    const { page, complaints } = await openPage(server.origin);
    const told = await page.evaluate(async (url) => {
      const { createSession } = await import(`${url}runtime.js`);
      const session = await createSession(url);
      const [{ name, shape }] = session.inputs;
      const [, , height, width] = shape;
      const run = (picture) =>
        session.run({ [name]: picture }).then(
          ({ output }) => [...output],
          (error) => error.message,
        );
      const picture = new ImageData(width, height);
      for (let i = 0; i < picture.data.length; i++) picture.data[i] = i * 37;
      const frame = document.body.appendChild(document.createElement('iframe'));
      const foreign = new frame.contentWindow.ImageData(width, height);
      foreign.data.set(picture.data);
      const floats = new ImageData(width, height, { pixelFormat: 'rgba-float16' });
      const isForeign = !(foreign.data instanceof Uint8ClampedArray);
      const told = { isForeign, format: floats.pixelFormat };
      told.own = await run(picture);
      told.foreign = await run(foreign);
      told.floats = await run(floats);
      session.destroy();
      return told;
    }, server.url(0));
    await page.close();
    assert.ok(told.isForeign);
    assert.equal(told.own.length, 192);
    assert.deepEqual(told.foreign, told.own);
    assert.equal(told.format, 'rgba-float16');
    assert.equal(
      told.floats,
      'Input input is a picture of Float16Array, expected bytes: Uint8ClampedArray or Uint8Array.',
    );
    assert.deepEqual(complaints, []);
  });
});

describe('the page', () => {
  test('shows what the model makes of a dropped picture', async () => {
    const { page, complaints } = await openPage(server.url(0));
    const base64 = readFileSync(PICTURE).toString('base64');
    await verdict(page);
    await page.evaluate(async (base64) => {
      const data = new DataTransfer();
      const blob = await (await fetch(`data:image/png;base64,${base64}`)).blob();
      data.items.add(new File([blob], 'picture.png', { type: 'image/png' }));
      const init = { dataTransfer: data, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new DragEvent('drop', init));
    }, base64);
    await page.waitForSelector('text=/median of/');
    const shown = await seen(page, '#input');
    assert.ok(new Set(shown).size > 20, 'the picture was not drawn');
    const script = `
import sys
from pathlib import Path
from onnx2wgsl.media.pictures import read_picture
from onnx2wgsl.runtime_py.pictures import fitted
print(fitted(read_picture(Path(sys.argv[1])), 8, 8, "cover", (0, 0, 0)).ravel().tolist())`;
    const bytes = JSON.parse(execFileSync(PYTHON, ['-c', script, PICTURE], { cwd: ROOT }));
    const values = new Float32Array(192);
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < 64; p++) values[64 * c + p] = bytes[3 * p + c] / 128 - 1;
    const { output } = reference(values);
    const expected = Uint8Array.from({ length: 256 }, (_, k) =>
      k % 4 === 3 ? 255 : output[64 * (k % 4) + (k >> 2)] * 128 + 128,
    );
    assert.deepEqual(await saved(page), expected);
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('takes pictures from an address and from the clipboard', async () => {
    const { page, complaints } = await openPage(server.url(0));
    await verdict(page);
    const drawn = await saved(page);
    await page.fill('#address', `${server.url(PICTURES)}landmarks_real.png`);
    await page.press('#address', 'Enter');
    await page.waitForSelector('text=/median of/');
    const loaded = await saved(page);
    assert.notDeepEqual(loaded, drawn);
    await page.click('#sample');
    await page.waitForSelector('text=/median of/');
    assert.deepEqual(await saved(page), drawn);
    await page.evaluate(
      (address) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text', address);
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
      },
      `${server.url(PICTURES)}landmarks_real.png`,
    );
    await page.waitForSelector('text=/median of/');
    assert.deepEqual(await saved(page), loaded);
    assert.deepEqual(complaints, []);
    await page.fill('#address', `${server.url(PICTURES)}nowhere.png`);
    await page.press('#address', 'Enter');
    await page.waitForSelector('text=/nowhere.png can.t be read: HTTP status 404/');
    await page.close();
  });

  test('shows a webcam and a video as they go', async () => {
    const { page, complaints } = await openPage(server.url(0));
    await verdict(page);
    await page.click('#webcam');
    await page.waitForSelector('text=/\\d+ frames a second/');
    assert.equal(await page.getAttribute('#webcam', 'aria-pressed'), 'true');
    const buffer = await film(page);
    await page.setInputFiles('#file', { name: 'video.webm', mimeType: 'video/webm', buffer });
    await page.waitForSelector('#webcam[aria-pressed=false]');
    await page.waitForSelector('text=/\\d+ frames a second/');
    await page.waitForTimeout(1500); // it begins again
    assert.equal(await page.textContent('#problem'), '');
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('shows the classes of a classifier as bars, by their labels', async () => {
    const { page, complaints } = await openPage(server.url(CLASSIFIER));
    assert.equal(await verdict(page), 'Bit-exact');
    const rows = await page.locator('#classes li').allTextContents();
    assert.equal(rows.length, 5);
    for (const row of rows) assert.match(row, /^label \d+ ?[\d.]+ %$/);
    await page.setInputFiles('#file', PICTURE);
    await page.waitForSelector('text=/median of/');
    const expected = await page.evaluate(
      async (picture) => {
        const { createSession } = await import('./runtime.js');
        const session = await createSession('./');
        const { output } = await session.run({ input: await (await fetch(picture)).blob() });
        const classes = await session.topK(output, 5, { labels: session.labels, softmax: true });
        session.destroy();
        return classes.map(({ label, value }) => `${label}${(100 * value).toFixed(1)} %`);
      },
      `${server.url(PICTURES)}landmarks_real.png`,
    );
    assert.deepEqual(await page.locator('#classes li').allTextContents(), expected);
    assert.match(await page.textContent('#figures'), /^output.*float32 1 × 192$/);
    assert.equal(await page.isVisible('#save'), false);
    await shoot(page, 'classes');
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('shows the classes of a segmenter over the picture', async () => {
    const { page, complaints } = await openPage(server.url(SEGMENTER));
    assert.equal(await verdict(page), 'Bit-exact');
    const rows = await page.locator('#classes li').allTextContents();
    const shares = rows.map((row) => /^(?:sky|road|tree) ?([\d.]+) %$/.exec(row)[1]);
    const sum = shares.reduce((sum, share) => sum + Number(share), 0);
    assert.ok(Math.abs(sum - 100) < 0.3, `${rows}`);
    assert.notDeepEqual(await seen(page, '#output'), await seen(page, '#input'));
    assert.ok((await saved(page)).length > 0);
    await shoot(page, 'mask');
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('times its kernels, and copies the report', async () => {
    const { page, complaints } = await openPage(server.url(0));
    await verdict(page);
    await page.click('text=Profile');
    await page.waitForSelector('#kernels tbody tr');
    assert.match(await page.textContent('#kernels'), /ms a frame, by/);
    await page.click('text=Report of the self-test');
    assert.match(await page.textContent('#report'), /swiftshader/i);
    assert.match(await page.textContent('#download'), /kB and .+ kB of scripts and page/);
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('has nothing that axe would mend, light or dark', async () => {
    for (const address of [server.url(0), server.url(BYTES), server.url(BROKEN)]) {
      const { page } = await openPage(address);
      await verdict(page);
      await page.click('text=Profile');
      await page.click('text=Report of the self-test');
      await page.waitForSelector('#kernels tbody tr');
      await page.addScriptTag({ path: join(ROOT, 'node_modules/axe-core/axe.min.js') });
      const colours = new Set();
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        colours.add(await page.$eval('body', (body) => getComputedStyle(body).backgroundColor));
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
        assert.deepEqual(told, [], colorScheme);
      }
      assert.equal(colours.size, 2);
      await page.close();
    }
  });

  for (const [place, colorScheme] of [
    [0, 'light'],
    [CLASSIFIER, 'dark'],
  ])
    test(`fits windows of all sizes, opened and closed, ${colorScheme}`, async () => {
      const { page } = await openPage(server.url(place), { colorScheme });
      await verdict(page);
      const told = await misfits(page, `${place}`);
      await page.click('text=Profile');
      await page.click('text=Report of the self-test');
      await page.waitForSelector('#kernels tbody tr', { timeout: 120000 });
      told.push(...(await misfits(page, `${place}-opened`)));
      await page.close();
      assert.deepEqual(told, []);
    });

  test('is whole under a strict policy', async () => {
    const { page, complaints } = await openPage(server.origin);
    await page.route('**/*', async (route) => {
      const response = await route.fetch();
      const policy = { 'content-security-policy': "default-src 'self'" };
      await route.fulfill({ response, headers: { ...response.headers(), ...policy } });
    });
    await page.goto(server.url(0));
    assert.equal(await verdict(page), 'Bit-exact');
    const display = await page.$eval('#stage', (stage) => getComputedStyle(stage).display);
    assert.equal(display, 'grid');
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('runs a model that takes no picture on values of its own', async () => {
    const { page, complaints } = await openPage(server.url(BYTES));
    assert.equal(await verdict(page), 'Bit-exact');
    assert.equal(await page.isVisible('#drop'), false);
    assert.match(await page.textContent('#given'), /uint8 .*/);
    assert.match(await page.textContent('#figures'), / to .+, mean /);
    await shoot(page, 'no-picture');
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('says that a device is not exact, and where', async () => {
    const { page } = await openPage(server.url(BROKEN));
    assert.equal(await verdict(page), 'Not exact on this device');
    assert.match(await page.textContent('#message'), /^Kernel conv differs/);
    await shoot(page, 'not-exact');
    await page.close();
  });

  test('is friendly where WebGPU is missing', async () => {
    const script = 'Object.defineProperty(navigator, "gpu", { value: undefined })';
    const { page, complaints } = await openPage(server.url(0), { script });
    assert.equal(await verdict(page), 'Cannot run');
    assert.match(await page.textContent('#problem'), /WebGPU is missing here: use a recent Chrome/);
    await shoot(page, 'no-webgpu');
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('is friendly where no adapter is found', async () => {
    const script = 'GPU.prototype.requestAdapter = async () => null';
    const { page } = await openPage(server.url(0), { script });
    assert.equal(await verdict(page), 'Cannot run');
    assert.match(await page.textContent('#problem'), /WebGPU found no adapter/);
    await page.close();
  });

  test('refuses a file that is no picture, and takes the next', async () => {
    const { page } = await openPage(server.url(0));
    await verdict(page);
    const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') };
    await page.setInputFiles('#file', notes);
    await page.waitForSelector('#problem:not([hidden])');
    assert.match(await page.textContent('#problem'), /not a picture/);
    await page.setInputFiles('#file', PICTURE);
    await page.waitForSelector('text=/median of/');
    assert.equal(await page.isVisible('#problem'), false);
    assert.equal(await page.textContent('#verdict'), 'Bit-exact');
    await page.close();
  });

  test('names the file that is missing', async () => {
    const { page } = await openPage(server.origin);
    const message = await page.evaluate(async (url) => {
      const { createSession } = await import(`${url}runtime.js`);
      return createSession(`${url}nowhere`).catch((error) => error.message);
    }, server.url(0));
    assert.match(message, /^Cannot read http:.*\/nowhere\/model.json: HTTP status 404/);
    await page.close();
  });

  test('opened from the disk, it says how to serve it', async () => {
    const page = await browser.newPage();
    await page.goto(`file://${folders[0]}/index.html`);
    await page.waitForSelector('#waiting:visible');
    assert.match(await page.textContent('#waiting'), /onnx2wgsl serve/);
    await page.close();
  });
});

describe('a crash of the GPU process', () => {
  test('is one error, and the next frame has the same bits', async () => {
    const own = await launchChromium();
    try {
      const page = await own.newPage();
      await page.goto(server.origin);
      await page.evaluate(async (url) => {
        const { createSession } = await import(`${url}runtime.js`);
        const session = await createSession(url);
        window.run = async () => [
          ...(await session.run({ input: new Float32Array(192).fill(0.5) })).output,
        ];
      }, server.url(0));
      const before = await page.evaluate(() => run());
      const running = page.evaluate(async () => {
        for (let i = 0; i < 20000; i++)
          try {
            await run();
          } catch ({ code }) {
            return { code, after: await run() };
          }
      });
      const cdp = await own.newBrowserCDPSession();
      await cdp.send('Browser.crashGpuProcess');
      assert.deepEqual(await running, { code: 'device-lost', after: before });
    } finally {
      await own.close();
    }
  });
});
