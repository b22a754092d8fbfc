/** Thousands of frames: the heap stays as it is, and the last frame gives what the first gave. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { createSession } from '../../runtime_js/runtime.js';
import { fixtureFolder, nodeAdapter } from './host.js';

// A result that stays takes 768 bytes; the engine's own comes and goes by 200 KB, 70 bytes for each of 3,000.
const BYTES_A_FRAME = 100;
const SAMPLES = 5;
const input = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i) * 1.5);
const data = Uint8ClampedArray.from({ length: 256 }, (_, i) => i * 37);
const picture = { data, width: 8, height: 8 };
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
let session;

before(async () => {
  session = await createSession(fixtureFolder(), { adapter: nodeAdapter });
});

after(() => session.destroy());

/** What is alive once all is done, in bytes: the least of some samples. */
async function heap() {
  await session.device.queue.onSubmittedWorkDone();
  const samples = [];
  for (let i = 0; i < SAMPLES; i++) {
    await new Promise((done) => setTimeout(done, 20));
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    samples.push(heapUsed + arrayBuffers);
  }
  return Math.min(...samples);
}

async function grows(frames, frame) {
  for (let i = 0; i < 500; i++) await frame();
  const start = await heap();
  for (let i = 0; i < frames; i++) await frame();
  return ((await heap()) - start) / frames;
}

test('10,000 frames, read back: the heap is flat, the first and the last are equal', async () => {
  const [first] = [await session.run({ input })];
  const perFrame = await grows(9499, () => session.run({ input }));
  assert.deepEqual(await session.run({ input }), first);
  assert.ok(perFrame < BYTES_A_FRAME, `${perFrame} bytes a frame`);
});

test('3,000 frames of all kinds, in flight: the heap is flat', async () => {
  const target = session.device.createTexture({ size: [8, 8], format: 'rgba8unorm', usage: 16 });
  const perFour = await grows(750, () =>
    Promise.all([
      session.run({ input }),
      session.run({ input: picture }, { as: 'pixels' }),
      session.frame(picture, target, { scaling: 'bicubic' }),
      session.draw(target),
    ]),
  );
  assert.ok(perFour / 4 < BYTES_A_FRAME, `${perFour / 4} bytes a frame`);
});
