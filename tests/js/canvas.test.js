/** An output that is a picture: as pixels, in a texture, on a canvas. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { createSession, toPixels } from '../../runtime_js/runtime.js';
import { bicubic, nearest } from './display.js';
import { bytesModel, pictureModel } from './fixture.js';
import {
  countCalls,
  fixtureFolder,
  launchChromium,
  nodeAdapter,
  screenshotPath,
  serve,
} from './host.js';

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

/** A picture without hard edges, and one with. */
const smooth = (x, y, c) => 0.6 * Math.sin(x / 5 + c) * Math.cos(y / 7 - c) + 0.2;
const blocks = (x, y, c) => (((x >> 2) + (y >> 2) + c) % 3 === 0 ? 0.5 : -0.4);

function values(channels, height, width, value) {
  const plane = height * width;
  return Float32Array.from({ length: channels * plane }, (_, i) => {
    const [c, at] = [Math.floor(i / plane), i % plane];
    return value(at % width, Math.floor(at / width), c);
  });
}

/** The RGBA bytes of a texture. */
async function texels(device, texture) {
  const pitch = Math.ceil(texture.width / 64) * 256;
  const buffer = device.createBuffer({ size: pitch * texture.height, usage: 0x9 });
  const encoder = device.createCommandEncoder();
  const size = [texture.width, texture.height];
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: pitch }, size);
  device.queue.submit([encoder.finish()]);
  await buffer.mapAsync(1);
  const rows = new Uint8Array(buffer.getMappedRange());
  const result = new Uint8ClampedArray(4 * texture.width * texture.height);
  for (let y = 0; y < texture.height; y++)
    result.set(rows.subarray(y * pitch, y * pitch + 4 * texture.width), 4 * y * texture.width);
  if (texture.format === 'bgra8unorm')
    for (let i = 0; i < result.length; i += 4)
      [result[i], result[i + 2]] = [result[i + 2], result[i]];
  return result;
}

const textureOf = (device, width, height, { format = 'rgba8unorm', usage = 0x11 } = {}) =>
  device.createTexture({ size: [width, height], format, usage });

/** The largest and the mean difference. */
function apart(a, b) {
  assert.equal(a.length, b.length);
  let [most, sum] = [0, 0];
  a.forEach((value, i) => {
    const difference = Math.abs(value - b[i]);
    most = Math.max(most, difference);
    sum += difference;
  });
  return { most, mean: sum / a.length };
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
    const picture = { data: new Uint8ClampedArray(4 * 16 * 16), width: 16, height: 16 };
    const change = (contrast) => {
      for (let i = 0; i < picture.data.length; i++)
        picture.data[i] = i % 4 === 3 ? 255 : 128 + ((i >> 2) % 4 < 2 ? contrast : -contrast);
      const [soft, sharp] = [0, 1].map((sharpness) => bicubic(picture, 48, 48, sharpness));
      return apart(soft, sharp).most / contrast;
    };
    assert.ok(change(4) > 1.5 * change(120), `${change(4)}, ${change(120)}`);
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

describe('a canvas in Chromium', () => {
  let browser, page, server;
  const complaints = [];

  before(async () => {
    server = await serve([fixtureFolder(), fixtureFolder(pictureModel(3, 24, 40))]);
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 900, height: 700 } });
    // Chromium's advice against the other formats, which are tried on purpose.
    const isAdvice = (text) => text.includes('a different format than is preferred');
    page.on('console', (m) => isAdvice(m.text()) || complaints.push(m.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.origin);
    await page.evaluate(() => {
      window.open = async (url, options) =>
        (await import(`${url}runtime.js`)).createSession(url, options);
      window.bytesOf = (canvas) => {
        const { width, height } = canvas;
        const context = new OffscreenCanvas(width, height).getContext('2d');
        context.drawImage(canvas, 0, 0);
        return [...context.getImageData(0, 0, width, height).data];
      };
      window.newCanvas = (width, height) => {
        const canvas = document.body.appendChild(document.createElement('canvas'));
        return Object.assign(canvas, { width, height });
      };
    });
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  for (const format of ['rgba8unorm', 'bgra8unorm', 'rgba16float'])
    test(`shows the bytes of the output: ${format}`, async () => {
      const told = await page.evaluate(
        async ([url, format]) => {
          const session = await open(url);
          const source = new ImageData(8, 8);
          for (let i = 0; i < 256; i++) source.data[i] = i * 37;
          const canvas = newCanvas(8, 8);
          const made = {};
          await session.frame(source, canvas, { format });
          for (const name of ['createBindGroup', 'createBuffer', 'createTexture']) {
            const original = session.device[name];
            session.device[name] = function (...args) {
              made[name] = (made[name] ?? 0) + 1;
              return original.apply(this, args);
            };
          }
          for (let i = 0; i < 2; i++) await session.frame(source, canvas, { format });
          const shown = bytesOf(canvas);
          const { output } = await session.run({ input: source }, { as: 'pixels' });
          Object.assign(canvas, { width: 20, height: 13 });
          await session.draw(canvas, { format });
          const larger = bytesOf(canvas);
          session.destroy();
          canvas.remove();
          return { shown, output: [...output], larger, made };
        },
        [server.url(0), format],
      );
      const data = Uint8ClampedArray.from(told.output);
      assert.ok(new Set(told.output).size > 3);
      assert.deepEqual(told.shown, told.output);
      assert.deepEqual(told.larger, [...nearest({ data, width: 8, height: 8 }, 20, 13)]);
      // The one object is what binds the canvas' texture: of two frames and of what was drawn.
      assert.deepEqual(told.made, format === 'rgba16float' ? {} : { createBindGroup: 3 });
    });

  test('takes whatever can be drawn, of any size, and makes no object for the next frame', async () => {
    const told = await page.evaluate(async (url) => {
      const session = await open(url);
      const drawn = newCanvas(30, 20);
      const context = drawn.getContext('2d');
      for (let i = 0; i < 60; i++) {
        context.fillStyle = `hsl(${i * 47} 80% 50%)`;
        context.fillRect((i * 7) % 30, (i * 3) % 20, 6, 5);
      }
      const stream = drawn.captureStream();
      const video = Object.assign(document.createElement('video'), { muted: true });
      video.srcObject = stream;
      await video.play();
      const sources = {
        canvas: drawn,
        bitmap: await createImageBitmap(drawn),
        blob: await new Promise((done) => drawn.toBlob(done)),
        frame: new VideoFrame(drawn, { timestamp: 0 }),
        video,
      };
      const canvas = newCanvas(8, 8);
      const results = {};
      for (const [kind, source] of Object.entries(sources)) {
        const fit = { fit: 'contain' };
        await session.frame(source, canvas, fit);
        await session.frame(source, canvas, fit);
        const made = [];
        for (const name of ['createBuffer', 'createTexture', 'pushErrorScope', 'createBindGroup']) {
          session.device[name] = function (...args) {
            made.push(name);
            return GPUDevice.prototype[name].apply(this, args);
          };
        }
        await session.frame(source, canvas, fit);
        const shown = bytesOf(canvas);
        const madeByFrame = [...made];
        const { output } = await session.run({ input: source }, { ...fit, as: 'pixels' });
        results[kind] = { shown, output: [...output], made: madeByFrame };
      }
      sources.frame.close();
      stream.getTracks().forEach((track) => track.stop());
      session.destroy();
      return results;
    }, server.url(0));
    for (const [kind, { shown, output, made }] of Object.entries(told)) {
      assert.deepEqual(shown, output, kind);
      assert.ok(new Set(output).size > 3, kind);
      // What binds the canvas' texture; a bitmap of a file has, as any, the texture of its size.
      assert.deepEqual(made, ['createBindGroup'], kind);
    }
  });

  test('shows the bicubic picture', async () => {
    const x = values(3, 24, 40, (...at) => smooth(...at) + blocks(...at) / 3);
    const told = await page.evaluate(
      async ([url, x]) => {
        const session = await open(url);
        const canvas = Object.assign(newCanvas(320, 192), { id: 'bicubic' });
        const { y } = await session.run({ x: Float32Array.from(x) }, { as: 'pixels' });
        await session.draw(canvas, { scaling: 'bicubic', sharpness: 0.8 });
        const shown = bytesOf(canvas);
        await session.draw(newCanvas(320, 192));
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return { shown, y: [...y] };
      },
      [server.url(1), [...x]],
    );
    const picture = { data: Uint8ClampedArray.from(told.y), width: 40, height: 24 };
    const expected = bicubic(picture, 320, 192, 0.8);
    const { most } = apart(told.shown, expected);
    assert.ok(most <= 1, `${most}`);
    const shot = await page.locator('#bicubic').screenshot({ path: screenshotPath('bicubic') });
    await page.screenshot({ path: screenshotPath('scalings') });
    const seen = await page.evaluate(async (base64) => {
      const blob = await (await fetch(`data:image/png;base64,${base64}`)).blob();
      return bytesOf(await createImageBitmap(blob));
    }, shot.toString('base64'));
    assert.deepEqual(seen, told.shown);
  });

  test('that has another context is refused, and so is what is none', async () => {
    const messages = await page.evaluate(async (url) => {
      const session = await open(url);
      const source = new ImageData(8, 8);
      const canvas = newCanvas(8, 8);
      canvas.getContext('2d');
      const messageOf = (target) => session.frame(source, target).catch(({ message }) => message);
      const messages = [await messageOf(canvas), await messageOf({}), await messageOf(undefined)];
      messages.push(await messageOf(newCanvas(8, 8)));
      const named = session.frame(source, newCanvas(8, 8), { format: 'rgb' });
      messages.push(await named.catch(({ message }) => message));
      session.destroy();
      return messages;
    }, server.url(0));
    const none = 'The canvas gives no WebGPU context: it is none, or it has another one.';
    assert.match(messages.pop(), /^The canvas can't have the format rgb: /);
    assert.deepEqual(messages, [none, none, none, undefined]);
  });

  test('goes on after a loss, and from session to session', async () => {
    const told = await page.evaluate(async (url) => {
      const [first, second] = [await open(url), await open(url)];
      const source = new ImageData(8, 8);
      for (let i = 0; i < 256; i++) source.data[i] = i * 37;
      const canvas = newCanvas(8, 8);
      // A canvas can be read until it is presented; the first frame, which is checked, ends later.
      const bytesBy = async (session) => {
        await session.frame(source, canvas);
        await session.frame(source, canvas);
        return bytesOf(canvas);
      };
      const shown = [await bytesBy(first)];
      first.device.destroy();
      await first.lost;
      const message = await first.draw(canvas).catch((error) => error.message);
      for (const session of [first, second, first]) shown.push(await bytesBy(session));
      first.destroy();
      second.destroy();
      return { shown, message };
    }, server.url(0));
    assert.equal(told.message, 'There is nothing to draw yet: run a frame first.');
    const [once, ...others] = told.shown;
    assert.ok(new Set(once).size > 1);
    for (const other of others) assert.deepEqual(other, once);
  });

  test('may be offscreen, in a module worker', async () => {
    const told = await page.evaluate(async (url) => {
      const code = `
        import { createSession } from '${url}runtime.js';
        const session = await createSession('${url}');
        const canvas = new OffscreenCanvas(8, 8);
        const source = new ImageData(8, 8);
        for (let i = 0; i < 256; i++) source.data[i] = i * 37;
        await session.frame(source, canvas);
        const blob = await canvas.convertToBlob();
        postMessage([(await session.run({ input: source }, { as: 'pixels' })).output, blob]);
      `;
      const script = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
      const worker = new Worker(script, { type: 'module' });
      const [pixels, blob] = await new Promise((done, fail) => {
        worker.onmessage = ({ data }) => done(data);
        worker.onerror = ({ message }) => fail(new Error(message));
      });
      return { pixels: [...pixels], shown: bytesOf(await createImageBitmap(blob)) };
    }, server.url(0));
    assert.deepEqual(told.shown, told.pixels);
  });

  test('nothing was logged', () => assert.deepEqual(complaints, []));
});

describe('a webcam in Chromium', () => {
  const SECONDS = 2;

  test('goes to a canvas in five lines; its pace, and that of reading back, are told', async (t) => {
    const server = await serve([fixtureFolder()]);
    const browser = await launchChromium([
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    ]);
    try {
      const page = await browser.newPage();
      await page.goto(server.origin);
      const told = await page.evaluate(
        async ([url, seconds]) => {
          const { createSession, toPixels } = await import(`${url}runtime.js`);
          const video = document.body.appendChild(document.createElement('video'));
          const canvas = document.body.appendChild(document.createElement('canvas'));
          Object.assign(canvas, { width: 256, height: 256 });
          let frames = 0;
          let isOn = true;

          video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
          await video.play();
          const session = await createSession(url);
          const show = () => session.frame(video, canvas).then(() => frames++);
          const loop = () => show().then(() => isOn && video.requestVideoFrameCallback(loop));

          loop();
          while (frames < 3) await new Promise(requestAnimationFrame);
          isOn = false;
          const shown = frames;
          const plain = document.createElement('canvas').getContext('2d');
          Object.assign(plain.canvas, { width: 8, height: 8 });
          const read = async () => {
            const { output } = await session.run({ input: video });
            const pixels = toPixels(session.outputs[0], output);
            plain.putImageData(new ImageData(pixels, 8), 0, 0);
          };
          const pace = async (frame) => {
            let count = 0;
            const end = performance.now() + 1000 * seconds;
            for (await frame(); performance.now() < end; count++) {
              await frame();
              await session.device.queue.onSubmittedWorkDone();
            }
            return count / seconds;
          };
          const rates = { frame: await pace(show), read: await pace(read) };
          return { shown, rates, size: [video.videoWidth, video.videoHeight] };
        },
        [server.url(0), SECONDS],
      );
      assert.ok(told.shown >= 3);
      const { frame, read } = told.rates;
      t.diagnostic(
        `${told.size.join('x')}: ${frame} frames a second to a canvas, ${read} read back`,
      );
    } finally {
      await browser.close();
      server.close();
    }
  });
});
