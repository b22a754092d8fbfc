/**
 * Times onnx2wgsl and the builds of onnxruntime-web in Chromium: node browsers.js REQUEST RESPONSE
 *
 * Two JSON files. The request is {frames, models: [{name, folder, model, input, reference}]}: a compiled folder,
 * its ONNX file, and {name, type, dims, file} of one input and of one output with what onnxruntime makes of it. The
 * response is {browser, adapter, rows: [{model, system, ...}]}; browsers.py makes both. Each system has a browser of
 * its own, empty, and all take turns, run by run.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { launchChromium } from '../tests/js/host.js';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const WEB = join(ROOT, 'node_modules/onnxruntime-web/dist');
const SYSTEMS = [
  { system: 'onnx2wgsl' },
  { system: 'onnxruntime-web, WASM', build: 'ort.wasm.bundle.min.mjs', provider: 'wasm' },
  { system: 'onnxruntime-web, WebGPU', build: 'ort.webgpu.bundle.min.mjs', provider: 'webgpu' },
  {
    system: 'onnxruntime-web, WebGPU by JSPI',
    build: 'ort.jspi.bundle.min.mjs',
    provider: 'webgpu',
  },
  { system: 'onnxruntime-web, JSEP', build: 'ort.bundle.min.mjs', provider: 'webgpu' },
];
const TYPES = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const PATIENCE = 300000;

/** Serves folders by name, gzipped, and counts what goes to whom: /SYSTEM/FOLDER/FILE. */
async function serve(folders) {
  const packed = new Map();
  const sent = new Map();
  const server = createServer((request, response) => {
    const [, system, folder, file] = new URL(request.url, 'http://localhost').pathname.split('/');
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    if (!file) {
      response.setHeader('content-type', 'text/html');
      return response.end('<title>comparison</title><link rel="icon" href="data:,">');
    }
    const path = join(folders[folder] ?? '', file);
    if (!existsSync(path)) return response.writeHead(404).end();
    if (!packed.has(path)) packed.set(path, gzipSync(readFileSync(path), { level: 9 }));
    const body = packed.get(path);
    const count = sent.get(system) ?? [];
    sent.set(system, [...count, { file, bytes: body.length, raw: readFileSync(path).length }]);
    response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.setHeader('content-encoding', 'gzip');
    response.end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { origin: `http://127.0.0.1:${server.address().port}`, sent, close: () => server.close() };
}

/** In the page: from nothing to the first result; `again` is the same frame once more. */
async function start({ folders, build, provider, model, input, output }) {
  const { name, type, dims } = input;
  const array = type === 'uint8' ? Uint8Array : Float32Array;
  const values = new array(await (await fetch(`${folders}/files/${input.file}`)).arrayBuffer());
  const begin = performance.now();
  let adapter = '';
  if (!build) {
    const { createSession } = await import(`${folders}/artifact/runtime.js`);
    const session = await createSession(`${folders}/artifact/`);
    globalThis.again = async () => (await session.run({ [name]: values }))[output.name];
    adapter = session.adapter;
  } else {
    const ort = await import(`${folders}/web/${build}`);
    ort.env.logLevel = 'error';
    const session = await ort.InferenceSession.create(`${folders}/model/${model}`, {
      executionProviders: [provider],
    });
    globalThis.again = async () => {
      const results = await session.run({ [name]: new ort.Tensor(type, values, dims) });
      return results[output.name].getData();
    };
  }
  globalThis.result = await globalThis.again();
  return { first: performance.now() - begin, adapter };
}

/** In the page: how many values differ from the reference, how many by more than 1e-5 of the largest. */
async function differing(url) {
  const have = globalThis.result;
  const want = new have.constructor(await (await fetch(url)).arrayBuffer());
  const tolerance = 1e-5 * want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let [count, beyond, most] = [0, 0, 0];
  want.forEach((value, i) => {
    const apart = Math.abs(value - have[i]);
    count += apart !== 0;
    beyond += !(apart <= tolerance);
    if (!(apart <= most)) most = apart;
  });
  return { count, beyond, most, of: want.length };
}

/** In the page: one more frame, in milliseconds. */
async function frame() {
  const begin = performance.now();
  globalThis.result = await globalThis.again();
  return performance.now() - begin;
}

/** A system in a browser of its own. */
class Runner {
  constructor(server, one, model, index) {
    this.row = {
      model: model.name,
      system: one.system,
      build: one.build ?? 'runtime.js',
      times: [],
    };
    this.server = server;
    this.one = one;
    this.model = model;
    this.id = `s${index}`;
  }

  /** Does what may fail or take for ever; then the row says so. */
  async try(work) {
    if (this.row.failure) return;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('it takes more than five minutes')), PATIENCE);
    });
    try {
      await Promise.race([work(), late]);
    } catch (error) {
      const [line] = error.message.replace(/^page\.evaluate: /, '').split('\n');
      this.row.failure = line.replace(/https?:\S+/g, 'a file').slice(0, 160);
      await this.browser.close();
    } finally {
      clearTimeout(timer);
    }
  }

  async start() {
    this.browser = await launchChromium();
    await this.try(async () => {
      this.page = await this.browser.newPage();
      this.page.on('console', (message) => process.env.VERBOSE && console.error(message.text()));
      await this.page.goto(`${this.server.origin}/${this.id}`);
      const { build, provider } = this.one;
      const { input, reference } = this.model;
      const folders = `${this.server.origin}/${this.id}`;
      const options = { folders, build, provider, model: 'model.onnx', input, output: reference };
      Object.assign(this.row, await this.page.evaluate(start, options));
      const files = this.server.sent.get(this.id).filter(({ file }) => file !== input.file);
      const others = files.filter(({ file }) => !/\.m?js$/.test(file));
      const sum = (key) => files.reduce((total, one) => total + one[key], 0);
      const requests = { requests: files.length, beside: others.length };
      Object.assign(this.row, { ...requests, bytes: sum('bytes'), raw: sum('raw') });
      this.row.firstDiffers = await this.differing();
    });
  }

  differing() {
    const url = `${this.server.origin}/${this.id}/files/${this.model.reference.file}`;
    return this.page.evaluate(differing, url);
  }
}

const [request, response] = argv.slice(2);
const { frames, models } = JSON.parse(readFileSync(request, 'utf8'));
const told = { browser: '', adapter: '', rows: [] };
for (const model of models) {
  const files = dirname(request);
  const server = await serve({
    artifact: model.folder,
    web: WEB,
    model: dirname(model.model),
    files,
  });
  const runners = SYSTEMS.map((one, i) => new Runner(server, one, model, i));
  for (const runner of runners) {
    console.error(`${model.name}: ${runner.row.system}`);
    await runner.start();
  }
  for (let i = 0; i < frames; i++)
    for (const runner of runners)
      await runner.try(async () => runner.row.times.push(await runner.page.evaluate(frame)));
  for (const runner of runners) {
    await runner.try(async () => {
      runner.row.lastDiffers = await runner.differing();
      runner.row.threads = await runner.page.evaluate(() => navigator.hardwareConcurrency);
    });
    told.browser = runner.browser.version();
    told.adapter ||= runner.row.adapter;
    if (!runner.row.failure) await runner.browser.close();
    told.rows.push(runner.row);
  }
  server.close();
}
writeFileSync(response, JSON.stringify(told, null, 1));
