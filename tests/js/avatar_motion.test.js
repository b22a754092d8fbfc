/** The live page with fewer frames of the generator, in Chromium. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { assertExact, countMade, visit } from './live.js';

/** A face that hardly moves: a slow machine sees few of its frames. */
const CALM = '&sway=0&gaze=0&contact=0';

/** Waits for more frames of a kind. @type {(inside: any, kind: 'made' | 'moved', count: number) => Promise<void>} */
async function more(inside, kind, count) {
  const frames = () => inside(({ loop }, kind) => loop.frames[kind], kind);
  const least = (await frames()) + count;
  while ((await frames()) < least) await new Promise((wait) => setTimeout(wait, 100));
}

describe('between two frames of the generator', () => {
  test('its last picture moves: one submit, nothing made; the generator’s bits are the same', async () => {
    const workers = [];
    const { page, log, inside, until, said } = await visit(`?every=4&readout=1${CALM}`, {
      prepare: (page) => page.on('worker', (worker) => workers.push(worker)),
    });
    await until(({ loop }) => loop?.frames.made > 1 && loop.frames.moved > 2);
    assert.equal(await page.inputValue('[name=every]'), '4');
    await said('facts', /^native [^;]*: the best that there is here$/);
    await said('measures', /by the generator\d+moved[1-9]/);
    const worker = workers.find((one) => /avatar_worker/.test(one.url()));
    const counted = () => inside(({ loop }) => loop.frames);
    const before = await counted();
    await worker.evaluate(countMade);
    await more(inside, 'moved', 3);
    const made = await worker.evaluate(() => globalThis.made);
    const frames = await counted();
    // A generator's frame is one to the canvas, and one that keeps its picture.
    const { submit, createCommandEncoder, createBindGroup = 0, ...rest } = made;
    assert.equal(submit, createCommandEncoder);
    const [generated, moved] = [frames.made - before.made, frames.moved - before.moved];
    // One of each kind may be under way.
    const [least, most] = [2 * (generated - 1) + moved - 1, 2 * (generated + 1) + moved + 1];
    assert.ok(submit >= least && submit <= most, `${submit} of ${least} to ${most}`);
    assert.ok(createBindGroup < submit, `${createBindGroup} of ${submit}`);
    assert.deepEqual(rest, {});
    const colours = await page.evaluate(() => {
      const canvas = document.getElementById('avatar');
      const context = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
      context.drawImage(canvas, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    assert.ok(colours > 1000, `${colours}`);
    await assertExact(inside, 'tiny');
    assert.deepEqual(log.said, []);
  });

  test('it moves on another canvas, in another view, and every frame is made where that is asked', async () => {
    const { page, inside, until } = await visit(`?every=2${CALM}`);
    await until(({ loop }) => loop?.frames.moved > 1);
    await inside(({ change }) => change({ view: 'stages', look: 'odd' }));
    await more(inside, 'moved', 2);
    await assertExact(inside, 'other');
    await page.click('#more');
    await page.selectOption('[name=every]', '1');
    assert.equal(await inside(({ settings }) => settings.every), '1');
    assert.equal(new URL(page.url()).searchParams.get('every'), '1');
    // A frame may be under way.
    await more(inside, 'made', 2);
    const before = await inside(({ loop }) => loop.frames);
    await more(inside, 'made', 3);
    assert.equal(await inside(({ loop }) => loop.frames.moved), before.moved);
  });

  test('what stays when nothing more comes is the generator’s', async () => {
    const { inside, until } = await visit(`?every=4&assist=0${CALM}`);
    await until(({ loop }) => loop?.frames.moved > 0);
    const last = await inside(async ({ loop, rig }) => {
      const wait = (ms) => new Promise((done) => setTimeout(done, ms));
      const face = rig.alone(0, new Float32Array(478 * 3), rig.channels.weights({}));
      const found = (shift) => {
        const landmarks = face.map((x, i) => x + (i % 3 ? 0 : shift));
        const time = performance.now();
        loop.found({ landmarks, time, aspect: 1, faces: 1, detect: 1, width: 64, height: 64 });
      };
      loop.use({ pause() {}, resume() {}, close() {} });
      // It eases into that face, which comes to a halt when the picture was moved.
      for (let i = 0; i < 15 || !loop.isMoved; i++) {
        found(0.001 * (i % 2));
        await wait(50);
      }
      // One may be under way, and one wait; then comes the last.
      await wait(1000);
      const frames = loop.frames;
      await wait(600);
      return { isMoved: loop.isMoved, more: loop.frames.made - frames.made };
    });
    assert.deepEqual(last, { isMoved: false, more: 0 });
  });

  test('without a wish pictures move where the device is slow, and only there', async () => {
    const workers = [];
    const { page, inside, until } = await visit(`?${CALM}`, {
      prepare: (page) => page.on('worker', (worker) => workers.push(worker)),
    });
    await until(({ loop }) => loop?.frames.made > 1);
    assert.equal(await page.inputValue('[name=every]'), 'auto');
    const counted = await inside(({ loop }) => loop.frames.moved);
    assert.equal(counted, 0);
    const worker = workers.find((one) => /avatar_worker/.test(one.url()));
    await worker.evaluate(() => {
      const own = GPUQueue.prototype.onSubmittedWorkDone;
      GPUQueue.prototype.onSubmittedWorkDone = async function () {
        await own.call(this);
        await new Promise((done) => setTimeout(done, 60));
      };
    });
    await more(inside, 'moved', 2);
    assert.equal(await inside(({ settings }) => settings.every), 'auto');
  });

  test('nothing moves where other backends run it, or two are compared: said', async () => {
    const { inside, until, said } = await visit('?every=3&backend=ort-wasm');
    await said('facts', /^ort-wasm .*; here every frame is the generator’s$/);
    await until(({ loop }) => loop?.frames.made > 3);
    assert.equal(await inside(({ loop }) => loop.frames.moved), 0);
    await inside(({ change }) => change({ every: '1' }));
    await said('facts', /asked for$/);
    await inside(({ change }) => change({ backend: 'native', compare: 'native', every: '2' }));
    await said('facts', /^native .*; here every frame is the generator’s$/);
    await until(({ isReady }) => isReady);
    await more(inside, 'made', 2);
    assert.equal(await inside(({ loop }) => loop.frames.moved), 0);
  });
});
