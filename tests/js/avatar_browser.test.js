/** The live page in Chromium: what one sees first, a camera with a real face, and all that may be missing. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import {
  builtSite,
  clip,
  clipSource,
  launchChromium,
  PYTHON,
  ROOT,
  screenshotPath,
  serve,
  temporaryFolder,
} from './host.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SITE = builtSite();
const SIZES = [
  [390, 844],
  [844, 390],
  [1280, 800],
  [1920, 1080],
];
const CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'credentialless',
};
const READY_MS = 120000;

const open = [];
after(() => Promise.all(open.map((one) => one.close())));

/** Opens the page in a browser of its own; `log` has what it asks for and what it says. */
async function visit(
  query = '',
  { flags = [], size = [1280, 800], headers, host = '127.0.0.1', prepare } = {},
) {
  const server = await serve([SITE], headers);
  const browser = await launchChromium(flags);
  open.push(server, browser);
  const context = await browser.newContext({ viewport: { width: size[0], height: size[1] } });
  const page = await context.newPage();
  const log = { requests: [], said: [] };
  page.on('request', (request) => log.requests.push(request.url()));
  // MediaPipe tells what it is made of, by stderr.
  const isMediapipe = (text) => /^[IW]\d{4} |^INFO: |^Graph successfully started/.test(text);
  page.on('console', (message) => {
    if (!isMediapipe(message.text())) log.said.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => log.said.push(`${error}`));
  await prepare?.(page);
  const origin = server.origin.replace('127.0.0.1', host);
  await page.goto(`${origin}/0/${query}`);
  const shown = (count) =>
    page.waitForFunction((n) => Number(document.documentElement.dataset.shown ?? 0) >= n, count, {
      timeout: READY_MS,
    });
  const state = (pattern) =>
    page.waitForFunction(
      (source) => new RegExp(source).test(document.getElementById('state').textContent),
      pattern.source,
      { timeout: READY_MS },
    );
  const module = await page.evaluateHandle(async () => (await import('./web/main.js')).inside);
  const inside = (task, given) => module.evaluate(task, given);
  const until = (predicate) => page.waitForFunction(predicate, module, { timeout: READY_MS });
  const close = async () => {
    await browser.close();
    server.close();
  };
  return { page, browser, origin, log, shown, state, inside, until, close, context };
}

/** What the generator was given and made, from the page, as onnxruntime makes it. */
async function assertExact(inside) {
  const { input, output } = await inside(async ({ avatar }) => {
    const { input, output } = await avatar.capture();
    return { input: [...input], output: [...output] };
  });
  const folder = temporaryFolder();
  const [given, made] = ['given', 'made'].map((name) => join(folder, name));
  writeFileSync(given, Uint8Array.from(input));
  const model = join(ROOT, 'models/avatar_256_u8.onnx');
  execFileSync(PYTHON, ['-m', 'tests.avatar_reference', model, given, made], { cwd: ROOT });
  const expected = readFileSync(made);
  assert.equal(output.length, expected.length);
  assert.equal(output.filter((value, i) => value !== expected[i]).length, 0);
  assert.ok(new Set(input).size > 20 && new Set(output).size > 20);
}

describe('at first sight', () => {
  test('an idle avatar, of the page itself alone, in silence; its bits are onnxruntime’s', async () => {
    const { page, origin, log, shown, state, inside, close } = await visit();
    await shown(3);
    await state(/Nobody drives the avatar/);
    assert.deepEqual(
      log.requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:')),
      [],
    );
    assert.ok(!log.requests.some((url) => /mediapipe|onnxruntime/.test(url)));
    const before = log.requests.length;
    await assertExact(inside);
    await page.waitForTimeout(2000);
    // The script that `inside` asks for is the page's own, which it has.
    assert.deepEqual(log.requests.slice(before), []);
    assert.deepEqual(log.said, []);
    assert.match(await page.textContent('#facts'), /^native on .*: the best that there is here$/);
    const own = [...new Set(log.requests)].filter((url) => !/models/.test(url));
    const bytes = own.map((url) => {
      const path = new URL(url).pathname.replace(/^\/0\//, '') || 'index.html';
      return readFileSync(join(SITE, path)).length;
    });
    const total = bytes.reduce((sum, size) => sum + size, 0);
    assert.ok(total < 400000, `${total} bytes without models and MediaPipe`);
    await close();
  });

  test('is without faults to axe, in every size, closed and open', async () => {
    const { page, shown, close } = await visit();
    await shown(1);
    await page.addScriptTag({ path: AXE }).catch(() => page.evaluate(readFileSync(AXE, 'utf8')));
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      for (const isOpen of [false, true]) {
        if ((await page.getAttribute('#more', 'aria-expanded')) !== `${isOpen}`)
          await page.click('#more');
        const found = await page.evaluate(() => globalThis.axe.run());
        const told = found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
        assert.deepEqual(told, [], `${width}x${height}`);
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(wide <= 0, `${wide} pixels too wide at ${width}x${height}`);
        const path = screenshotPath(`live-${width}x${height}${isOpen ? '-settings' : ''}`);
        await page.screenshot({ path });
      }
    }
    await close();
  });

  test('goes on after the graphics process has crashed, with the same bits', async () => {
    const { page, browser, shown, state, inside, close } = await visit();
    await shown(2);
    const session = await browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess');
    await state(/The graphics device went away/);
    const start = Number(await page.evaluate(() => document.documentElement.dataset.shown));
    await shown(start + 3);
    await state(/Nobody drives the avatar/);
    await assertExact(inside);
    await close();
  });

  test('what the address says wrongly is told', async () => {
    const { state, close } = await visit('?backend=cuda');
    await state(/The address says backend=cuda, which this page does not know/);
    await close();
  });
});

describe('with a camera', () => {
  test('a real face drives the avatar: one submit a frame, nothing made, nothing sent', async () => {
    const file = clip('smile', '--seconds', '6');
    const counters = [];
    const { page, origin, log, shown, state, inside, close } = await visit(
      '?view=stages&source=camera',
      {
        flags: [...CAMERA, `--use-file-for-fake-video-capture=${file}`],
        headers: ISOLATED,
        prepare: (page) => page.on('worker', (worker) => counters.push(worker)),
      },
    );
    await state(/Your face drives the avatar/);
    const start = Number(await page.evaluate(() => document.documentElement.dataset.shown ?? 0));
    await shown(start + 3);
    // The stages show the generator's own picture by a submit more: only without them is there one.
    await inside(({ change }) => change({ view: 'avatar' }));
    const [worker] = counters.filter((one) => /avatar_worker/.test(one.url()));
    await worker.evaluate(() => {
      globalThis.made = {};
      const count = (type, names) => {
        for (const name of names) {
          const own = type.prototype[name];
          type.prototype[name] = function (...args) {
            globalThis.made[name] = (globalThis.made[name] ?? 0) + 1;
            return own.apply(this, args);
          };
        }
      };
      count(GPUQueue, ['submit']);
      const made = Object.getOwnPropertyNames(GPUDevice.prototype);
      count(
        GPUDevice,
        made.filter((name) => /^create/.test(name)),
      );
    });
    const from = Number(await page.evaluate(() => document.documentElement.dataset.shown ?? 0));
    await shown(from + 12);
    const made = await worker.evaluate(() => globalThis.made);
    const frames = made.createCommandEncoder;
    assert.ok(frames >= 11, JSON.stringify(made));
    // A canvas has another texture each frame, and with it another bind group.
    const { createBindGroup = 0, ...rest } = made;
    assert.ok(createBindGroup <= frames, JSON.stringify(made));
    assert.deepEqual(rest, { createCommandEncoder: frames, submit: frames });
    const { faces, tracked, latency } = await inside(({ loop }) => ({
      faces: loop.faces,
      tracked: loop.tracked,
      latency: loop.meters.latency.last,
    }));
    assert.equal(faces, 1);
    assert.ok(
      tracked.looked > 5 && tracked.found >= 0.95 * tracked.looked,
      JSON.stringify(tracked),
    );
    assert.ok(latency > 0);
    await assertExact(inside);
    assert.deepEqual(log.said, []);
    assert.deepEqual(
      log.requests.filter((url) => !/^(blob|data):/.test(url) && !url.startsWith(origin)),
      [],
    );
    await page.screenshot({ path: screenshotPath('live-camera') });
    await close();
  });

  test('a picture of a face does, too; one without is told', async () => {
    const { page, state, close } = await visit('?view=stages');
    await page.setInputFiles('#file', join(ROOT, 'models/pictures/astronaut.jpg'));
    await state(/Your face drives the avatar/);
    await page.screenshot({ path: screenshotPath('live-picture') });
    await page.setInputFiles('#file', clipSource('several'));
    await state(/There are \d faces: the nearest drives the avatar/);
    await page.setInputFiles('#file', join(ROOT, 'docs/images/rooms.svg'));
    await state(/rooms.svg is no picture or video|No face is in view/);
    await close();
  });

  test('that is refused, absent, or on a page that is not secure: said, with what to do', async () => {
    const refused = await visit('', {
      flags: ['--use-fake-device-for-media-stream', '--deny-permission-prompts'],
    });
    await refused.page.click('#start');
    await refused.state(/The camera was refused. Allow it in the address bar/);
    assert.equal(await refused.page.isVisible('#start'), true);
    await refused.close();
    const absent = await visit('', {
      flags: [
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream=device-count=0',
      ],
    });
    await absent.page.click('#start');
    await absent.state(/There is no camera here/);
    await absent.close();
    const insecure = await visit('', {
      flags: [...CAMERA, '--host-resolver-rules=MAP far.test 127.0.0.1'],
      host: 'far.test',
    });
    await insecure.page.click('#start');
    await insecure.state(/A camera needs a secure page/);
    await insecure.close();
  });
});

describe('taken along', () => {
  test('a snapshot and a recording of the avatar, also on green', async () => {
    const { page, inside, until, shown, state, close } = await visit('?source=performance');
    await shown(1);
    const download = async (id) => {
      const [file] = await Promise.all([
        page.waitForEvent('download', { timeout: READY_MS }),
        page.click(id),
      ]);
      return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
    };
    const picture = await download('#snapshot');
    assert.equal(picture.name, 'avatar.png');
    const colours = async (bytes) =>
      page.evaluate(async (base64) => {
        const bitmap = new Image();
        bitmap.src = `data:image/png;base64,${base64}`;
        await bitmap.decode();
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context.drawImage(bitmap, 0, 0);
        const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        return { corner: [...data.slice(0, 3)], many: new Set(new Uint32Array(data.buffer)).size };
      }, bytes.toString('base64'));
    assert.ok((await colours(picture.bytes)).many > 1000);
    await inside(({ change }) => change({ background: 'green' }));
    const at = Number(await page.evaluate(() => document.documentElement.dataset.shown));
    await shown(at + 2);
    const green = await colours((await download('#snapshot')).bytes);
    assert.deepEqual(green.corner, [0, 177, 64]);
    assert.ok(green.many > 1000);
    // Stopped at once: the encoder's first bytes are waited for, or the page says that none came.
    await page.click('#record');
    await state(/^Recording/);
    const file = page.waitForEvent('download', { timeout: READY_MS }).then(async (one) => {
      assert.ok(readFileSync(await one.path()).length > 0);
    });
    await page.click('#record');
    await Promise.race([file, state(/^Nothing was recorded/)]);
    file.catch(() => {});
    await until(({ recorder }) => recorder.state === 'off');
    await page.click('#record');
    await state(/^Recording/);
    assert.equal(await page.getAttribute('#record', 'aria-pressed'), 'true');
    await until(({ recorder }) => recorder.bytes > 5000);
    // Whoever leaves now is asked, and may stay.
    const asked = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    const dialog = await asked;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.dismiss();
    const video = await download('#record');
    assert.match(video.name, /^avatar\.(webm|mp4)$/);
    assert.ok(video.bytes.length > 5000, `${video.bytes.length} bytes`);
    await until(({ recorder }) => recorder.state === 'off');
    assert.equal(await page.getAttribute('#record', 'aria-pressed'), 'false');
    await close();
  });
});

describe('the address', () => {
  test('of a model on another origin, which does not let this page read it: said, with CORS', async () => {
    const other = await serve([SITE]);
    open.push(other);
    const { state, close } = await visit(`?model=${other.url(0)}models/avatar_256_u8/`);
    await state(/The model can’t be read: .*\(CORS\)/);
    await close();
  });

  test('chooses resolution, tier, view and background; the page says what is not as asked', async () => {
    const { page, inside, close } = await visit('?res=512&tier=weak&view=stages&background=green');
    const facts = (pattern) =>
      page.waitForFunction(
        (source) => new RegExp(source).test(document.getElementById('facts').textContent),
        pattern.source,
        { timeout: READY_MS },
      );
    await facts(/^native .*; this site has no model of 512 pixels$/);
    const interval = () => inside(({ loop }) => Math.round(loop.interval));
    assert.equal(await interval(), 100);
    assert.equal(await page.isVisible('#stage-drawing-holder'), true);
    assert.equal(await page.isVisible('#matte'), true);
    for (const [tier, ms] of [
      ['mid', 50],
      ['strong', 25],
    ]) {
      await inside(({ change }, tier) => change({ tier }), tier);
      assert.equal(await interval(), ms);
    }
    await inside(({ change }) => change({ res: '256' }));
    await facts(/^native [^;]*: the best that there is here$/);
    assert.match(page.url(), /\?res=256&tier=strong&view=stages&background=green$/);
    // WebNN is not in this browser, or answers that it can't: the next best is taken, and both are said.
    await inside(({ change }) => change({ backend: 'webnn' }));
    await facts(/^native on .*: webnn: /);
    await inside(({ change }) => change({ backend: 'ort-wasm' }));
    await facts(/^ort-wasm on CPU, 1 thread: asked for$/);
    // A frame that was under way when its backend gave way is no failure.
    assert.equal(await page.evaluate(() => document.getElementById('state').className), '');
    await close();
  });

  test('isolated, onnxruntime’s WASM has threads', async () => {
    const { page, close } = await visit('?backend=ort-wasm', { headers: ISOLATED });
    await page.waitForFunction(
      () =>
        /^ort-wasm on CPU, [2-4] threads: asked for$/.test(
          document.getElementById('facts').textContent,
        ),
      undefined,
      { timeout: READY_MS },
    );
    await close();
  });
});

describe('the generator', () => {
  test('is compared with onnxruntime’s WASM in the page: no value differs', async () => {
    const { page, close } = await visit('?compare=ort-wasm', { headers: ISOLATED });
    await page.waitForFunction(() => !document.getElementById('differing').hidden, undefined, {
      timeout: READY_MS,
    });
    await page.click('#more');
    assert.equal(await page.textContent('#differing'), '0 of 196608 values differ');
    await page.screenshot({ path: screenshotPath('live-compare') });
    await close();
  });

  test('is onnxruntime’s WASM where there is no WebGPU, and the page says why', async () => {
    const { page, inside, shown, close } = await visit('', {
      flags: ['--disable-features=WebGPU', '--disable-webgpu'],
      prepare: (page) =>
        page.route('**/avatar_worker.js', async (route) => {
          const response = await route.fetch();
          const hidden = `Object.defineProperty(navigator, 'gpu', { value: undefined });\n`;
          await route.fulfill({ response, body: hidden + (await response.text()) });
        }),
    });
    await shown(1);
    const facts = await page.textContent('#facts');
    assert.match(facts, /^ort-wasm on CPU, 1 thread: native: .*WebGPU is missing here/);
    await assertExact(inside);
    await close();
  });

  test('of another folder is dropped in; what is no generator is refused, and the page goes on', async () => {
    const { page, state, inside, close } = await visit();
    await page.waitForFunction(
      () => document.documentElement.dataset.backend === 'native',
      undefined,
      {
        timeout: READY_MS,
      },
    );
    await page.setInputFiles('#folder', join(SITE, 'models/avatar_256_u8'));
    await inside(async (inside) => {
      while (!inside.isReady || inside.opened < 2)
        await new Promise((done) => setTimeout(done, 50));
    });
    await assertExact(inside);
    await page.setInputFiles('#folder', join(SITE, 'face'));
    await state(/model.json is missing among the files/);
    await close();
  });
});
