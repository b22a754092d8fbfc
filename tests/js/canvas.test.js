/** An output that is a picture: as pixels, in a texture, on a canvas. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { createSession, toPixels } from '../../runtime_js/runtime.js';
import { apart, bicubic, blocks, nearest, smooth, texels, textureOf, values } from './display.js';
import { bytesModel, pictureModel } from './fixture.js';
import { countCalls, fixtureFolder, nodeAdapter } from './host.js';

const open = [];

async function openSession(damage, options = { adapter: nodeAdapter }) {
  const session = await createSession(fixtureFolder(damage), options);
  open.push(session);
  return session;
}

after(() => open.forEach((session) => session.destroy()));

/** Floats around every place where the byte of a picture changes, and what is no number. */
function critical({ scale, offset }, count) {
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  const all = [NaN, Infinity, -Infinity, 0, -0, 1e-45, -1e-45, 3e38, -3e38];
  for (let i = 0; i < 256; i++) {
    float[0] = (i + 0.5 - offset) / scale;
    const middle = bits[0];
    for (let k = -3; k <= 3; k++) {
      bits[0] = middle + k;
      all.push(float[0]);
    }
  }
  return Float32Array.from({ length: count }, (_, i) => all[i % all.length]);
}

describe('pixels made on the device', () => {
  for (const image of [
    { scale: 127.5, offset: 127.5 },
    { scale: 255, offset: 0 },
    { scale: 1, offset: 0 },
    { scale: -255, offset: 255 },
    { scale: 58.395, offset: 123.675 },
  ])
    for (const [channels, height, width] of [
      [3, 24, 64],
      [1, 50, 61],
      [4, 9, 130],
    ])
      test(`are those of toPixels: ${[channels, height, width, image.scale, image.offset]}`, async () => {
        const session = await openSession(pictureModel(channels, height, width, image));
        const x = critical(image, channels * height * width);
        const { y } = await session.run({ x });
        const expected = toPixels(session.outputs[0], y);
        const { y: pixels } = await session.run({ x }, { as: 'pixels' });
        assert.ok(pixels instanceof Uint8ClampedArray);
        assert.deepEqual(pixels, expected);
      });

  test('leave what is no picture as it is', async () => {
    const session = await openSession(bytesModel);
    const { y } = await session.run({ x: Uint8Array.of(0, 1, 127, 128, 255) }, { as: 'pixels' });
    assert.deepEqual(y, Int8Array.of(-128, -127, -1, 0, 127));
    await assert.rejects(session.run({}, { as: 'floats' }), {
      message: 'as is floats, expected values or pixels.',
    });
  });

  test('cost one dispatch: nothing is made, one submit', async () => {
    const device = await (await nodeAdapter()).requestDevice();
    const session = await openSession(undefined, { device });
    const input = new Float32Array(192).fill(0.3);
    const { output } = await session.run({ input });
    const expected = toPixels(session.outputs[0], output);
    await session.run({ input }, { as: 'pixels' });
    const calls = countCalls(device);
    for (let i = 0; i < 3; i++)
      assert.deepEqual((await session.run({ input }, { as: 'pixels' })).output, expected);
    assert.deepEqual(calls, { createCommandEncoder: 3, submit: 3, writeBuffer: 3 });
    session.destroy();
    device.destroy();
  });
});

describe('a texture', () => {
  for (const [what, options] of [
    ['rendered', { usage: 0x11 }],
    ['stored', { usage: 0x9 }],
    ['rendered in BGRA', { format: 'bgra8unorm', usage: 0x11 }],
    ['stored in BGRA', { format: 'bgra8unorm', usage: 0x9 }],
  ])
    for (const [channels, w, h] of [
      [3, 40, 24],
      [3, 133, 71],
      [1, 23, 11],
      [4, 80, 48],
    ])
      test(`${what}: the nearest of ${channels} channels at ${w}x${h}`, async () => {
        const session = await openSession(pictureModel(channels, 24, 40));
        const { device } = session;
        const x = values(channels, 24, 40, (...at) => smooth(...at) + blocks(...at) / 3);
        const { y } = await session.run({ x }, { as: 'pixels' });
        const texture = textureOf(device, w, h, options);
        await session.toTexture(texture);
        const expected = nearest({ data: y, width: 40, height: 24 }, w, h);
        const shown = await texels(device, texture);
        if (channels < 4) return assert.deepEqual(shown, expected);
        for (let i = 0; i < expected.length; i++)
          if (i % 4 < 3) expected[i] = (expected[i] * expected[i | 3]) / 255;
        assert.ok(apart(shown, expected).most <= 1);
      });

  for (const [name, value] of Object.entries({ smooth, blocks }))
    for (const sharpness of [0, 0.6, 1])
      for (const [w, h] of [
        [80, 48],
        [133, 101],
      ])
        test(`bicubic, ${name}, ${sharpness}, ${w}x${h}: within 1/255 of the formula`, async () => {
          const session = await openSession(pictureModel(3, 24, 40));
          const { y } = await session.run({ x: values(3, 24, 40, value) }, { as: 'pixels' });
          const texture = textureOf(session.device, w, h);
          await session.toTexture(texture, { scaling: 'bicubic', sharpness });
          const shown = await texels(session.device, texture);
          const expected = bicubic({ data: y, width: 40, height: 24 }, w, h, sharpness);
          const { most, mean } = apart(shown, expected);
          assert.ok(most <= 1 && mean < 0.3, `${most} at most, ${mean} on average`);
        });

  test('sharpening moves flat areas more than edges', async () => {
    const session = await openSession(pictureModel(3, 16, 16));
    const texture = textureOf(session.device, 48, 48);
    const change = async (contrast) => {
      const stripes = (x) => (x % 4 < 2 ? contrast : -contrast) / 127.5;
      await session.run({ x: values(3, 16, 16, stripes) });
      const shown = [];
      for (const sharpness of [0, 1]) {
        await session.toTexture(texture, { scaling: 'bicubic', sharpness });
        shown.push(await texels(session.device, texture));
      }
      return apart(...shown).most / contrast;
    };
    const [flat, edges] = [await change(10), await change(120)];
    assert.ok(flat > 1.5 * edges, `${flat}, ${edges}`);
  });

  test('is refused where it cannot be rendered to, or is asked for what is not', async () => {
    const session = await openSession(pictureModel(3, 8, 8));
    const { device } = session;
    const texture = textureOf(device, 8, 8);
    await assert.rejects(session.toTexture(texture), {
      message: 'There is nothing to draw yet: run a frame first.',
    });
    await session.run({ x: values(3, 8, 8, smooth) });
    for (const [options, message] of [
      [{ scaling: 'cubic' }, 'scaling is cubic, expected nearest or bicubic.'],
      [{ sharpness: 2 }, 'sharpness is 2, expected 0 to 1.'],
      [{ sharp: 1 }, /^No option is named sharp: expected output, scaling/],
      [{ output: 'z' }, 'No output is named z: expected y.'],
    ])
      await assert.rejects(session.toTexture(texture, options), { code: 'input', message });
    const sampled = textureOf(device, 8, 8, { usage: 0x4 });
    await assert.rejects(session.toTexture(sampled), {
      message: 'The texture has usage 4, expected RENDER_ATTACHMENT.',
    });
    await session.toTexture(texture);
    const foreign = textureOf(await (await nodeAdapter()).requestDevice(), 8, 8);
    await assert.rejects(session.toTexture(foreign), { message: /^The frame failed: / });
    await session.toTexture(texture);
  });

  test('may be given as a view: one layer, one level, the sRGB format of its bytes', async () => {
    const session = await openSession(pictureModel(3, 24, 40));
    const { device } = session;
    const { y } = await session.run({ x: values(3, 24, 40, smooth) }, { as: 'pixels' });
    const descriptor = { format: 'rgba8unorm', usage: 0x11, mipLevelCount: 2 };
    const layers = device.createTexture({ size: [40, 24, 3], ...descriptor });
    const view = (rest) => layers.createView({ dimension: '2d', mipLevelCount: 1, ...rest });
    const size = { width: 40, height: 24 };
    const targets = [
      { view: view({ baseArrayLayer: 2 }), format: 'rgba8unorm', ...size },
      { view: view({ baseMipLevel: 1 }), format: 'rgba8unorm', width: 20, height: 12 },
    ];
    for (const target of targets) await session.toTexture(target);
    for (const [target, origin, mipLevel] of [
      [targets[0], [0, 0, 2], 0],
      [targets[1], [0, 0, 0], 1],
    ]) {
      const { width, height } = target;
      const copy = textureOf(device, width, height, { usage: 0x3 });
      const encoder = device.createCommandEncoder();
      const source = { texture: layers, origin, mipLevel };
      encoder.copyTextureToTexture(source, { texture: copy }, [width, height]);
      device.queue.submit([encoder.finish()]);
      const expected = nearest({ data: y, ...size }, width, height);
      assert.deepEqual(await texels(device, copy), expected);
    }
    const calls = countCalls(device);
    await session.toTexture(targets[0]);
    assert.deepEqual(calls, { createCommandEncoder: 1, submit: 1, writeBuffer: 1 });
  });

  test('as a view must come with its format and size', async () => {
    const session = await openSession(pictureModel(3, 8, 8));
    const { device } = session;
    await session.run({ x: values(3, 8, 8, smooth) });
    const texture = textureOf(device, 8, 8);
    const view = texture.createView();
    const message = 'A view tells no size: give {view, format, width, height}.';
    for (const target of [view, { view }, { view, format: 'rgba8unorm', width: 8 }])
      await assert.rejects(session.toTexture(target), { code: 'input', message });
    const wrong = { view, format: 'bgra8unorm', width: 8, height: 8 };
    await assert.rejects(session.toTexture(wrong), { message: /^The frame failed: / });
    await session.toTexture({ ...wrong, format: 'rgba8unorm' });
  });

  test('of an output that is no picture is refused', async () => {
    const session = await openSession(bytesModel);
    await session.run({ x: new Uint8Array(5) });
    const texture = textureOf(session.device, 8, 8);
    await assert.rejects(session.toTexture(texture), {
      message: 'No output of the model is a picture.',
    });
    await assert.rejects(session.toTexture(texture, { output: 'y' }), {
      message: 'Output y is not a picture.',
    });
  });

  test('is not all that may be given by mistake', async () => {
    const session = await openSession();
    const source = { data: new Uint8ClampedArray(256), width: 8, height: 8 };
    for (const target of [undefined, null, {}, 5, [source]])
      await assert.rejects(session.frame(source, target), {
        code: 'input',
        message: /^The canvas gives no WebGPU context: it is none/,
      });
    assert.throws(() => toPixels(session.outputs[1], new Float32Array(192)), {
      code: 'input',
      message: 'Output undefined is not a picture.',
    });
  });

  test('takes frames without reading back, and without a GPU object but its view', async () => {
    const device = await (await nodeAdapter()).requestDevice();
    const session = await openSession(undefined, { device });
    const source = { data: new Uint8ClampedArray(256).fill(90), width: 8, height: 8 };
    const texture = textureOf(device, 16, 16);
    const options = { scaling: 'bicubic' };
    await session.frame(source, texture, options);
    const calls = countCalls(device);
    for (let i = 0; i < 3; i++) await session.frame(source, texture, options);
    assert.deepEqual(calls, { createCommandEncoder: 3, submit: 3, writeBuffer: 3 });
    assert.ok((await texels(device, texture)).some((byte) => byte % 255));
    device.destroy();
  });
});
