/** A picture on a canvas in Chromium, from all that can be drawn and from a webcam. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { apart, bicubic, blocks, nearest, smooth, values } from './display.js';
import { pictureModel } from './fixture.js';
import {
  bytesOf,
  fixtureFolder,
  launchChromium,
  pixelsOf,
  screenshotPath,
  serve,
  textOf,
} from './host.js';

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
      window.textOf = (bytes) => new Uint8Array(bytes).toBase64();
      window.seen = (canvas) => {
        const { width, height } = canvas;
        const context = new OffscreenCanvas(width, height).getContext('2d');
        context.drawImage(canvas, 0, 0);
        return textOf(context.getImageData(0, 0, width, height).data);
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
          const shown = seen(canvas);
          const { output } = await session.run({ input: source }, { as: 'pixels' });
          Object.assign(canvas, { width: 20, height: 13 });
          await session.draw(canvas, { format });
          const larger = seen(canvas);
          session.destroy();
          canvas.remove();
          return { shown, output: textOf(output), larger, made };
        },
        [server.url(0), format],
      );
      const data = Uint8ClampedArray.from(bytesOf(told.output));
      assert.ok(new Set(data).size > 3);
      assert.equal(told.shown, told.output);
      assert.equal(told.larger, textOf(nearest({ data, width: 8, height: 8 }, 20, 13)));
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
        const shown = seen(canvas);
        const madeByFrame = [...made];
        const { output } = await session.run({ input: source }, { ...fit, as: 'pixels' });
        results[kind] = { shown, output: textOf(output), made: madeByFrame };
      }
      sources.frame.close();
      stream.getTracks().forEach((track) => track.stop());
      session.destroy();
      return results;
    }, server.url(0));
    for (const [kind, { shown, output, made }] of Object.entries(told)) {
      assert.equal(shown, output, kind);
      assert.ok(new Set(bytesOf(output)).size > 3, kind);
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
        const shown = seen(canvas);
        await session.draw(newCanvas(320, 192));
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return { shown, y: textOf(y) };
      },
      [server.url(1), [...x]],
    );
    const picture = { data: Uint8ClampedArray.from(bytesOf(told.y)), width: 40, height: 24 };
    const expected = bicubic(picture, 320, 192, 0.8);
    const { most } = apart(bytesOf(told.shown), expected);
    assert.ok(most <= 1, `${most}`);
    const shot = await page.locator('#bicubic').screenshot({ path: screenshotPath('bicubic') });
    await page.screenshot({ path: screenshotPath('scalings') });
    assert.equal(textOf(await pixelsOf(page, shot)), told.shown);
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
        return seen(canvas);
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
    assert.ok(new Set(bytesOf(once)).size > 1);
    for (const other of others) assert.equal(other, once);
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
      return { pixels: textOf(pixels), shown: seen(await createImageBitmap(blob)) };
    }, server.url(0));
    assert.equal(told.shown, told.pixels);
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
