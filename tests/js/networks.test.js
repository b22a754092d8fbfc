/** The avatar and six small networks, in Node.js and in Chromium: onnxruntime's bits, however the input comes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { createSession } from '../../runtime_js/runtime.js';
import {
  launchChromium,
  nodeAdapter,
  noise,
  PYTHON,
  ROOT,
  serve,
  temporaryFolder,
} from './host.js';

const NETWORKS = 'avatar unet unet_u8u8 unet_s8s8 classifier segmenter enlarger'.split(' ');
// The size of picture.png.
const [WIDTH, HEIGHT] = [61, 47];
const site = temporaryFolder();
let server;
let browser;

before(async () => {
  execFileSync(PYTHON, ['-m', 'tests.js.networks', site], { cwd: ROOT, stdio: 'inherit' });
  server = await serve([site]);
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** The bytes of all outputs, one after the other. */
const bytesOf = (session, results) =>
  Buffer.concat(
    session.outputs.map(({ name }) => {
      const { buffer, byteOffset, byteLength } = results[name];
      return Buffer.from(buffer, byteOffset, byteLength);
    }),
  );

/** Buffers and a texture of a session's device. */
function heldBy(device) {
  const bufferOf = (bytes) => {
    const buffer = device.createBuffer({ size: bytes.byteLength, usage: 0x88 });
    device.queue.writeBuffer(buffer, 0, bytes);
    return buffer;
  };
  const textureOf = ({ data, width, height }, usage = 0x6) => {
    const size = [width, height];
    const texture = device.createTexture({ size, format: 'rgba8unorm', usage });
    device.queue.writeTexture({ texture }, data, { bytesPerRow: 4 * width }, size);
    return texture;
  };
  return { bufferOf, textureOf };
}

/** An opaque picture of that size, whose bytes Python has, too. */
function opaque(width, height) {
  const picture = noise(width, height);
  for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = 255;
  return picture;
}

describe('in Node.js', () => {
  for (const network of NETWORKS)
    test(network, async () => {
      const session = await createSession(join(site, network), { adapter: nodeAdapter });
      const [rgba, values, expected] = ['rgba', 'in', 'out'].map((end) =>
        readFileSync(join(site, `${network}.${end}`)),
      );
      const [{ name, image }] = session.inputs;
      const [width, height] = image.size;
      const { bufferOf, textureOf } = heldBy(session.device);
      const whole = opaque(WIDTH, HEIGHT);
      const array = new Float32Array(Uint8Array.from(values).buffer);
      const feeds = {
        Float32Array: array,
        'GPUBuffer of values': bufferOf(array),
        'bytes of the size': { data: Uint8ClampedArray.from(rgba), width, height },
        'Buffer of the size': { data: rgba, width, height },
        'bytes of another size': whole,
        'Buffer of another size': { ...whole, data: Buffer.from(whole.data) },
        'GPUBuffer of another size': { ...whole, data: bufferOf(whole.data) },
        'GPUTexture of another size': textureOf(whole),
      };
      for (const [kind, value] of Object.entries(feeds)) {
        const results = await session.run({ [name]: value });
        assert.ok(bytesOf(session, results).equals(expected), kind);
      }
      session.destroy();
    });
});

describe('in Chromium', () => {
  for (const network of NETWORKS)
    test(network, async () => {
      const page = await browser.newPage();
      await page.goto(server.origin);
      await page.evaluate(`globalThis.heldBy = ${heldBy}`);
      const wrong = await page.evaluate(kindsThatDiffer, [server.url(0), network]);
      await page.close();
      assert.deepEqual(wrong, []);
    });
});

/** Runs a network on all that an input may be, in a page: the kinds whose outputs are others. */
async function kindsThatDiffer([site, network]) {
  const { createSession } = await import(`${site}${network}/runtime.js`);
  const session = await createSession(`${site}${network}/`);
  const fetched = async (file) => (await fetch(site + file)).blob();
  const bytesOf = async (end) => (await fetched(`${network}.${end}`)).arrayBuffer();
  const [rgba, values, expected] = await Promise.all(['rgba', 'in', 'out'].map(bytesOf));
  const [{ name, image }] = session.inputs;
  const [width, height] = image.size;
  const { bufferOf, textureOf } = globalThis.heldBy(session.device);
  const file = await fetched('picture.png');
  const element = Object.assign(new Image(), { src: `${site}picture.png` });
  await element.decode();
  const bitmap = await createImageBitmap(file);
  const drawn = (canvas) => {
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    return canvas;
  };
  const canvas = drawn(document.createElement('canvas'));
  const whole = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const array = new Float32Array(values);
  const feeds = {
    Float32Array: array,
    'GPUBuffer of values': bufferOf(array),
    'ImageData of the size': new ImageData(new Uint8ClampedArray(rgba), width, height),
    ImageData: whole,
    'GPUBuffer of RGBA': {
      data: bufferOf(whole.data),
      width: whole.width,
      height: whole.height,
    },
    GPUTexture: textureOf(whole),
    Blob: file,
    ImageBitmap: bitmap,
    HTMLImageElement: element,
    HTMLCanvasElement: canvas,
    OffscreenCanvas: drawn(new OffscreenCanvas(1, 1)),
    VideoFrame: new VideoFrame(bitmap, { timestamp: 0 }),
  };
  const wrong = [];
  for (const [kind, value] of Object.entries(feeds)) {
    const results = await session.run({ [name]: value });
    const blob = new Blob(session.outputs.map((output) => results[output.name]));
    const [found, right] = [await blob.arrayBuffer(), expected].map((all) => new Uint8Array(all));
    if (found.length !== right.length || found.some((byte, i) => byte !== right[i]))
      wrong.push(kind);
  }
  feeds.VideoFrame.close();
  session.destroy();
  return wrong;
}
