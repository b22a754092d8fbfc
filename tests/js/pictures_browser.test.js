import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import {
  film,
  fixtureFolder,
  launchChromium,
  noise,
  PYTHON,
  ROOT,
  RUNTIME,
  serve,
  temporaryFolder,
  textOf,
} from './host.js';

const { cases } = JSON.parse(readFileSync(join(ROOT, 'tests/pictures.json'), 'utf8'));
const FILES = temporaryFolder();
// Pictures in files, as Python sees them: [name, width, height].
const PICTURES = [
  ['odd', 61, 47],
  ['tall', 3, 200],
  ['wide', 301, 1],
  ['dot', 1, 1],
  ['small', 5, 4],
];
const FITS = ['cover', 'contain', 'stretch'];
let browser;
let page;
let server;
let other;

/** Writes PICTURES as PNG files, and what Python makes of each: 8x8 RGBA bytes by name and fit. */
function preparePictures() {
  const script = `
import json, sys
from PIL import Image
from onnx2wgsl.media.pictures import read_picture
from onnx2wgsl.runtime_py import Rectangle
from onnx2wgsl.runtime_py.pictures import fitted
from pathlib import Path
from tests.pictures import picture
folder, made = Path(sys.argv[1]), {}
for name, width, height in json.loads(sys.argv[2]):
    Image.fromarray(picture(width, height)[..., :3]).save(folder / f"{name}.png")
    read = read_picture(folder / f"{name}.png", "RGBA")
    fits = {fit: fit for fit in ("cover", "contain", "stretch")}
    fits["rectangle"] = Rectangle(0.25, 0, width * 0.5, height)
    made |= {f"{name} {key}": fitted(read, 8, 8, fit, (0, 0, 0, 255)).ravel().tolist() for key, fit in fits.items()}
print(json.dumps(made))`;
  const given = [FILES, JSON.stringify(PICTURES)];
  return JSON.parse(execFileSync(PYTHON, ['-c', script, ...given], { cwd: ROOT }).toString());
}

const expected = preparePictures();

before(async () => {
  server = await serve([fixtureFolder(), FILES, RUNTIME]);
  other = await serve([FILES]);
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(server.origin);
  writeFileSync(join(FILES, 'clip.webm'), await film(page));
  await page.evaluate(prepare, [server.url(0), server.url(1)]);
});

after(async () => {
  await browser?.close();
  server?.close();
  other?.close();
});

/** Puts a session and what makes pictures of each kind into the page. */
async function prepare([model, files]) {
  const { createSession } = await import(`${model}runtime.js`);
  const session = await createSession(model);
  const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
  const loaded = async (name) => {
    const image = new Image();
    image.src = `${files}${name}.png`;
    await image.decode();
    return image;
  };
  const drawn = async (name, canvas) => {
    const image = await loaded(name);
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas;
  };
  /** A video that shows one frame, drawn by a canvas. */
  const filmed = async (name) => {
    const canvas = await drawn(name, document.createElement('canvas'));
    const video = document.createElement('video');
    Object.assign(video, { srcObject: canvas.captureStream(30), muted: true });
    document.body.append(canvas, video);
    const context = canvas.getContext('2d');
    const timer = setInterval(() => context.drawImage(canvas, 0, 0), 20);
    await video.play();
    while (video.readyState < 2) await new Promise(requestAnimationFrame);
    await new Promise((done) => video.requestVideoFrameCallback(done));
    clearInterval(timer);
    video.pause();
    return video;
  };
  const file = async (name) => (await fetch(`${files}${name}.png`)).blob();
  Object.assign(globalThis, {
    createSession,
    session,
    same,
    loaded,
    drawn,
    makers: {
      HTMLImageElement: loaded,
      Blob: file,
      ImageBitmap: async (name) =>
        createImageBitmap(await file(name), { premultiplyAlpha: 'none' }),
      HTMLCanvasElement: (name) => drawn(name, document.createElement('canvas')),
      OffscreenCanvas: (name) => drawn(name, new OffscreenCanvas(1, 1)),
      VideoFrame: async (name) =>
        new VideoFrame(await createImageBitmap(await file(name)), { timestamp: 0 }),
      HTMLVideoElement: filmed,
      ImageData: async (name) => {
        const canvas = await drawn(name, new OffscreenCanvas(1, 1));
        return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      },
    },
  });
}

for (const kind of [
  'HTMLImageElement',
  'Blob',
  'ImageBitmap',
  'HTMLCanvasElement',
  'OffscreenCanvas',
  'VideoFrame',
  'ImageData',
])
  test(`${kind} gives what Python's pictures give`, async () => {
    const wrong = await page.evaluate(
      async ([kind, pictures, expected]) => {
        const { makers, same, session } = globalThis;
        const wrong = [];
        for (const [name, width, height] of pictures) {
          const picture = await makers[kind](name);
          for (const key of ['cover', 'contain', 'stretch', 'rectangle']) {
            const fit = key === 'rectangle' ? { x: 0.25, y: 0, width: width * 0.5, height } : key;
            const data = Uint8ClampedArray.from(expected[`${name} ${key}`]);
            const { output } = await session.run({ input: picture }, { fit });
            const target = await session.run({ input: { data, width: 8, height: 8 } });
            if (!same(output, target.output)) wrong.push(`${name} ${key}`);
          }
          picture.close?.();
        }
        return wrong;
      },
      [kind, PICTURES, expected],
    );
    assert.deepEqual(wrong, []);
  });

test('a video gives what its frame on a canvas gives', async () => {
  const [same, flat] = await page.evaluate(async () => {
    const { makers, same, session } = globalThis;
    const video = await makers.HTMLVideoElement('odd');
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    const { output } = await session.run({ input: video });
    const target = await session.run({ input: pixels });
    return [same(output, target.output), new Set(output).size < 8];
  });
  assert.ok(!flat, 'the video is flat');
  assert.ok(same);
});

test('a canvas with alpha gives its own bytes, not multiplied ones', async () => {
  const same = await page.evaluate(async () => {
    const { same, session } = globalThis;
    const pixels = new ImageData(9, 11);
    for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = (i * 37) % 256;
    const canvas = new OffscreenCanvas(9, 11);
    const context = canvas.getContext('2d');
    context.putImageData(pixels, 0, 0);
    const { output } = await session.run({ input: canvas });
    const target = await session.run({ input: context.getImageData(0, 0, 9, 11) });
    return same(output, target.output);
  });
  assert.ok(same);
});

describe('the way of a picture to the device', () => {
  /** In a page of its own, as what a browser can't do is remembered: the ways taken, and whether the bits agree. */
  async function tried(kind, refused, others = []) {
    const fresh = await browser.newPage();
    await fresh.goto(server.origin);
    await fresh.evaluate(prepare, [server.url(0), server.url(1)]);
    const told = await fresh.evaluate(
      async ([kind, refused, others]) => {
        const { makers, same, session } = globalThis;
        const kindOf = (value) => Object.prototype.toString.call(value).slice(8, -1);
        const picture = await makers[kind]('odd');
        const before = (await session.run({ input: picture })).output;
        const ways = [];
        const queue = Object.getPrototypeOf(session.device.queue);
        const copy = queue.copyExternalImageToTexture;
        queue.copyExternalImageToTexture = function (from, ...rest) {
          ways.push(`copy ${kindOf(from.source)}`);
          if (refused.includes(kindOf(from.source))) throw new TypeError('no such source');
          return copy.call(this, from, ...rest);
        };
        const make = globalThis.createImageBitmap;
        globalThis.createImageBitmap = (source, ...rest) => {
          ways.push(`bitmap of ${kindOf(source)}`);
          if (others.includes('createImageBitmap')) throw new TypeError('no such source');
          return make(source, ...rest);
        };
        const draw = OffscreenCanvasRenderingContext2D.prototype.drawImage;
        OffscreenCanvasRenderingContext2D.prototype.drawImage = function (source, ...rest) {
          ways.push(`canvas of ${kindOf(source)}`);
          return draw.call(this, source, ...rest);
        };
        const told = [];
        for (let i = 0; i < 3; i++) {
          const { output } = await session.run({ input: picture });
          told.push(`${ways.splice(0).join(', ')}: ${same(output, before)}`);
        }
        return told;
      },
      [kind, refused, others],
    );
    await fresh.close();
    return told;
  }

  for (const kind of ['VideoFrame', 'HTMLImageElement', 'HTMLCanvasElement', 'HTMLVideoElement']) {
    test(`${kind}: a copy, where the browser makes it`, async () => {
      assert.deepEqual(await tried(kind, []), Array(3).fill(`copy ${kind}: true`));
    });

    test(`${kind}: else by an ImageBitmap, and the frame that finds out by a 2-D canvas`, async () => {
      assert.deepEqual(await tried(kind, [kind]), [
        `copy ${kind}, canvas of ${kind}: true`,
        `bitmap of ${kind}, copy ImageBitmap: true`,
        `bitmap of ${kind}, copy ImageBitmap: true`,
      ]);
    });
  }

  test('by a 2-D canvas where neither is copied', async () => {
    assert.deepEqual(await tried('VideoFrame', ['VideoFrame', 'ImageBitmap']), [
      'copy VideoFrame, canvas of VideoFrame: true',
      'bitmap of VideoFrame, copy ImageBitmap, canvas of ImageBitmap: true',
      'canvas of VideoFrame: true',
    ]);
  });

  test('by a 2-D canvas where no ImageBitmap is made of it', async () => {
    assert.deepEqual(await tried('VideoFrame', ['VideoFrame'], ['createImageBitmap']), [
      'copy VideoFrame, canvas of VideoFrame: true',
      'bitmap of VideoFrame, canvas of VideoFrame: true',
      'bitmap of VideoFrame, canvas of VideoFrame: true',
    ]);
  });
});

test('frames of one size make no object on the device', async () => {
  const calls = await page.evaluate(async () => {
    const { makers, session } = globalThis;
    const { device } = session;
    const pictures = [];
    for (const kind of ['ImageBitmap', 'OffscreenCanvas', 'HTMLVideoElement'])
      pictures.push(await makers[kind]('odd'));
    for (const picture of pictures) await session.run({ input: picture });
    const calls = {};
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(device));
    for (const name of methods.filter((name) => name.startsWith('create')))
      device[name] = (...args) => {
        calls[name] = (calls[name] ?? 0) + 1;
        return Object.getPrototypeOf(device)[name].apply(device, args);
      };
    for (let i = 0; i < 10; i++)
      for (const picture of pictures) await session.run({ input: picture });
    for (const name of methods) delete device[name];
    return calls;
  });
  assert.deepEqual(calls, { createCommandEncoder: 30 });
});

describe('is refused, and the next run works:', () => {
  for (const [what, message] of [
    ['a closed ImageBitmap', /is a ImageBitmap that is closed/],
    ['a closed VideoFrame', /is a VideoFrame that is closed/],
    [
      'a video without a frame',
      /is a HTMLVideoElement that has no frame yet: await its event loadeddata/,
    ],
    ['an image that is not loaded', /is a HTMLImageElement that is not loaded: await its decode/],
    ['an image of another origin', /can't be read as a picture: .*(origin|taint|insecure)/i],
    ['a video of another origin', /can't be read as a picture: .*(origin|taint|insecure)/i],
    ['a canvas with a picture of another origin', /can't be read as a picture: .*(origin|taint)/i],
    ['a canvas without a size', /is a HTMLCanvasElement that is empty/],
    ['a file of another kind', /is a text\/plain that can't be read as a picture/],
    ['a wide picture', /is a picture of 9000x1, more than this device takes \(8192 a side\)/],
  ])
    test(what, async () => {
      const told = await page.evaluate(
        async ([what, elsewhere]) => {
          const { loaded, same, session } = globalThis;
          const makers = {
            'a closed ImageBitmap': async () => {
              const bitmap = await createImageBitmap(await loaded('odd'));
              bitmap.close();
              return bitmap;
            },
            'a closed VideoFrame': async () => {
              const frame = new VideoFrame(await loaded('odd'), { timestamp: 0 });
              frame.close();
              return frame;
            },
            'a video without a frame': () => document.createElement('video'),
            'an image that is not loaded': () => new Image(),
            'an image of another origin': async () => {
              const image = new Image();
              image.src = `${elsewhere}odd.png`;
              await image.decode();
              return image;
            },
            'a video of another origin': async () => {
              const video = Object.assign(document.createElement('video'), { muted: true });
              video.src = `${elsewhere}clip.webm`;
              await video.play();
              video.pause();
              return video;
            },
            'a canvas with a picture of another origin': async () => {
              const context = document.createElement('canvas').getContext('2d');
              context.drawImage(await makers['an image of another origin'](), 0, 0);
              return context.canvas;
            },
            'a canvas without a size': () =>
              Object.assign(document.createElement('canvas'), { width: 0 }),
            'a file of another kind': () => new Blob(['text'], { type: 'text/plain' }),
            'a wide picture': () => {
              const canvas = new OffscreenCanvas(9000, 1);
              canvas.getContext('2d');
              return canvas;
            },
          };
          const before = (await session.run({ input: await loaded('odd') })).output;
          const picture = await makers[what]();
          const errors = [];
          for (let i = 0; i < 2; i++)
            errors.push(
              await session.run({ input: picture }).then(
                () => 'it ran',
                ({ name, message }) => `${name}: ${message}`,
              ),
            );
          const after = (await session.run({ input: await loaded('odd') })).output;
          return { errors, same: same(before, after) };
        },
        [what, other.url(0)],
      );
      for (const error of told.errors) {
        assert.match(error, /^InputError: Input input /);
        assert.match(error, message);
      }
      assert.ok(told.same);
    });
});

test('the worked cases are met in Chromium, too', async () => {
  const eight = cases.filter(({ input }) => input.join() === '8,8');
  const pictures = eight.map(({ size }) => {
    const { data, width, height } = noise(...size);
    return { text: textOf(data), width, height };
  });
  const bytes = await page.evaluate(
    async ([model, runtime, cases, pictures]) => {
      const { createProgram } = await import(`${runtime}program.js`);
      const { loadArtifact } = await import(`${runtime}artifact.js`);
      const { runSteps, stagingBuffer } = await import(`${runtime}gpu.js`);
      const { device } = globalThis.session;
      const artifact = await loadArtifact(model);
      artifact.model.inputs[0].image.pad = [10, 20, 30];
      const choice = { dot: 'emulated', requantize: 'integer' };
      const program = await createProgram(device, artifact, choice);
      await program.preparePictures();
      const staging = stagingBuffer(device, 256);
      const copies = [{ buffer: program.buffers.get('image:input'), offset: 0, bytes: 256 }];
      const made = [];
      for (const [i, { fit }] of cases.entries()) {
        const picture = { ...pictures[i], data: Uint8Array.fromBase64(pictures[i].text) };
        const frame = { writes: [], steps: [], checks: [] };
        program.pictures[0](picture, fit, frame);
        made.push([...new Uint8Array(await runSteps(device, 'resize', frame, copies, staging))]);
      }
      return made;
    },
    [server.url(0), server.url(2), eight, pictures],
  );
  for (const [i, { sha256, size, fit }] of eight.entries()) {
    const digest = createHash('sha256').update(Uint8Array.from(bytes[i])).digest('hex');
    assert.equal(digest.slice(0, 16), sha256, `${size} ${JSON.stringify(fit)}`);
  }
});
