/** Where an artifact may come from, and what can go wrong on the way: real servers, real files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { createSession } from '../../runtime_js/runtime.js';
import { bundleOf, reference } from './fixture.js';
import {
  fixtureFolder,
  launchChromium,
  nodeAdapter,
  ROOT,
  RUNTIME,
  serve,
  temporaryFolder,
} from './host.js';

const FIXTURE = fixtureFolder();
const MODEL = JSON.parse(readFileSync(join(FIXTURE, 'model.json'), 'utf8'));
const WEIGHTS = MODEL.weights.file;
const INPUT = new Float32Array(192).fill(0.25);

/** A server of the fixture; `answer` may take a request from it. */
async function server(answer = () => false) {
  const requests = [];
  const http = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    requests.push(request.url);
    if (answer(pathname.slice(1), request, response)) return;
    try {
      response.end(readFileSync(join(FIXTURE, pathname)));
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not here');
    }
  });
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  opened.push(http);
  const close = () => {
    http.closeAllConnections();
    return new Promise((done) => http.close(done));
  };
  return { url: `http://127.0.0.1:${http.address().port}/`, requests, close };
}

const opened = [];
after(() => opened.forEach((http) => http.close()));

/** Loads, runs, and goes again. */
async function works(source, options = {}) {
  const session = await createSession(source, { adapter: await nodeAdapter(), ...options });
  const { output } = await session.run({ input: INPUT });
  session.destroy();
  assert.deepEqual(output, reference(INPUT).output);
}

async function refusal(source, options = {}) {
  const session = createSession(source, { adapter: await nodeAdapter(), ...options });
  return session.then(
    () => assert.fail('it was loaded'),
    (error) => error,
  );
}

/** The files of the fixture by name. */
function files() {
  const names = readdirSync(FIXTURE).filter((name) => !/\.(js|html)$/.test(name));
  return Object.fromEntries(
    names.map((name) => [name, new Uint8Array(readFileSync(join(FIXTURE, name)))]),
  );
}

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
    assert.equal(requests.length, 3);
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

  test('are loaded where the integer variant needs them', async () => {
    const { url, requests } = await server();
    await works(url, integer);
    assert.equal(requests.filter((request) => request === `/${RARE}`).length, 1);
    await works(files(), integer);
    await works(new Blob([bundleOf(FIXTURE)]), integer);
  });

  test('and are checked then', async () => {
    const { url } = await server(
      (file, _, response) => file === RARE && response.end(' '.repeat(MODEL.rare_shaders.bytes)),
    );
    await works(url);
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

/** What any cache is to createSession. */
class OwnCache extends Map {
  match = async (url) => this.get(url) && new Response(this.get(url));
  put = async (url, response) => this.set(url, new Uint8Array(await response.arrayBuffer()));
}

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

function checkProgress(told) {
  let last = 0;
  for (const { loaded, total, file } of told) {
    assert.ok(loaded > last, `${loaded} after ${last} (${file})`);
    assert.equal(total, told[0].total);
    last = loaded;
  }
  assert.equal(told[0].file, 'model.json');
  assert.equal(last, told[0].total);
}

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

describe('in Chromium', () => {
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

  test('three requests lead to the first result, beside the script', async () => {
    const page = await browser.newPage();
    const requests = [];
    page.on('request', (request) => requests.push(request.url().replace(host.url(0), '')));
    await page.goto(host.origin);
    requests.length = 0;
    await page.evaluate(async (folder) => {
      const { createSession } = await import(`${folder}runtime.js`);
      const session = await createSession(folder);
      await session.run({ input: new Float32Array(192) });
    }, host.url(0));
    const expected = ['runtime.js', 'model.json', MODEL.shaders.file, WEIGHTS];
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
