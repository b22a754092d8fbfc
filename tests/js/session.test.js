/** Frames in flight, what is recorded for the caller, and what becomes of a session whose device is lost. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { DeviceLostError } from '../../runtime_js/runtime.js';
import { STORES } from './fixture.js';
import { countCalls, fixtureFolder, nodeAdapter } from './host.js';
import { FIXTURE, expected, filled, newDevice, openSession } from './sessions.js';

/** A model whose second output equals the first. */
function twoOutputs({ model }) {
  const last = model.kernels.at(-1);
  const buffers = ['output:output', 'output:second'];
  const renamed = (record) => ({
    ...record,
    buffer: record.buffer === buffers[0] ? buffers[1] : record.buffer,
  });
  const kernel = {
    ...last,
    name: 'second',
    bindings: last.bindings.map(renamed),
  };
  STORES.set('second', STORES.get(last.name).map(renamed));
  model.kernels.push(kernel);
  model.outputs.push({ ...model.outputs[0], name: 'second' });
  model.vectors.kernels.push(model.vectors.kernels.at(-1));
  model.vectors.outputs.second = model.vectors.outputs.output;
}

/** The floats of a buffer, by the caller's own means. */
async function floatsOf(device, buffer, encoder = device.createCommandEncoder()) {
  const staging = device.createBuffer({ size: buffer.size, usage: 0x9 });
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  return new Float32Array(staging.getMappedRange());
}

describe('run', () => {
  test('has several frames in flight, and resolves in order', async () => {
    const session = await openSession();
    const order = [];
    const runs = Array.from({ length: 8 }, (_, i) =>
      session.run({ input: filled(i / 8) }).then(({ output }) => {
        order.push(i);
        assert.deepEqual(output, expected(i / 8));
      }),
    );
    await Promise.all(runs);
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('a refused frame in between leaves its neighbours', async () => {
    const session = await openSession();
    const runs = [0.1, NaN, 0.2, NaN, 0.3, NaN, 0.4].map((x) =>
      session
        .run({ input: Number.isNaN(x) ? [] : filled(x) })
        .then(({ output }) => output[0], String),
    );
    const results = await Promise.all(runs);
    const right = (x) => expected(x)[0];
    assert.match(results[1], /^InputError: Input input is Array/);
    assert.deepEqual(
      results.filter((result) => typeof result === 'number'),
      [0.1, 0.2, 0.3, 0.4].map(right),
    );
  });

  test('reads the outputs that are named', async () => {
    const session = await openSession(fixtureFolder(twoOutputs));
    const run = (outputs) => session.run({ input: filled(0.5) }, outputs && { outputs });
    const output = expected(0.5);
    assert.deepEqual(await run(), { output, second: output });
    assert.deepEqual(await run(['second']), { second: output });
    assert.deepEqual(await run([]), {});
    await assert.rejects(run(['third']), {
      message: 'No output is named third: expected output, second.',
    });
    await assert.rejects(session.run({ input: filled(0) }, { output: [] }), {
      message: 'No option is named output: expected outputs, as, fit.',
    });
    assert.ok((await session.selfTest()).ok);
  });

  test('makes nothing after the first frame, submits once, opens no error scope', async () => {
    const device = await newDevice();
    const session = await openSession(FIXTURE, { device });
    const picture = { data: new Uint8ClampedArray(256), width: 8, height: 8 };
    await session.run({ input: filled(0) });
    await session.run({ input: picture });
    const calls = countCalls(device);
    await Promise.all(
      [filled(1), picture, filled(2), picture].map((input) => session.run({ input })),
    );
    assert.deepEqual(calls, { createCommandEncoder: 4, submit: 4, writeBuffer: 4 });
    device.destroy();
  });

  test('opens them for each frame with debug', async () => {
    const device = await newDevice();
    const session = await openSession(FIXTURE, { device, debug: true });
    await session.run({ input: filled(0) });
    const calls = countCalls(device);
    await session.run({ input: filled(0) });
    assert.equal(calls.pushErrorScope, 2);
    device.destroy();
  });

  test('what its own device reports later is the error of the frames in flight', async () => {
    const session = await openSession();
    const { device } = session;
    await session.run({ input: filled(0) });
    const write = device.queue.writeBuffer;
    device.queue.writeBuffer = (buffer, offset, data) =>
      write.call(device.queue, buffer, offset + buffer.size, data);
    const failing = session.run({ input: filled(0.5) });
    device.queue.writeBuffer = write;
    await assert.rejects(failing, { message: /^The device failed: / });
    assert.deepEqual((await session.run({ input: filled(0.5) })).output, expected(0.5));
  });

  test('and of the next frame, where nothing is read', async () => {
    const session = await openSession();
    const { device } = session;
    const texture = device.createTexture({ size: [8, 8], format: 'rgba8unorm', usage: 0x11 });
    const source = { data: new Uint8ClampedArray(256), width: 8, height: 8 };
    await session.frame(source, texture);
    const write = device.queue.writeBuffer;
    device.queue.writeBuffer = (buffer, offset, data) =>
      write.call(device.queue, buffer, offset + buffer.size, data);
    await session.frame(source, texture);
    device.queue.writeBuffer = write;
    await device.queue.onSubmittedWorkDone();
    await new Promise((done) => setTimeout(done, 10));
    await assert.rejects(session.frame(source, texture), { message: /^The device failed: / });
    await session.frame(source, texture);
  });

  test('submits empty work in Firefox while it waits', async () => {
    const device = await newDevice();
    const session = await openSession(FIXTURE, { device });
    await session.run({ input: filled(0) });
    const calls = countCalls(device);
    const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
    const value = {
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
    };
    Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
    const map = Object.getPrototypeOf(session.outputBuffer('output')).mapAsync;
    const late = (buffer, ...args) =>
      map.apply(buffer, args).then(() => new Promise((done) => setTimeout(done, 30)));
    Object.getPrototypeOf(session.outputBuffer('output')).mapAsync = function (...args) {
      return late(this, ...args);
    };
    try {
      const { output } = await session.run({ input: filled(0.5) });
      assert.deepEqual(output, expected(0.5));
    } finally {
      Object.getPrototypeOf(session.outputBuffer('output')).mapAsync = map;
      if (own) Object.defineProperty(globalThis, 'navigator', own);
      else delete globalThis.navigator;
    }
    assert.ok(calls.submit > 3, `${calls.submit} submits`);
    const { submit } = calls;
    await new Promise((done) => setTimeout(done, 20));
    assert.equal(calls.submit, submit, 'the timer goes on');
    device.destroy();
  });
});

describe('encode', () => {
  test('records into the encoder of the caller, and submits nothing', async () => {
    const device = await newDevice();
    const session = await openSession(FIXTURE, { device });
    const target = device.createBuffer({ size: 768, usage: 0xc });
    const calls = countCalls(device);
    const encoder = device.createCommandEncoder();
    session.encode(encoder, { inputs: { input: filled(0.5) }, outputs: { output: target } });
    assert.deepEqual(calls, { createCommandEncoder: 1, writeBuffer: 1 });
    assert.deepEqual(await floatsOf(device, target, encoder), expected(0.5));
    assert.deepEqual(await floatsOf(device, session.outputBuffer('output')), expected(0.5));
    session.destroy();
    assert.deepEqual(await floatsOf(device, target), expected(0.5));
    device.destroy();
  });

  test('refuses what it cannot copy to', async () => {
    const session = await openSession();
    const { device } = session;
    const encode = (size, usage, name = 'output') =>
      session.encode(device.createCommandEncoder(), {
        inputs: { input: filled(0) },
        outputs: { [name]: device.createBuffer({ size, usage }) },
      });
    assert.throws(() => encode(764, 8), {
      message:
        'The target of output output is a GPUBuffer of 764 bytes and usage 8, expected 768 bytes and COPY_DST.',
    });
    assert.throws(() => encode(768, 4), {
      code: 'input',
      message: /expected 768 bytes and COPY_DST/,
    });
    const none = { inputs: { input: filled(0) }, outputs: { output: undefined } };
    assert.throws(() => session.encode(device.createCommandEncoder(), none), {
      code: 'input',
      message: /^The target of output output is a GPUBuffer of undefined bytes/,
    });
    assert.throws(() => encode(768, 8, 'x'), { message: 'No output is named x: expected output.' });
    assert.throws(() => session.outputBuffer('x'), { message: /No output is named x/ });
    assert.throws(() => session.encode(device.createCommandEncoder()), {
      message: /input is missing/,
    });
    const told = () =>
      session.encode(device.createCommandEncoder(), { inputs: {}, output: device });
    assert.throws(told, {
      code: 'input',
      message: 'No option is named output: expected inputs, outputs, fit.',
    });
    encode(768, 8);
  });

  test('takes pictures after prepare, also on another device', async () => {
    const session = await openSession();
    const input = { data: new Uint8ClampedArray(4 * 9 * 5).fill(128), width: 9, height: 5 };
    const encoded = async () => {
      const { device } = session;
      const encoder = device.createCommandEncoder();
      session.encode(encoder, { inputs: { input } });
      device.queue.submit([encoder.finish()]);
      return [...(await floatsOf(device, session.outputBuffer('output')))];
    };
    await assert.rejects(encoded, { code: 'session', message: /await session.prepare\(\) before/ });
    await session.prepare();
    const first = await encoded();
    await session.recover();
    assert.deepEqual(await encoded(), first);
    assert.deepEqual([...(await session.run({ input })).output], first);
  });
});

describe('a lost device', () => {
  test('is replaced: frames in flight reject, the next give the same bits', async () => {
    const session = await openSession();
    const lost = session.device;
    const before = await session.run({ input: filled(0.5) });
    const flying = [1, 2, 3, 4].map(() => session.run({ input: filled(0.5) }));
    lost.destroy();
    const settled = await Promise.allSettled(flying);
    for (const { reason } of settled.slice(0, 3))
      assert.ok(reason instanceof DeviceLostError, reason);
    const [a, b] = await Promise.all([0, 1].map(() => session.run({ input: filled(0.5) })));
    assert.deepEqual(a, before);
    assert.deepEqual(b, before);
    assert.notEqual(session.device, lost);
    assert.ok((await session.selfTest()).ok);
  });

  test('is replaced again and again', async () => {
    const session = await openSession();
    for (let i = 0; i < 3; i++) {
      session.device.destroy();
      await session.lost;
      assert.deepEqual((await session.run({ input: filled(0.5) })).output, expected(0.5));
    }
  });

  test('of the caller is replaced by the caller', async () => {
    const [first, second] = [await newDevice(), await newDevice()];
    const session = await openSession(FIXTURE, { device: first });
    first.destroy();
    await session.lost;
    const message = /^The GPU device was lost \(.*\): give session.recover a new one\.$/;
    await assert.rejects(session.run({ input: filled(0) }), { code: 'device-lost', message });
    assert.throws(() => session.encode(), { message });
    await assert.rejects(session.recover(), { message: 'Give recover the device to use.' });
    await session.recover(second);
    assert.equal(session.device, second);
    assert.deepEqual((await session.run({ input: filled(0.5) })).output, expected(0.5));
    session.destroy();
    assert.deepEqual(
      (await (await openSession(FIXTURE, { device: second })).run({ input: filled(0) })).output,
      expected(0),
    );
    second.destroy();
  });

  test('that is not lost may be left: frames in flight reject', async () => {
    const [first, second] = [await newDevice(), await newDevice()];
    const session = await openSession(FIXTURE, { device: first });
    await session.run({ input: filled(0) });
    const flying = [0, 1].map(() => session.run({ input: filled(0.5) }));
    const moved = session.recover(second);
    const again = session.recover(second);
    const settled = await Promise.allSettled(flying);
    await Promise.all([moved, again]);
    for (const { status, reason, value } of settled)
      if (status === 'fulfilled') assert.deepEqual(value.output, expected(0.5));
      else assert.match(reason.message, /^The session moved to another device: run again\.$/);
    assert.equal(session.device, second);
    assert.deepEqual((await session.run({ input: filled(0.5) })).output, expected(0.5));
    assert.ok(first.createBuffer({ size: 4, usage: 8 }), 'the device of the caller is left');
    first.destroy();
    assert.deepEqual((await session.run({ input: filled(0.5) })).output, expected(0.5));
    second.destroy();
  });

  test('is not replaced where the bytes were freed', async () => {
    const session = await openSession(FIXTURE, { recover: false });
    assert.deepEqual((await session.run({ input: filled(0.5) })).output, expected(0.5));
    session.device.destroy();
    await session.lost;
    await assert.rejects(session.run({ input: filled(0) }), {
      message: /lost .*make a new session\.$/,
    });
  });

  test('needs an adapter that is new', async () => {
    const session = await openSession(FIXTURE, { adapter: await nodeAdapter() });
    session.device.destroy();
    await session.lost;
    await assert.rejects(session.run({ input: filled(0) }), {
      message: /^WebGPU is missing here: pass an adapter of the npm package webgpu, as a function/,
    });
  });

  test('may be lost while the session is destroyed', async () => {
    const session = await openSession();
    session.device.destroy();
    await session.lost;
    const running = session.run({ input: filled(0) });
    session.destroy();
    await assert.rejects(running, { code: 'destroyed' });
  });
});

describe('on one device', () => {
  test('two sessions, one made while the other runs, leave each other and the caller alone', async () => {
    const device = await newDevice();
    const errors = [];
    device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
    const first = await openSession(FIXTURE, { device });
    const bad = () => device.createBuffer({ size: 4, usage: 0 });
    device.pushErrorScope('validation');
    const making = openSession(FIXTURE, { device });
    const runs = Array.from({ length: 20 }, (_, i) =>
      first
        .run({ input: filled(i / 20) })
        .then(({ output }) => assert.deepEqual(output, expected(i / 20))),
    );
    assert.equal(await device.popErrorScope(), null);
    const second = await making;
    device.pushErrorScope('validation');
    const both = [first, second].map((session) => session.run({ input: filled(0.7) }));
    const testing = second.selfTest();
    bad();
    assert.match((await device.popErrorScope()).message, /usage/i);
    for (const { output } of await Promise.all(both)) assert.deepEqual(output, expected(0.7));
    await Promise.all(runs);
    assert.ok((await testing).ok);
    first.destroy();
    assert.deepEqual((await second.run({ input: filled(0.7) })).output, expected(0.7));
    assert.deepEqual(errors, []);
    device.destroy();
  });

  test('a broken artifact made meanwhile is refused, and only that', async () => {
    const device = await newDevice();
    const session = await openSession(FIXTURE, { device });
    const broken = fixtureFolder(({ shaders }) => void (shaders['01_conv.wgsl'] = 'fn main('));
    const refused = assert.rejects(openSession(broken, { device }), { message: /^Kernel conv/ });
    for (let i = 0; i < 10; i++)
      assert.deepEqual((await session.run({ input: filled(i / 9) })).output, expected(i / 9));
    await refused;
    device.destroy();
  });

  test('destroy in mid-run leaves the caller no error', async () => {
    const device = await newDevice();
    const errors = [];
    device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
    const session = await openSession(FIXTURE, { device });
    await session.run({ input: filled(0) });
    const runs = Array.from({ length: 6 }, () => session.run({ input: filled(0) }));
    session.destroy();
    for (const { reason } of await Promise.allSettled(runs)) assert.equal(reason.code, 'destroyed');
    assert.deepEqual(
      (await (await openSession(FIXTURE, { device })).run({ input: filled(0) })).output,
      expected(0),
    );
    assert.deepEqual(errors, []);
    device.destroy();
  });

  test('runs wait while the session is tested', async () => {
    const session = await openSession();
    const testing = session.selfTest();
    const runs = Array.from({ length: 5 }, (_, i) => session.run({ input: filled(i / 5) }));
    await new Promise((done) => setTimeout(done, 5));
    assert.throws(() => session.encode(session.device.createCommandEncoder()), {
      message: /tested/,
    });
    assert.ok((await testing).ok);
    for (const [i, { output }] of (await Promise.all(runs)).entries())
      assert.deepEqual(output, expected(i / 5));
  });
});

test('topK takes the names of the classes from the artifact, where it has them for all', async () => {
  const folder = fixtureFolder(({ model }) => void (model.labels = ['cat', 'dog']));
  const session = await openSession(folder);
  assert.deepEqual(await session.topK([1, 2], 1), [{ index: 1, value: 2, label: 'dog' }]);
  assert.deepEqual(await session.topK([1, 2, 3], 1), [{ index: 2, value: 3 }]);
  const own = { labels: ['a', 'b'] };
  assert.deepEqual(await session.topK([1, 2], 1, own), [{ index: 1, value: 2, label: 'b' }]);
});
