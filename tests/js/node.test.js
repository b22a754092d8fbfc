import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';

import { frameOf } from '../../runtime_js/feeds.js';
import { createSession, toPixels } from '../../runtime_js/runtime.js';
import { bytesModel, constantModel, reference } from './fixture.js';
import {
  artifactFolders,
  countCalls,
  fixtureFolder,
  nameOf,
  nodeAdapter,
  OTHERS,
  TAKEN,
  wishesOf,
} from './host.js';
import { FIXTURE, newDevice, openSession } from './sessions.js';

const PIXELS = 64;
const zeros = () => new Float32Array(3 * PIXELS);

for (const folder of artifactFolders())
  describe(`${nameOf(folder)} in Node, by the scripts of its folder`, () => {
    let create, device, session;

    before(async () => {
      ({ createSession: create } = await import(`${pathToFileURL(folder)}/runtime.js`));
      device = await newDevice();
      session = await create(folder, { device, ...OTHERS });
    });

    after(() => device.destroy());

    function assertRight(report, { dot, requantize }) {
      assert.ok(report.ok, report.message);
      assert.equal(report.variants.dot, dot);
      assert.equal(report.variants.requantize, requantize);
      assert.ok(report.kernels.length > 0 && report.kernels.every(({ ok }) => ok));
    }

    for (const wishes of wishesOf(folder))
      test(`passes its self-test, asked for ${Object.values(wishes).join(', ') || 'nothing'}`, async () => {
        const own = await create(folder, { adapter: await nodeAdapter(), ...wishes });
        const report = await own.selfTest();
        own.destroy();
        assertRight(report, { ...TAKEN, ...wishes });
      });

    test('passes its self-test in the session of the tests below', async () =>
      assertRight(await session.selfTest(), OTHERS));

    test('gives the same bits for a picture and for its values', async () => {
      const [{ name, shape, image }] = session.inputs;
      const [, channels, height, width] = shape;
      const plane = height * width;
      const data = Uint8ClampedArray.from({ length: 4 * plane }, (_, i) => (i * 2654435761) >>> 13);
      const values = Float32Array.from({ length: channels * plane }, (_, i) => {
        return data[4 * (i % plane) + Math.floor(i / plane)] * image.scale[0] + image.offset[0];
      });
      const fromPicture = await session.run({ [name]: { data, width, height } });
      const fromValues = await session.run({ [name]: values });
      assert.deepEqual(fromPicture, fromValues);
    });

    test('makes the pixels of toPixels', async () => {
      const [{ name, shape }] = session.inputs;
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) =>
        Math.sin(i * i),
      );
      const { output } = await session.run({ [name]: values });
      const { output: pixels } = await session.run({ [name]: values }, { as: 'pixels' });
      assert.ok(Buffer.from(pixels).equals(Buffer.from(toPixels(session.outputs[0], output))));
    });

    test('allocates nothing after the first run', async () => {
      const [{ name, shape }] = session.inputs;
      const values = new Float32Array(shape.reduce((a, b) => a * b));
      const [, , height, width] = shape;
      const picture = { data: new Uint8ClampedArray(4 * height * width), height, width };
      await session.run({ [name]: values });
      await session.run({ [name]: picture });
      const calls = countCalls(device);
      for (let i = 0; i < 2; i++) {
        await session.run({ [name]: values });
        await session.run({ [name]: picture });
      }
      assert.deepEqual(calls, { createCommandEncoder: 4, submit: 4, writeBuffer: 4 });
    });
  });

describe('run', () => {
  test('equals arithmetic done in JS, and gives pictures back', async () => {
    const session = await openSession();
    const input = Float32Array.from({ length: 3 * PIXELS }, (_, i) => Math.sin(i) * 1.5);
    const { output } = await session.run({ input });
    assert.deepEqual(output, reference(input).output);
    const pixels = toPixels(session.outputs[0], output);
    assert.deepEqual(
      [...pixels.slice(0, 4)],
      [0, 1, 2].map((c) => output[c * PIXELS] * 128 + 128).concat(255),
    );
  });

  test('calls in flight wait for each other', async () => {
    const session = await openSession();
    const inputs = [0.1, -0.7, 0.9].map((x) => zeros().fill(x));
    const results = await Promise.all(inputs.map((input) => session.run({ input })));
    results.forEach(({ output }, i) => assert.deepEqual(output, reference(inputs[i]).output));
  });

  test('takes and gives bytes that fill no whole word', async () => {
    const session = await openSession(fixtureFolder(bytesModel));
    assert.deepEqual(session.inputs, [{ name: 'x', dtype: 'uint8', shape: [1, 5] }]);
    const { y } = await session.run({ x: Uint8Array.of(0, 1, 127, 128, 255) });
    assert.deepEqual(y, Int8Array.of(-128, -127, -1, 0, 127));
    assert.ok((await session.selfTest()).ok);
  });

  test('takes a view into a larger array', async () => {
    const session = await openSession();
    const input = new Float32Array(5 * PIXELS).fill(0.5).subarray(PIXELS, 4 * PIXELS);
    assert.deepEqual((await session.run({ input })).output, reference(input).output);
  });

  for (const [what, feeds, message] of [
    ['an unknown name', { image: zeros() }, /No input is named image: expected input\./],
    ['a missing input', {}, /Input input is missing, expected Float32Array\(192\)/],
    ['a short array', { input: new Float32Array(3) }, /Float32Array\(3\).*Float32Array\(192\)/],
    ['a wrong dtype', { input: new Uint8Array(192) }, /Uint8Array\(192\).*Float32Array\(192\)/],
    ['a plain array', { input: [...zeros()] }, /is Array\(192\)/],
    ['null', { input: null }, /is Null, expected Float32Array/],
    ['a number', { input: 5 }, /is Number, expected Float32Array/],
    ['no inputs', undefined, /Input input is missing/],
    ['null for all inputs', null, /Input input is missing/],
    ['a DataView', { input: new DataView(new ArrayBuffer(768)) }, /is DataView, expected/],
    [
      'what only says that it is an array',
      { input: { [Symbol.toStringTag]: 'Float32Array', length: 192 } },
      /is Object\(192\), expected Float32Array/,
    ],
    [
      'a picture of fewer bytes',
      { input: { data: new Uint8ClampedArray(16), width: 2, height: 3 } },
      /picture of 2x3 in 16 bytes, expected 24 \(RGBA\)\.$/,
    ],
    [
      'a picture without an alpha channel',
      { input: { data: new Uint8Array(192), width: 8, height: 8 } },
      /picture of 8x8 in 192 bytes, expected 256 \(RGBA\)\.$/,
    ],
    [
      'a picture of floats',
      { input: { data: new Float32Array(256), width: 8, height: 8 } },
      /picture of Float32Array, expected bytes: Uint8ClampedArray or Uint8Array\.$/,
    ],
    [
      'a picture in a plain array',
      { input: { data: Array(256).fill(0), width: 8, height: 8 } },
      /picture of Array, expected bytes/,
    ],
  ])
    test(`refuses ${what}, and runs on`, async () => {
      const session = await openSession();
      await assert.rejects(session.run(feeds), { message });
      assert.ok((await session.run({ input: zeros() })).output);
    });
});

describe('a picture', () => {
  const bytes = Uint8ClampedArray.from({ length: 4 * PIXELS }, (_, i) => i * 37);
  const values = Float32Array.from({ length: 3 * PIXELS }, (_, i) => {
    return bytes[4 * (i % PIXELS) + Math.floor(i / PIXELS)] / 128 - 1;
  });
  const foreign = (name) => runInNewContext(`${name}.from(bytes)`, { bytes: [...bytes] });
  for (const [what, data] of [
    ['a Uint8ClampedArray', bytes],
    ['a Uint8Array', new Uint8Array(bytes)],
    ['a Buffer, as decoders of Node give it', Buffer.from(bytes)],
    ['a Uint8ClampedArray of another realm', foreign('Uint8ClampedArray')],
    ['a Uint8Array of another realm', foreign('Uint8Array')],
  ])
    test(`may be ${what}`, async () => {
      const session = await openSession();
      const { output } = await session.run({ input: { data, width: 8, height: 8 } });
      assert.deepEqual(output, reference(values).output);
    });

  test('is refused where the input takes none', async () => {
    const session = await openSession(fixtureFolder(bytesModel));
    await assert.rejects(session.run({ x: { data: bytes, width: 8, height: 8 } }), {
      message: 'Input x is Object, expected Uint8Array(5) of shape 1x5.',
    });
  });
});

test('values and pictures that threads share are taken', async () => {
  const session = await openSession();
  const shared = (values) => {
    const copy = new values.constructor(new SharedArrayBuffer(values.byteLength));
    copy.set(values);
    return copy;
  };
  const values = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
  const { output } = await session.run({ input: values });
  assert.deepEqual((await session.run({ input: shared(values) })).output, output);
  for (const side of [8, 9]) {
    const data = Uint8Array.from({ length: 4 * side * side }, (_, i) => i * 37);
    const picture = { data, width: side, height: side };
    const { output } = await session.run({ input: picture });
    const results = await session.run({ input: { ...picture, data: shared(data) } });
    assert.deepEqual(results.output, output);
  }
});

test('values of another realm are taken', async () => {
  const session = await openSession();
  const input = runInNewContext('new Float32Array(192).fill(0.5)');
  assert.deepEqual((await session.run({ input })).output, reference(input).output);
});

test('what the device refuses of an upload is told, and the caller has no error', async () => {
  const device = await (await nodeAdapter()).requestDevice();
  const session = await openSession(FIXTURE, { device });
  const errors = [];
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
  const write = device.queue.writeBuffer;
  device.queue.writeBuffer = (buffer, offset, data) =>
    write.call(device.queue, buffer, offset + buffer.size, data);
  await assert.rejects(session.run({ input: zeros() }), { message: /^The frame failed: / });
  device.queue.writeBuffer = write;
  assert.ok((await session.run({ input: zeros() })).output);
  assert.deepEqual(errors, []);
});

test('a model without inputs', async () => {
  const session = await openSession(fixtureFolder(constantModel));
  assert.deepEqual(session.inputs, []);
  assert.deepEqual(await session.run(), { y: Int8Array.of(1, 2, 3, 4) });
  assert.ok((await session.selfTest()).ok);
  await assert.rejects(session.run({ x: zeros() }), {
    message: 'No input is named x: expected none.',
  });
});

test('an int64 that 32 bits do not hold is refused', () => {
  const model = { inputs: [{ name: 'ids', dtype: 'int64', shape: [2] }] };
  const buffers = new Map([['input:ids', {}]]);
  const program = { model, buffers, steps: [], pictureSteps: [], pictures: [] };
  const { writes } = frameOf(program, { ids: BigInt64Array.of(1n - 2n ** 31n, 2n ** 31n - 1n) });
  assert.equal(writes[0].bytes.byteLength, 16);
  assert.throws(() => frameOf(program, { ids: BigInt64Array.of(0n, 2n ** 31n) }), {
    message: /Input ids holds 2147483648; an int64 is computed in 32 bits/,
  });
});

test('an int64 output that 32 bits did not hold is refused', async () => {
  const folder = fixtureFolder(({ model, shaders }) => {
    bytesModel({ model, shaders });
    shaders['00_flip.wgsl'] = `@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<i32>>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < 2u) { y[id.x] = vec2(x[id.x], x[id.x] >> 31u); }
}
`;
    Object.assign(model.inputs[0], { dtype: 'int32', shape: [2] });
    Object.assign(model.outputs[0], { dtype: 'int64', shape: [2] });
  });
  const session = await openSession(folder);
  const { y } = await session.run({ x: Int32Array.of(-5, 2 ** 31 - 1) });
  assert.deepEqual(y, BigInt64Array.of(-5n, 2n ** 31n - 1n));
  await assert.rejects(session.run({ x: Int32Array.of(0, -(2 ** 31)) }), {
    message: /^Output y overflows; an int64 is computed in 32 bits/,
  });
});

describe('variants', () => {
  /** SwiftShader's device under the name of a GPU. */
  async function likeHardware() {
    const device = await (await nodeAdapter()).requestDevice();
    Object.defineProperty(device, 'adapterInfo', { value: { architecture: 'gpu' } });
    return device;
  }

  test('a software adapter gets emulated', async () => {
    const { variants } = await openSession();
    assert.equal(variants.dot, 'emulated');
    assert.match(variants.why.dot, /software adapter/);
  });

  test('are probed: packed and fast where the device has them', async () => {
    const { variants } = await openSession(FIXTURE, { device: await likeHardware() });
    assert.equal(variants.dot, 'packed');
    assert.equal(variants.requantize, 'fast');
    assert.match(variants.why.dot, /compiles/);
    assert.match(variants.why.requantize, /meets all 150 probe cases/);
  });

  test('fall to emulated where packed does not compile', async () => {
    const folder = fixtureFolder(({ shaders }) => {
      shaders['dot_packed.wgsl'] = 'requires no_such_feature;\n';
    });
    const session = await openSession(folder, { device: await likeHardware() });
    assert.equal(session.variants.dot, 'emulated');
    assert.match(session.variants.why.dot, /does not compile/);
    assert.ok((await session.selfTest()).ok);
  });

  test('fall to integer where one probe case differs', async () => {
    const folder = fixtureFolder(({ cases }) => (cases[149][3] ^= 1));
    const session = await openSession(folder);
    assert.equal(session.variants.requantize, 'integer');
    assert.match(session.variants.why.requantize, /misses 1 of 150/);
    assert.ok((await session.selfTest()).ok);
  });

  test('are refused where they are named otherwise', async () => {
    await assert.rejects(openSession(FIXTURE, { dots: 'packed' }), {
      message:
        'No option is named dots: expected device, adapter, gpu, powerPreference, ' +
        'requiredFeatures, dot, requantize, debug, recover, profile, ' +
        'fallback, fetch, cache, signal, onProgress, validate.',
    });
  });

  test('are refused where unknown', async () => {
    await assert.rejects(openSession(FIXTURE, { dot: 'magic' }), {
      message: 'No variant of dot is named magic: expected packed, emulated.',
    });
  });
});

describe('devices', () => {
  test('limits above the defaults are asked for where the adapter has them', async () => {
    const bytes = 200 << 20; // over the default of 128 MiB a binding
    const folder = fixtureFolder(({ model }) => (model.arena.bytes = bytes));
    const session = await openSession(folder);
    assert.ok(session.device.limits.maxStorageBufferBindingSize >= bytes);
    const plain = await (await nodeAdapter()).requestDevice();
    await assert.rejects(openSession(folder, { device: plain }), {
      message: /needs maxStorageBufferBindingSize 209715200, the device has 134217728/,
    });
    plain.destroy();
  });

  test('the adapter is that of the power preference, also after a loss', async () => {
    const wishes = [];
    const gpu = {
      requestAdapter(wish) {
        wishes.push(wish);
        return nodeAdapter();
      },
    };
    const session = await createSession(FIXTURE, { gpu, powerPreference: 'low-power' });
    await session.recover();
    session.destroy();
    (await createSession(FIXTURE, { gpu })).destroy();
    const [low, high] = ['low-power', 'high-performance'];
    assert.deepEqual(
      wishes.map(({ powerPreference }) => powerPreference),
      [low, low, high],
    );
    await assert.rejects(createSession(FIXTURE, { gpu, powerPreference: 'low' }), {
      code: 'input',
      message: 'No powerPreference is named low: expected high-performance, low-power.',
    });
  });

  test('have the features that are required, or are refused', async () => {
    const feature = 'depth-clip-control';
    const session = await openSession(FIXTURE, { requiredFeatures: [feature] });
    assert.ok(session.device.features.has(feature));
    await session.recover();
    assert.ok(session.device.features.has(feature));
    await assert.rejects(openSession(FIXTURE, { requiredFeatures: ['telepathy'] }), {
      code: 'adapter',
      message: /^requiredFeatures has telepathy, which adapter .+ lacks\./,
    });
    const device = await (await nodeAdapter()).requestDevice();
    await assert.rejects(openSession(FIXTURE, { device, requiredFeatures: [feature] }), {
      code: 'adapter',
      message: /^requiredFeatures has depth-clip-control, which the device lacks\./,
    });
    device.destroy();
  });

  test('no adapter, from whoever makes it', async () => {
    for (const options of [
      { adapter: async () => null },
      { gpu: { requestAdapter: async () => null } },
    ])
      await assert.rejects(createSession(FIXTURE, options), {
        code: 'adapter',
        message: /^WebGPU found no adapter: .* give a fallback\.$/,
      });
  });

  test('no WebGPU', async () => {
    await assert.rejects(createSession(FIXTURE), { message: /WebGPU is missing here/ });
  });

  test('a file: URL works as well as a path', async () => {
    const session = await openSession(pathToFileURL(FIXTURE));
    assert.equal(session.name, 'fixture');
  });

  test('nothing runs after destroy, and lost resolves', async () => {
    const session = await openSession();
    const running = session.run({ input: zeros() });
    session.destroy();
    await assert.rejects(running, { message: /The session was destroyed/ });
    await assert.rejects(session.run({ input: zeros() }), { message: /session was destroyed/ });
    await assert.rejects(session.selfTest(), { message: /session was destroyed/ });
    assert.equal((await session.lost).reason, 'destroyed');
  });

  test('destroy leaves a given device alive', async () => {
    const device = await (await nodeAdapter()).requestDevice();
    (await openSession(FIXTURE, { device })).destroy();
    const again = await openSession(FIXTURE, { device });
    assert.ok((await again.selfTest()).ok);
    device.destroy();
  });

  test('a lost device is named', async () => {
    const device = await (await nodeAdapter()).requestDevice();
    const session = await openSession(FIXTURE, { device });
    const running = session.run({ input: zeros() });
    device.destroy();
    await assert.rejects(running, {
      message: /GPU device was lost .*give session.recover a new one/,
    });
    await session.lost;
    await assert.rejects(session.run({ input: zeros() }), { message: /GPU device was lost/ });
  });
});
