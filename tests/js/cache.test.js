/** Caches and bundles: real servers, real files. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { createSession } from '../../runtime_js/runtime.js';
import { bundleOf, reference } from './fixture.js';
import { nodeAdapter, temporaryFolder } from './host.js';
import {
  FIXTURE,
  INPUT,
  OwnCache,
  WEIGHTS,
  checkProgress,
  files,
  refusal,
  server,
  works,
} from './loading.js';

describe('a cache', () => {
  test('spares requests, and is good offline', async () => {
    const cache = new OwnCache();
    const { url, requests, close } = await server();
    await works(url, { cache });
    const first = requests.length;
    await works(url, { cache });
    assert.deepEqual(requests.slice(first), ['/model.json']);
    await close();
    await works(url, { cache });
    assert.equal((await refusal(url)).code, 'missing-file');
  });

  test('is no good where the server has answered otherwise', async () => {
    const cache = new OwnCache();
    let gone = false;
    const { url } = await server((_, __, response) => gone && response.writeHead(404).end());
    await works(url, { cache });
    gone = true;
    assert.equal((await refusal(url, { cache })).status, 404);
  });

  test('is by address, without the query', async () => {
    const cache = new OwnCache();
    const { url, requests } = await server();
    await works(`${url}?token=1`, { cache });
    const first = requests.length;
    await works(`${url}?token=2`, { cache });
    assert.equal(requests.length, first + 1);
  });

  for (const [what, change] of [
    ['changed', (bytes) => bytes.with(3, bytes[3] ^ 1)],
    ['cut off', (bytes) => bytes.slice(1)],
    ['grown', (bytes) => new Uint8Array([...bytes, 0])],
  ])
    test(`has its files fetched anew where they are ${what}`, async () => {
      const cache = new OwnCache();
      const { url, requests } = await server();
      await works(url, { cache });
      const first = requests.length;
      cache.set(url + WEIGHTS, change(cache.get(url + WEIGHTS)));
      await works(url, { cache });
      assert.deepEqual(requests.slice(first), ['/model.json', `/${WEIGHTS}`]);
      await works(url, { cache });
      assert.equal(requests.length, first + 3);
    });

  test('may be full', async () => {
    const cache = new OwnCache();
    cache.put = async () => {
      throw new Error('QuotaExceededError');
    };
    const { url } = await server();
    await works(url, { cache });
  });

  test('of a name is refused where there is no Cache API', async () => {
    const { message, code } = await refusal('http://127.0.0.1:1/', { cache: 'models' });
    assert.match(
      message,
      /^cache is models, but here is no Cache API: give an object with match and put/,
    );
    assert.equal(code, 'input');
  });

  test('that is none is refused', async () => {
    for (const cache of [5, {}, { match() {} }])
      assert.match(
        (await refusal('http://127.0.0.1:1/', { cache })).message,
        /^cache is (Number|Object), expected/,
      );
  });
});

describe('a bundle', () => {
  const BUNDLE = new Uint8Array(bundleOf(FIXTURE));
  const bundleServer = (answer = () => false) =>
    server((file, request, response) => {
      if (answer(file, request, response)) return true;
      if (file === 'fixture.onnx2wgsl') response.end(BUNDLE);
      return file === 'fixture.onnx2wgsl';
    });

  for (const [what, source] of [
    ['an ArrayBuffer', () => BUNDLE.buffer],
    ['a view', () => BUNDLE],
    ['a Blob', () => new Blob([BUNDLE])],
    ['a Response', () => new Response(BUNDLE)],
    [
      'a path',
      () => {
        const path = join(temporaryFolder(), 'fixture.onnx2wgsl');
        writeFileSync(path, BUNDLE);
        return path;
      },
    ],
  ])
    test(`is taken as ${what}, and tells of its progress`, async () => {
      const told = [];
      const onProgress = (progress) => told.push(progress);
      const options = { adapter: await nodeAdapter(), onProgress };
      const session = await createSession(source(), options);
      const { output } = await session.run({ input: INPUT });
      assert.deepEqual(output, reference(INPUT).output);
      for (let i = 0; i < 2; i++) assert.ok((await session.selfTest()).ok);
      session.destroy();
      checkProgress(told);
      assert.equal(told[0].total, BUNDLE.length - 16);
    });

  test('is taken from its address in one request, with its query', async () => {
    const { url, requests } = await bundleServer();
    await works(`${url}fixture.onnx2wgsl?token=1`);
    assert.deepEqual(requests, ['/fixture.onnx2wgsl?token=1']);
  });

  test('is good offline', async () => {
    const cache = new OwnCache();
    const { url, close } = await bundleServer();
    await works(`${url}fixture.onnx2wgsl`, { cache });
    await close();
    await works(`${url}fixture.onnx2wgsl`, { cache });
    assert.equal((await refusal(`${url}fixture.onnx2wgsl`)).code, 'missing-file');
  });

  test('goes on where its download broke off', async () => {
    const asked = [];
    const { url } = await bundleServer((file, { headers }, response) => {
      asked.push(headers.range);
      if (asked.length > 1) return false; // all of it again
      response.setHeader('content-length', BUNDLE.length);
      response.write(BUNDLE.subarray(0, 5000), () => setTimeout(() => response.destroy(), 20));
      return true;
    });
    await works(`${url}fixture.onnx2wgsl`);
    assert.deepEqual(asked, [undefined, 'bytes=5000-']);
  });

  const page = new Response('<p>Welcome', { headers: { 'content-type': 'text/html' } });
  for (const [what, source, message] of [
    [
      'cut off in its head',
      BUNDLE.slice(0, 9),
      /^The bundle is damaged; .*\n {2}it ends in its head$/,
    ],
    ['cut off', BUNDLE.slice(0, -1), /^The bundle is damaged; .*\n {2}it ends in weights.bin$/],
    ['too long', new Blob([BUNDLE, '1']), /\n {2}more follows than model.json says$/],
    ['another file', new Uint8Array(99), /^This is no bundle: it begins with "\\u0000/],
    ['changed', BUNDLE.with(BUNDLE.length - 3, 77), /^weights.bin is damaged; .*\n {2}SHA-256 is/],
    [
      'of a long model.json',
      BUNDLE.with(15, 255),
      /^model.json is damaged; .*\n {2}it has more than/,
    ],
    [
      'a page',
      page,
      /^Cannot read the Response: HTTP status 200, text\/html, beginning "<p>Welcome"/,
    ],
    ['an error', new Response('', { status: 500 }), /^Cannot read the Response: HTTP status 500/],
  ])
    test(`is refused where it is ${what}`, async () => {
      const { message: told } = await refusal(source);
      assert.match(told, message);
    });
});
