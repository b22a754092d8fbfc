/** Loading in Chromium: caches, requests, a service worker. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { reference } from './fixture.js';
import { launchChromium, ROOT, RUNTIME, serve } from './host.js';
import { FIXTURE, INPUT, MODEL, WEIGHTS } from './loading.js';

describe('loading in Chromium', () => {
  let browser;
  let host;
  before(async () => {
    host = await serve([FIXTURE, RUNTIME]);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    host?.close();
  });

  test('a Cache of a name spares requests, heals, and is good offline', async () => {
    const page = await browser.newPage();
    await page.goto(host.origin);
    const requests = [];
    page.on('request', (request) => requests.push(request.url()));
    const load = () =>
      page.evaluate(
        async ([folder, runtime]) => {
          const { createSession } = await import(`${runtime}runtime.js`);
          const session = await createSession(folder, { cache: 'models' });
          const { output } = await session.run({ input: new Float32Array(192).fill(0.25) });
          session.destroy();
          return [...output];
        },
        [host.url(0), host.url(1)],
      );
    const expected = [...reference(INPUT).output];
    assert.deepEqual(await load(), expected);
    requests.length = 0;
    assert.deepEqual(await load(), expected);
    assert.deepEqual(requests, [`${host.url(0)}model.json`]);
    await page.evaluate(
      async (url) => (await caches.open('models')).put(url, new Response('stale')),
      host.url(0) + WEIGHTS,
    );
    requests.length = 0;
    assert.deepEqual(await load(), expected);
    assert.deepEqual(requests, [`${host.url(0)}model.json`, host.url(0) + WEIGHTS]);
    await page.context().setOffline(true);
    assert.deepEqual(await load(), expected);
    await page.close();
  });

  test('a failure is told in short where its words can not be loaded', async () => {
    const page = await browser.newPage();
    await page.goto(host.origin);
    await page.route(/advice/, (route) => route.abort());
    const told = await page.evaluate(
      async ([folder, runtime]) => {
        const { createSession } = await import(`${runtime}runtime.js`);
        return createSession(folder).catch(({ message, code, status }) => [message, code, status]);
      },
      [`${host.url(0)}nowhere/`, host.url(1)],
    );
    const url = `${host.url(0)}nowhere/model.json`;
    assert.deepEqual(told, [`Cannot read ${url}: HTTP status 404.`, 'missing-file', 404]);
    await page.close();
  });

  for (const [dot, more] of [
    ['packed', []],
    ['emulated', [MODEL.rare_shaders.file]],
  ])
    test(`${3 + more.length} requests lead to the first result with ${dot}, beside the script`, async () => {
      const page = await browser.newPage();
      const requests = [];
      page.on('request', (request) => requests.push(request.url().replace(host.url(0), '')));
      await page.goto(host.origin);
      requests.length = 0;
      await page.evaluate(
        async ([folder, dot]) => {
          const { createSession } = await import(`${folder}runtime.js`);
          const session = await createSession(folder, { dot });
          await session.run({ input: new Float32Array(192) });
        },
        [host.url(0), dot],
      );
      const expected = ['runtime.js', 'model.json', MODEL.shaders.file, WEIGHTS, ...more];
      assert.deepEqual(requests.sort(), expected.sort());
      await page.close();
    });

  test('the cache of docs/artifact.md, in the private file system, is good offline', async () => {
    const document = readFileSync(join(ROOT, 'docs/artifact.md'), 'utf8');
    const [code] = /    const root = await navigator\.storage[^]*?\n    };\n/.exec(document);
    const page = await browser.newPage();
    await page.goto(host.origin);
    const load = () =>
      page.evaluate(
        async ([code, folder, runtime]) => {
          const { createSession } = await import(`${runtime}runtime.js`);
          const AsyncFunction = (async () => {}).constructor;
          const cache = await new AsyncFunction(`${code}; return cache;`)();
          const session = await createSession(folder, { cache });
          const { output } = await session.run({ input: new Float32Array(192).fill(0.25) });
          session.destroy();
          return [...output];
        },
        [code, host.url(0), host.url(1)],
      );
    const requests = [];
    await load();
    page.on('request', (request) => requests.push(request.url()));
    await load();
    assert.deepEqual(requests, [`${host.url(0)}model.json`]);
    await page.context().setOffline(true);
    assert.deepEqual(await load(), [...reference(INPUT).output]);
    await page.close();
  });

  test('a service worker may import the runtime', async () => {
    const page = await browser.newPage();
    await page.goto(host.origin);
    const state = await page.evaluate(async (url) => {
      const script = `${url}runtime.js`;
      const { installing } = await navigator.serviceWorker.register(script, { type: 'module' });
      return new Promise((done) => {
        installing.onstatechange = () => done(installing.state);
      });
    }, host.url(1));
    assert.equal(state, 'installed');
    await page.close();
  });
});
