/** The self-test and the profile: what they see, what they choose, what they leave. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { fixtureFolder, withoutVectors } from './host.js';
import { FIXTURE, expected, filled, newDevice, openSession } from './sessions.js';

describe('the self-test, of each variant', () => {
  test('names the first kernel that differs, in the variant that is wrong', async () => {
    const folder = fixtureFolder(({ shaders }) => {
      shaders['dot_emulated.wgsl'] = 'fn dots(x: u32, w: vec4u) -> vec4i { return vec4i(1); }';
    });
    assert.ok((await (await openSession(folder, { dot: 'packed' })).selfTest()).ok);
    const report = await (await openSession(folder, { dot: 'emulated' })).selfTest();
    assert.equal(report.ok, false);
    assert.match(report.message, /^Kernel conv differs from .* with emulated, fast\.$/);
    assert.deepEqual(
      report.kernels.map(({ ok }) => ok),
      [true, false, false, true],
    );
    assert.deepEqual(report.outputs[0], {
      name: 'output',
      ok: false,
      frames: [false, false, false],
    });
  });

  test('sees a picture kernel that differs', async () => {
    const folder = fixtureFolder(({ shaders }) => {
      const right = shaders['00_picture.wgsl'];
      shaders['00_picture.wgsl'] = right.replace('0x808080u', '0x808081u');
    });
    const report = await (await openSession(folder)).selfTest();
    assert.match(report.message, /^Kernel input \(picture\) differs/);
  });

  test('sees an output that differs alone', async () => {
    const folder = fixtureFolder(({ model }) => (model.vectors.outputs.output = '0'.repeat(16)));
    const report = await (await openSession(folder)).selfTest();
    assert.equal(report.ok, false);
    assert.match(report.message, /^Output output differs/);
  });

  test('is refused where the artifact was compiled without it', async () => {
    const folder = fixtureFolder(withoutVectors);
    const session = await openSession(folder);
    await assert.rejects(session.selfTest(), /compiled with --no-self-test/);
  });
});

describe('the self-test', () => {
  const wrongEmulated = 'fn dots(x: u32, w: vec4u) -> vec4i { return vec4i(1); }';
  const gpuDevice = async () =>
    Object.defineProperty(await newDevice(), 'adapterInfo', {
      value: { description: 'a GPU', architecture: 'gpu' },
    });
  const wrongPacked = ({ shaders }) => {
    shaders['dot_packed.wgsl'] = wrongEmulated;
  };

  test('chooses the next variant where one is wrong, and says so', async () => {
    const device = await gpuDevice();
    const session = await openSession(fixtureFolder(wrongPacked), { device });
    assert.equal(session.variants.dot, 'packed');
    assert.notDeepEqual((await session.run({ input: filled(0.5) })).output, expected(0.5));
    const [report, later] = await Promise.all([
      session.selfTest(),
      session.run({ input: filled(0.5) }),
    ]);
    assert.ok(report.ok);
    assert.equal(report.variants.dot, 'emulated');
    assert.equal(report.variants.why.dot, 'the self-test failed with packed');
    assert.match(
      report.message,
      /^Kernel conv differs from .* on a GPU with packed, fast\. Kernels .* with emulated, fast\.$/,
    );
    assert.deepEqual(session.variants, report.variants);
    assert.deepEqual(later.output, expected(0.5));
    assert.deepEqual((await session.run({ input: filled(0.7) })).output, expected(0.7));
    session.destroy();
    assert.ok(device.createBuffer({ size: 4, usage: 8 }));
    device.destroy();
  });

  test('chooses integer alone where fast is wrong, and keeps that after a loss', async () => {
    const wrongFast = ({ shaders, cases }) => {
      const right = shaders['requantize_fast.wgsl'];
      shaders['requantize_fast.wgsl'] = right.replaceAll('round(', 'floor(');
      assert.notEqual(shaders['requantize_fast.wgsl'], right);
      // A probe that sees nothing.
      cases.splice(0, cases.length, [0, 0x3f800000, 0, 0]);
    };
    const session = await openSession(fixtureFolder(wrongFast));
    assert.equal(session.variants.requantize, 'fast');
    const { ok, variants } = await session.selfTest();
    assert.ok(ok);
    assert.equal(`${variants.dot} ${variants.requantize}`, 'emulated integer');
    assert.deepEqual((await session.run({ input: filled(0.3) })).output, expected(0.3));
    session.device.destroy();
    await session.lost;
    assert.deepEqual((await session.run({ input: filled(0.3) })).output, expected(0.3));
    assert.equal(session.variants.requantize, 'integer');
  });

  test('leaves what was asked for, and what cannot be made again', async () => {
    for (const options of [{ dot: 'packed' }, { recover: false }]) {
      const device = await gpuDevice();
      const session = await openSession(fixtureFolder(wrongPacked), { device, ...options });
      const report = await session.selfTest();
      assert.equal(report.ok, false);
      assert.equal(report.variants.dot, 'packed');
      assert.match(report.text, /^onnx2wgsl self-test: NOT exact$/m);
      assert.match(report.text, /^wrong: conv$/m);
      device.destroy();
    }
  });

  test('sees a device that is right only once', async () => {
    const device = await newDevice();
    const session = await openSession(FIXTURE, { device });
    const { createCommandEncoder } = Object.getPrototypeOf(device);
    let frames = 0;
    device.createCommandEncoder = function (...args) {
      const encoder = createCommandEncoder.apply(device, args);
      const begin = encoder.beginComputePass;
      encoder.beginComputePass = function () {
        const pass = begin.call(encoder);
        const dispatch = pass.dispatchWorkgroups;
        let kernels = 0;
        // From the second whole frame on, its second kernel does nothing.
        pass.dispatchWorkgroups = (...groups) => {
          if (++kernels !== 2 || ++frames === 1) dispatch.apply(pass, groups);
        };
        return pass;
      };
      return encoder;
    };
    const { ok, kernels, outputs, message } = await session.selfTest();
    assert.equal(ok, false);
    assert.ok(kernels.every((verdict) => verdict.ok));
    assert.deepEqual(outputs[0].frames, [true, false, false]);
    assert.match(message, /^Output output differs .*, though not in the first frame, on /);
    device.destroy();
  });

  test('gives a report to be copied', async () => {
    const session = await openSession();
    const { text, adapter, variants } = await session.selfTest();
    assert.deepEqual(text.split('\n').slice(0, 6), [
      'onnx2wgsl self-test: bit-exact',
      `model: fixture (tests/js/fixture.js, ${text.match(/[0-9a-f]{16}/)[0]})`,
      `host: Node.js ${process.versions.node}`,
      `adapter: ${adapter}`,
      `dot: emulated, because ${variants.why.dot}`,
      `requantize: fast, because ${variants.why.requantize}`,
    ]);
    assert.match(
      text,
      /Kernels \(4\) and outputs \(2\) equal .*, bit for bit, with emulated, fast\.$/,
    );
  });

  test('leaves nothing to draw', async () => {
    const session = await openSession();
    await session.run({ input: filled(0) });
    await session.selfTest();
    const texture = session.device.createTexture({ size: [8, 8], format: 'rgba8unorm', usage: 16 });
    await assert.rejects(session.toTexture(texture), { message: /nothing to draw yet/ });
  });
});

describe('the profile', () => {
  const names = ['quantize', 'conv', 'dequantize'];

  test('has a row for each kernel, by timestamps', async () => {
    const session = await openSession(FIXTURE, { profile: true });
    const run = (value) => session.run({ input: filled(value) });
    const [profile, { output }] = await Promise.all([session.profile(), run(0.5)]);
    assert.deepEqual(output, expected(0.5));
    assert.equal(profile.by, 'timestamps');
    assert.deepEqual(
      profile.rows.map(({ name, op }) => [name, op]),
      names.map((name) => [name, name]),
    );
    for (const { ms, share, macs } of profile.rows) {
      assert.ok(ms > 0 && share > 0 && share < 1);
      assert.equal(macs, 0);
    }
    const sum = profile.rows.reduce((total, { share }) => total + share, 0);
    assert.ok(Math.abs(sum - 1) < 1e-9);
    assert.deepEqual((await run(0.7)).output, expected(0.7));
  });

  test('has one row for the frame, by the clock, where there are none', async () => {
    const session = await openSession();
    assert.equal(session.device.features.has('timestamp-query'), false);
    const { by, ms, rows } = await session.profile();
    assert.equal(by, 'wall clock');
    assert.ok(ms > 0);
    assert.deepEqual(rows, [{ name: 'fixture', op: 'frame', ms, share: 1, macs: 0 }]);
  });
});
