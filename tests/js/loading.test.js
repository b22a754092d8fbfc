/** Where an artifact may come from, and what can go wrong on the way: real servers, real files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { createSession } from '../../runtime_js/runtime.js';
import { bundleOf } from './fixture.js';
import { nodeAdapter, ROOT, RUNTIME } from './host.js';
import {
  FIXTURE,
  INPUT,
  MODEL,
  OwnCache,
  WEIGHTS,
  checkProgress,
  files,
  refusal,
  server,
  works,
} from './loading.js';

describe('a server that has not the file', () => {
  const page = '<!doctype html>\n<title>My app</title>';
  const sendsPage = (names) => (file, _, response) => {
    if (!names.test(file)) return false;
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(page);
  };
  for (const [what, names] of [
    ['model.json', /./],
    ['the weights', /weights/],
  ])
    test(`but a page in the place of ${what} is told with what came`, async () => {
      const { url } = await server(sendsPage(names));
      const error = await refusal(url);
      const file = what === 'model.json' ? what : WEIGHTS;
      assert.equal(
        error.message,
        `Cannot read ${url}${file}: HTTP status 200, text/html; charset=utf-8, beginning ` +
          '"<!doctype html> <title>My app</title>". Check the address, and that the server has the files ' +
          'of the artifact there.',
      );
      assert.equal(error.code, 'missing-file');
    });

  test('but an error is told with what came', async () => {
    const { url } = await server();
    const error = await refusal(`${url}nowhere`);
    assert.match(
      error.message,
      /nowhere\/model.json: HTTP status 404, text\/plain, beginning "Not here"/,
    );
    assert.equal(error.status, 404);
  });

  test('but other text is told with its beginning', async () => {
    const { url } = await server((_, __, response) => response.end('Sorry, moved'));
    assert.match((await refusal(url)).message, /not JSON \(.*\); it begins with "Sorry, moved"/);
  });

  test('and none at all', async () => {
    const { url, close } = await server();
    await close();
    const { message } = await refusal(url);
    assert.match(
      message,
      /^Cannot read .*model.json: .*ECONNREFUSED.*\. Is the server up, and does/,
    );
  });

  test('takes a file that is called a page', async () => {
    const { url } = await server((_, __, response) => {
      response.setHeader('content-type', 'text/html');
    });
    await works(url);
  });
});

describe('an address', () => {
  test('keeps its query for every file', async () => {
    const { url, requests } = await server();
    await works(`${url}?token=a%20b`);
    assert.equal(requests.length, 4);
    for (const request of requests) assert.match(request, /\?token=a%20b$/);
  });

  test('that is none is told', async () => {
    const { message } = await refusal('http://');
    assert.equal(message, 'http:// is no URL here: give an absolute one.');
  });
});

describe('the rare shaders', () => {
  const RARE = MODEL.rare_shaders.file;
  const integer = { requantize: 'integer' };

  for (const wish of [integer, { dot: 'emulated' }])
    test(`are loaded where ${Object.values(wish)} needs them`, async () => {
      const { url, requests } = await server();
      await works(url, { dot: 'packed', requantize: 'fast' });
      assert.ok(!requests.includes(`/${RARE}`));
      await works(url, wish);
      assert.equal(requests.filter((request) => request === `/${RARE}`).length, 1);
    });

  test('are found wherever the files are', async () => {
    await works(files(), integer);
    await works(new Blob([bundleOf(FIXTURE)]), integer);
  });

  test('and are checked then', async () => {
    const { url } = await server(
      (file, _, response) => file === RARE && response.end(' '.repeat(MODEL.rare_shaders.bytes)),
    );
    await works(url, { dot: 'packed' });
    const error = await refusal(url, integer);
    assert.match(error.message, /^rare_shaders.txt is damaged; .*\n {2}SHA-256 is/);
    assert.equal(error.code, 'artifact');
  });
});

describe('files by name', () => {
  test('are taken as bytes', () => works(files()));

  test('are taken as buffers and blobs', async () => {
    const mixed = Object.entries(files()).map(([name, bytes], i) => [
      name,
      i % 2 ? new Blob([bytes]) : bytes.buffer,
    ]);
    await works(Object.fromEntries(mixed));
  });

  test('are refused where one is missing', async () => {
    const { [WEIGHTS]: _, ...rest } = files();
    const { message, code } = await refusal(rest);
    assert.match(message, new RegExp(`^${WEIGHTS} is missing among the files that were given: `));
    assert.equal(code, 'missing-file');
  });

  test('are checked', async () => {
    const { message } = await refusal({ ...files(), [WEIGHTS]: new Uint8Array(2449) });
    assert.match(message, /it has more than 2448 bytes/);
  });

  test('serve the self-test', async () => {
    const session = await createSession(files(), { adapter: await nodeAdapter() });
    assert.ok((await session.selfTest()).ok);
    session.destroy();
  });

  for (const source of [undefined, null, 5, [1]])
    test(`and not ${JSON.stringify(source)}`, async () => {
      const { message, code } = await refusal(source);
      assert.match(message, /^createSession was given \w+, expected a URL/);
      assert.equal(code, 'input');
    });
});

test('fetch may be another', async () => {
  const { url } = await server();
  const fetched = [];
  const own = (address, init) => {
    fetched.push(`${address}`);
    return fetch(address, init);
  };
  await works(url, { fetch: own });
  assert.ok(fetched.includes(`${url}${WEIGHTS}`));
});

describe('a signal', () => {
  test('that was aborted before', async () => {
    const { url, requests } = await server();
    const error = await refusal(url, { signal: AbortSignal.abort() });
    assert.equal(error.name, 'AbortError');
    assert.deepEqual(requests, []);
  });

  test('ends a download at once, with its reason', async () => {
    const controller = new AbortController();
    const ended = Promise.withResolvers?.() ?? withResolvers();
    const { url } = await server((file, request, response) => {
      if (file !== WEIGHTS) return false;
      response.write('1234'); // and no more
      request.on('close', ended.resolve);
      setTimeout(() => controller.abort(new Error('closed by the user')), 20);
      return true;
    });
    const start = performance.now();
    const error = await refusal(url, { signal: controller.signal });
    assert.equal(error.message, 'closed by the user');
    assert.ok(performance.now() - start < 2000);
    await ended.promise;
  });

  test('ends a fetch that knows no signals', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const never = () => new Promise(() => {});
    const error = await refusal('http://127.0.0.1:1/', { fetch: never, signal: controller.signal });
    assert.equal(error.name, 'AbortError');
  });

  test('ends what is made on the device, and that goes again', async () => {
    const adapter = await nodeAdapter();
    const controller = new AbortController();
    const request = adapter.requestDevice.bind(adapter);
    const made = Promise.withResolvers?.() ?? withResolvers();
    adapter.requestDevice = async (wishes) => {
      const device = await request(wishes);
      made.resolve(device);
      controller.abort();
      return device;
    };
    const { signal } = controller;
    await assert.rejects(createSession(FIXTURE, { adapter, signal }), { name: 'AbortError' });
    assert.equal((await (await made.promise).lost).reason, 'destroyed');
  });

  test('that is aborted later does nothing', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const session = await createSession(FIXTURE, { adapter: await nodeAdapter(), signal });
    controller.abort();
    assert.ok((await session.run({ input: INPUT })).output);
    session.destroy();
  });
});

function withResolvers() {
  const result = {};
  result.promise = new Promise((resolve) => (result.resolve = resolve));
  return result;
}

describe('progress', () => {
  for (const [what, answer] of [
    ['plain', undefined],
    [
      'compressed',
      (file, _, response) => {
        if (file !== 'model.json') return false;
        response.setHeader('content-encoding', 'gzip');
        return response.end(gzipSync(readFileSync(join(FIXTURE, file))));
      },
    ],
  ])
    test(`is told of ${what} files: it grows, and ends at its total`, async () => {
      const { url } = await server(answer);
      const told = [];
      await works(url, { onProgress: (progress) => told.push(progress) });
      checkProgress(told);
      const loaded = statSync(join(FIXTURE, 'model.json')).size + MODEL.weights.bytes;
      assert.ok(told[0].total > loaded);
    });

  test('is told of what comes from a cache, from the disk and by name', async () => {
    const cache = new OwnCache();
    const { url } = await server();
    await works(url, { cache });
    for (const [source, options] of [[url, { cache }], [FIXTURE], [files()]]) {
      const told = [];
      await works(source, { ...options, onProgress: (progress) => told.push(progress) });
      checkProgress(told);
    }
  });
});

describe('a download that breaks off', () => {
  const whole = readFileSync(join(FIXTURE, WEIGHTS));
  /** Breaks off the weights at some bytes, as often as said; then the rest, or all, as the server can. */
  const breaks = (times, ranges) => {
    const asked = [];
    const answer = (file, { headers }, response) => {
      if (file !== WEIGHTS) return false;
      asked.push(headers.range);
      const start = ranges ? Number(/\d+/.exec(headers.range ?? '0')[0]) : 0;
      if (start) response.writeHead(206, { 'content-range': `bytes ${start}-2447/2448` });
      else response.setHeader('content-length', 2448);
      const end = asked.length <= times ? start + 16 : 2448;
      response.write(whole.subarray(start, end), () => {
        if (end < 2448) setTimeout(() => response.destroy(), 20);
        else response.end();
      });
      return true;
    };
    return { asked, answer };
  };

  test('goes on where it was', async () => {
    const { asked, answer } = breaks(2, true);
    const { url } = await server(answer);
    const told = [];
    await works(url, { onProgress: (progress) => told.push(progress) });
    assert.deepEqual(asked, [undefined, 'bytes=16-', 'bytes=32-']);
    checkProgress(told);
  });

  test('begins anew where the server knows no ranges', async () => {
    const { asked, answer } = breaks(1, false);
    const { url } = await server(answer);
    const told = [];
    await works(url, { onProgress: (progress) => told.push(progress) });
    assert.deepEqual(asked, [undefined, 'bytes=16-']);
    checkProgress(told);
  });

  test('ends where it breaks off again and again', async () => {
    const { asked, answer } = breaks(9, false);
    const { url } = await server(answer);
    assert.match((await refusal(url)).message, /^Cannot read .*: .*\. Is the server up/);
    assert.equal(asked.length, 3);
  });
});

test('WebGPU in Node stays as long as the session', () => {
  const script = `
    const { create } = await import('webgpu');
    const { createSession } = await import(${JSON.stringify(join(RUNTIME, 'runtime.js'))});
    const session = await createSession(${JSON.stringify(FIXTURE)}, { gpu: create([]) });
    for (let i = 0; i < 30; i++) {
      globalThis.gc();
      await new Promise((done) => setTimeout(done, 5));
      await session.run({ input: new Float32Array(192) });
    }
    session.destroy();
    console.log('done');`;
  const options = { cwd: ROOT, encoding: 'utf8', env: process.env };
  const flags = ['--expose-gc', '--input-type=module', '-e', script];
  assert.equal(execFileSync(process.execPath, flags, options), 'done\n');
});

test('every module may be imported where there is no WebGPU', async () => {
  assert.equal(globalThis.navigator?.gpu, undefined);
  for (const name of readdirSync(RUNTIME).filter((name) => /^(?!page).*\.js$/.test(name)))
    await import(join(RUNTIME, name));
});
