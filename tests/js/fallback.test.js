/** Sessions where there is no WebGPU: onnxruntime-web runs what `compile --keep-onnx` kept. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import {
  AdapterError,
  ArtifactError,
  DestroyedError,
  InputError,
  SessionError,
} from '../../runtime_js/errors.js';
import { fitted } from '../../runtime_js/resize.js';
import { createSession, Session, toPixels } from '../../runtime_js/runtime.js';
import {
  bytesOf,
  fixtureFolder,
  launchChromium,
  nodeAdapter,
  noise,
  PICTURE,
  PYTHON,
  ROOT,
  serve,
  temporaryFolder,
  WITHOUT_WEBGPU,
} from './host.js';

const MODELS = 'unet conv signed several bytes pools functions classes'.split(' ');
const PICTURES = [
  'unet',
  'floats_nchw',
  'floats_nhwc',
  'floats_nchw_alpha',
  'floats_nchw_grey',
  'bytes_nhwc',
];
const site = temporaryFolder();
const fallback = () => import('onnxruntime-web');
const digestOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
/** @type {Record<string, {inputs: Record<string, string>, outputs: Record<string, string>}[]>} */
let cases;

before(() => {
  execFileSync(PYTHON, ['-m', 'tests.js.fallback_models', site], { cwd: ROOT, stdio: 'inherit' });
  cases = JSON.parse(readFileSync(join(site, 'cases.json'), 'utf8'));
});

const open = (name, options = {}) => createSession(join(site, name), { fallback, ...options });

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int64: BigInt64Array };

/** The arrays of a file, by name. */
function read(file, tensors) {
  const all = readFileSync(join(site, file));
  let start = 0;
  return Object.fromEntries(
    tensors.map(({ name, dtype, shape }) => {
      const Kind = ARRAYS[dtype];
      const length = shape.reduce((a, b) => a * b, Kind.BYTES_PER_ELEMENT);
      const own = all.subarray(start, (start += length));
      return [name, new Kind(Uint8Array.from(own).buffer)];
    }),
  );
}

const bufferOf = ({ buffer, byteOffset, byteLength }) =>
  Buffer.from(buffer, byteOffset, byteLength);

describe('every bit is that of onnxruntime', () => {
  for (const name of MODELS)
    test(name, async () => {
      const session = await open(name);
      assert.equal(session.backend, 'onnxruntime-web');
      assert.match(session.adapter, /^onnxruntime-web \d/);
      for (const { inputs, outputs } of cases[name]) {
        const results = await session.run(read(inputs, session.inputs));
        const expected = read(outputs, session.outputs);
        assert.deepEqual(Object.keys(results), Object.keys(expected));
        for (const key of Object.keys(expected)) {
          assert.equal(results[key].constructor, expected[key].constructor);
          assert.ok(bufferOf(results[key]).equals(bufferOf(expected[key])), key);
        }
      }
      session.destroy();
    });

  test('of pictures of another size, and of their pixels, that of WebGPU', async () => {
    const adapter = async () => nodeAdapter();
    for (const name of PICTURES) {
      const gpu = await createSession(join(site, name), { adapter });
      const session = await open(name);
      assert.equal(gpu.backend, 'webgpu');
      assert.deepEqual(session.inputs, gpu.inputs);
      assert.deepEqual(session.outputs, gpu.outputs);
      const [input, output] = [gpu.inputs[0].name, gpu.outputs[0].name];
      for (const options of [{}, { as: 'pixels' }, { fit: 'contain' }]) {
        const feeds = { [input]: noise(30, 20) };
        const [a, b] = await Promise.all([session.run(feeds, options), gpu.run(feeds, options)]);
        assert.equal(a[output].constructor, b[output].constructor);
        assert.ok(
          bufferOf(a[output]).equals(bufferOf(b[output])),
          `${name} ${JSON.stringify(options)}`,
        );
      }
      gpu.destroy();
      session.destroy();
    }
  });
});

describe('pictures are resized as in Python', () => {
  const { pad, cases } = JSON.parse(readFileSync(join(ROOT, 'tests/pictures.json'), 'utf8'));
  for (const { size, input, fit, sha256 } of cases)
    test(`${size.join('x')} to ${input.join('x')}, ${JSON.stringify(fit)}`, () => {
      const { data, width, height } = noise(...size);
      const bytes = fitted({ bytes: new Uint8Array(data.buffer), width, height }, input, fit, pad);
      assert.equal(digestOf(bytes).slice(0, 16), sha256);
    });
});

for (const fit of ['cover', 'contain', 'stretch', { x: 0, y: 0, width: 9, height: 7 }])
  test(`a picture of the input's size stays as it is, ${JSON.stringify(fit)}`, () => {
    const { data } = noise(9, 7);
    const picture = { bytes: new Uint8Array(data.buffer), width: 9, height: 7 };
    const bytes = fitted(picture, [9, 7], fit, [1, 2, 3]);
    assert.deepEqual(bytes, data);
    assert.notEqual(bytes.buffer, data.buffer);
  });

describe('a session', () => {
  test('is one: with names, labels and classes', async () => {
    const session = await open('classes');
    assert.ok(session instanceof Session);
    assert.deepEqual(session.labels, ['a', 'b', 'c', 'd']);
    const { inputs } = cases.classes[0];
    const results = await session.run(read(inputs, session.inputs));
    const [best] = await session.topK(results[session.outputs[0].name], 1);
    assert.equal(best.label, session.labels[best.index]);
    session.destroy();
  });

  test('reads the outputs that are asked for, and runs in the order of the calls', async () => {
    const session = await open('unet');
    const order = [];
    const runs = [noise(8, 8), noise(9, 9), noise(10, 10)].map((input, i) =>
      session.run({ input }, { outputs: i ? ['output'] : [] }).then((results) => {
        order.push(i);
        return Object.keys(results);
      }),
    );
    assert.deepEqual(await Promise.all(runs), [[], ['output'], ['output']]);
    assert.deepEqual(order, [0, 1, 2]);
    session.destroy();
  });

  test('tells what does not fit, as with a device', async () => {
    const session = await open('unet');
    const told = (feeds, message, options) =>
      assert.rejects(session.run(feeds, options), (error) => {
        assert.ok(error instanceof InputError, `${error}`);
        assert.match(error.message, message);
        return true;
      });
    await told({}, /^Input input is missing, expected Float32Array\(3072\) of shape .* a picture/);
    await told({ input: new Float32Array(3) }, /^Input input is Float32Array\(3\), expected/);
    await told({ x: new Float32Array(3) }, /^No input is named x: expected input\.$/);
    await told({ input: noise(4, 4) }, /^No output is named y: expected output\.$/, {
      outputs: ['y'],
    });
    await told({ input: noise(4, 4) }, /^fit is x, expected cover/, { fit: 'x' });
    await told({ input: noise(4, 4) }, /^as is x, expected values or pixels\.$/, { as: 'x' });
    await told({ input: noise(4, 4) }, /^No option is named y:/, { y: 1 });
    await assert.rejects(session.draw({}), /^InputError: The canvas gives no 2-D context/);
    await session.prepare();
    session.destroy();
    await assert.rejects(session.prepare(), DestroyedError);
    await assert.rejects(session.run({ input: noise(4, 4) }), DestroyedError);
    await assert.rejects(session.draw({}), DestroyedError);
  });

  test('has nothing that takes a device, and says so', async () => {
    const session = await open('conv');
    const device =
      / needs a WebGPU device, and this session runs in onnxruntime-web: see its backend/;
    for (const what of ['device', 'variants']) assert.throws(() => session[what], SessionError);
    for (const what of ['encode', 'outputBuffer'])
      assert.throws(() => session[what](), { name: 'SessionError', message: device });
    for (const what of ['toTexture', 'selfTest', 'tune', 'profile', 'recover'])
      await assert.rejects(session[what](), { name: 'SessionError', message: device });
    session.destroy();
    session.destroy();
  });

  test('that is destroyed while it runs rejects, and frees the model after that', async () => {
    const session = await open('unet');
    const run = session.run({ input: noise(8, 8) });
    session.destroy();
    await assert.rejects(run, DestroyedError);
  });
});

describe('loading', () => {
  test('takes the ONNX model alone, tells how far it is, and keeps it in a cache', async () => {
    const host = await serve([site]);
    after(() => host.close());
    const asked = [];
    const fetch = (url, ...rest) => {
      asked.push(basename(new URL(url).pathname));
      return globalThis.fetch(url, ...rest);
    };
    const kept = new Map();
    const cache = {
      match: async (url) => kept.get(url)?.clone(),
      put: async (url, response) => void kept.set(url, response),
    };
    const told = [];
    const options = { fallback, fetch, cache, onProgress: (progress) => told.push(progress) };
    const source = `${host.url(0)}conv/`;
    (await createSession(source, options)).destroy();
    const { onnx } = JSON.parse(readFileSync(join(site, 'conv/model.json'), 'utf8'));
    assert.deepEqual(asked, ['model.json', onnx.file]);
    assert.equal(told.at(-1).loaded, told.at(-1).total);
    (await createSession(source, options)).destroy();
    assert.deepEqual(asked, ['model.json', onnx.file, 'model.json']);
  });

  test('is not done where there is a device', async () => {
    const never = () => assert.fail('the fallback was asked for');
    const adapter = await nodeAdapter();
    const session = await createSession(join(site, 'conv'), { adapter, fallback: never });
    assert.equal(session.backend, 'webgpu');
    session.destroy();
  });

  test('is done where a device is too small', async () => {
    const adapter = await nodeAdapter();
    const device = await adapter.requestDevice();
    const small = new Proxy(device, {
      get: (target, name) =>
        name === 'limits' ? { maxStorageBufferBindingSize: 4 } : target[name],
    });
    const session = await open('conv', { device: small });
    assert.equal(session.backend, 'onnxruntime-web');
    session.destroy();
    device.destroy();
  });

  test('is done where an adapter gives no device', async () => {
    const adapter = await nodeAdapter();
    await adapter.requestDevice(); // it gives one alone
    await assert.rejects(createSession(join(site, 'conv'), { adapter }), {
      name: 'OperationError',
    });
    const session = await open('conv', { adapter });
    assert.equal(session.backend, 'onnxruntime-web');
    session.destroy();
  });

  test('is done where a function gives no adapter', async () => {
    const session = await open('conv', { adapter: async () => null });
    assert.equal(session.backend, 'onnxruntime-web');
    session.destroy();
  });

  test('is ended by a signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const late = async () => {
      controller.abort(reason);
      return fallback();
    };
    await assert.rejects(open('conv', { fallback: late, signal: controller.signal }), reason);
  });
});

describe('what goes wrong is told', () => {
  const NO_GPU = /^WebGPU is missing here: .*/;

  test('without a fallback: that there is one', async () => {
    await assert.rejects(createSession(join(site, 'conv')), (error) => {
      assert.ok(error instanceof AdapterError);
      assert.match(error.message, NO_GPU);
      assert.match(error.message, /Or compile with --keep-onnx and give a fallback\.$/);
      return true;
    });
  });

  test('an artifact without the model, and a bundle', async () => {
    const bundle = join(site, 'unet', 'unet.onnx2wgsl');
    const answer = new Response(readFileSync(bundle));
    for (const source of [fixtureFolder(), bundle, answer])
      await assert.rejects(createSession(source, { fallback }), (error) => {
        assert.ok(error instanceof ArtifactError);
        assert.ok(error.cause instanceof AdapterError);
        assert.match(error.message, /no ONNX model to fall back to: compile it with --keep-onnx/);
        assert.doesNotMatch(error.message, /option fallback/);
        return true;
      });
  });

  test('a model that is another one, and one that is missing', async () => {
    const folder = join(temporaryFolder(), 'conv');
    cpSync(join(site, 'conv'), folder, { recursive: true });
    const { onnx } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
    const bytes = readFileSync(join(folder, onnx.file));
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(join(folder, onnx.file), bytes);
    await assert.rejects(createSession(folder, { fallback }), {
      name: 'ArtifactError',
      message: /^model-[0-9a-f]+\.onnx is damaged.*\n  SHA-256 is /,
    });
    await assert.rejects(
      createSession({ 'model.json': readFileSync(join(folder, 'model.json')) }, { fallback }),
      { name: 'MissingFileError' },
    );
  });

  test('a fallback that cannot be imported, and one that is none', async () => {
    await assert.rejects(open('conv', { fallback: () => import('no-such-package') }), (error) => {
      assert.ok(error instanceof AdapterError);
      assert.match(error.message, NO_GPU);
      assert.match(error.message, /And the fallback can't be loaded: .*no-such-package/);
      return true;
    });
    await assert.rejects(open('conv', { fallback: async () => ({}) }), {
      name: 'InputError',
      message: /^fallback gave no onnxruntime-web: give a function/,
    });
  });

  test('an artifact that is damaged, and an input that is wrong, fall back to nothing', async () => {
    const never = () => assert.fail('the fallback was asked for');
    const damaged = fixtureFolder(undefined, (files) => (files['weights.bin'] = 'x'));
    const options = { adapter: await nodeAdapter(), fallback: never };
    await assert.rejects(createSession(damaged, options), ArtifactError);
    await assert.rejects(createSession(damaged, { ...options, dots: 1 }), InputError);
  });
});

describe('in Chromium without WebGPU', () => {
  let browser, host, page;

  before(async () => {
    for (const name of [
      'ort.wasm.min.mjs',
      'ort-wasm-simd-threaded.mjs',
      'ort-wasm-simd-threaded.wasm',
    ])
      copyFileSync(join(ROOT, 'node_modules/onnxruntime-web/dist', name), join(site, name));
    copyFileSync(PICTURE, join(site, 'picture.png'));
    host = await serve([site]);
    browser = await launchChromium([], WITHOUT_WEBGPU);
    page = await browser.newPage();
    await page.goto(host.origin);
  });

  after(async () => {
    await browser?.close();
    host?.close();
  });

  test('a picture is made of a picture, and shown, as by WebGPU', async () => {
    const shown = await page.evaluate(async (base) => {
      const { createSession } = await import(`${base}unet/runtime.js`);
      const session = await createSession(`${base}unet/`, {
        fallback: () => import(`${base}ort.wasm.min.mjs`),
      });
      const file = await (await fetch(`${base}picture.png`)).blob();
      const canvases = [32, 64, 13].map((side) => new OffscreenCanvas(side, side));
      await session.frame(file, canvases[0]);
      await session.draw(canvases[1]);
      await session.draw(canvases[2], { scaling: 'bicubic' });
      const { output } = await session.run({ input: file }, { as: 'pixels' });
      const bitmap = await createImageBitmap(file);
      const textOf = (bytes) => new Uint8Array(bytes).toBase64();
      const image = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
      image.drawImage(bitmap, 0, 0);
      const { data, width, height } = image.getImageData(0, 0, bitmap.width, bitmap.height);
      return {
        gpu: Boolean(navigator.gpu && (await navigator.gpu.requestAdapter())),
        backend: session.backend,
        source: { text: textOf(data), width, height },
        pixels: textOf(output),
        canvases: canvases.map((canvas) =>
          textOf(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data),
        ),
      };
    }, host.url(0));
    assert.equal(shown.gpu, false);
    assert.equal(shown.backend, 'onnxruntime-web');
    const { text, width, height } = shown.source;
    const gpu = await createSession(join(site, 'unet'), { adapter: await nodeAdapter() });
    const picture = { data: Uint8ClampedArray.from(bytesOf(text)), width, height };
    const { output } = await gpu.run({ input: picture });
    const expected = toPixels(gpu.outputs[0], output);
    gpu.destroy();
    assert.equal(digestOf(bytesOf(shown.pixels)), digestOf(expected));
    assert.equal(digestOf(bytesOf(shown.canvases[0])), digestOf(expected));
    const twice = Uint8ClampedArray.from({ length: 4 * 64 * 64 }, (_, i) => {
      const [x, y] = [(i >> 2) & 63, i >> 8];
      return expected[4 * (32 * (y >> 1) + (x >> 1)) + (i & 3)];
    });
    assert.equal(digestOf(bytesOf(shown.canvases[1])), digestOf(twice));
    assert.ok(new Set(bytesOf(shown.canvases[2])).size > 30);
  });

  test('what cannot be shown is told', async () => {
    const messages = await page.evaluate(async (base) => {
      const { createSession } = await import(`${base}unet/runtime.js`);
      const session = await createSession(`${base}unet/`, {
        fallback: () => import(`${base}ort.wasm.min.mjs`),
      });
      const taken = new OffscreenCanvas(8, 8);
      taken.getContext('webgl2');
      const free = new OffscreenCanvas(8, 8);
      const told = [
        session.draw(free),
        session.draw(taken),
        session.draw(free, { scaling: 'x' }),
        session.draw(free, { output: 'x' }),
        session.frame(new OffscreenCanvas(0, 8), free),
        session.frame(new Blob(['x']), free),
      ];
      return Promise.all(
        told.map((one) =>
          one.then(
            () => 'done',
            ({ name, message }) => `${name}: ${message}`,
          ),
        ),
      );
    }, host.url(0));
    const expected = [
      /^SessionError: There is nothing to draw yet: run a frame first\.$/,
      /^InputError: The canvas gives no 2-D context: it is none, or it has another one\.$/,
      /^InputError: scaling is x, expected nearest or bicubic\.$/,
      /^InputError: No output is named x: expected output\.$/,
      /^InputError: Input input is a OffscreenCanvas that is empty\.$/,
      /^InputError: Input input is a file that can't be read as a picture/,
    ];
    for (const [i, message] of messages.entries()) assert.match(message, expected[i]);
  });
});
