/** The live page in Chromium: what one sees first, a camera with a real face, what one takes along. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { clip, clipSource, ROOT, screenshotPath, SIZES } from './host.js';
import { assertExact, countMade, ISOLATED, SITES, visit } from './live.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

describe('at first sight', () => {
  test('an idle avatar, of the page itself alone, in silence; its bits are onnxruntime’s', async () => {
    // A device that is slow would fetch what moves pictures, too.
    const { page, origin, log, shown, state, inside } = await visit('?every=1', {
      site: 'avatar',
    });
    await shown(3);
    await state(/Nobody drives the avatar/);
    assert.deepEqual(
      log.requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:')),
      [],
    );
    assert.ok(!log.requests.some((url) => /mediapipe|onnxruntime/.test(url)));
    const before = log.requests.length;
    await assertExact(inside, 'avatar');
    await page.waitForTimeout(2000);
    // The script that `inside` asks for is the page's own, which it has.
    assert.deepEqual(log.requests.slice(before), []);
    assert.deepEqual(log.said, []);
    assert.match(await page.textContent('#facts'), /^native on .*: the best that there is here$/);
    const own = [...new Set(log.requests)].filter((url) => !/models/.test(url));
    const bytes = own.map((url) => {
      const path = new URL(url).pathname.replace(/^\/0\//, '') || 'index.html';
      return readFileSync(join(SITES.avatar(), path)).length;
    });
    const total = bytes.reduce((sum, size) => sum + size, 0);
    assert.ok(total < 400000, `${total} bytes without models and MediaPipe`);
  });

  test('is without faults to axe, in every size, closed and open', async () => {
    const { page, shown, inside } = await visit();
    await shown(1);
    // A page at rest has the same elements, and leaves axe the processor.
    await inside(({ loop }) => loop.pause());
    await page.addScriptTag({ path: AXE }).catch(() => page.evaluate(readFileSync(AXE, 'utf8')));
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      for (const isOpen of [false, true]) {
        if ((await page.getAttribute('#more', 'aria-expanded')) !== `${isOpen}`)
          await page.click('#more');
        const found = await page.evaluate(() => globalThis.axe.run());
        const told = found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
        assert.deepEqual(told, [], `${width}x${height}`);
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(wide <= 0, `${wide} pixels too wide at ${width}x${height}`);
        const path = screenshotPath(`live-${width}x${height}${isOpen ? '-settings' : ''}`);
        await page.screenshot({ path });
      }
    }
  });

  test('goes on after the graphics process has crashed, with the same bits', async () => {
    const { browser, shown, state, inside } = await visit('?res=256', { isAlone: true });
    await shown(2);
    const session = await browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess');
    await state(/The graphics device went away/);
    await shown(3);
    await state(/Nobody drives the avatar/);
    await assertExact(inside, 'small');
  });

  test('what the address says wrongly is told; another table’s words take the place of these', async () => {
    const { page, state } = await visit('?backend=cuda&readout=1');
    await state(/The address says backend=cuda, which this page does not know/);
    await page.evaluate(async () => {
      const { inscribe } = await import('./web/strings.js');
      inscribe(document, (key) => `«${key}»`);
    });
    assert.equal(await page.getAttribute('#wipe', 'aria-label'), '«label.wipe»');
    assert.equal(await page.getAttribute('html', 'lang'), '«page.language»');
    assert.equal(await page.title(), '«page.title»');
    const words = await page.evaluate(() =>
      document.body.innerText.split(/\n+/).map((line) => line.trim()),
    );
    assert.ok(words.includes('«do.camera»') && words.includes('«set.source»'), `${words}`);
  });
});

describe('with a camera', () => {
  let file;
  /** A camera that sees a clip again and again. */
  const camera = () => {
    file ??= clip('smile', '--seconds', '4');
    const device = '--use-fake-device-for-media-stream';
    return { flags: [device, `--use-file-for-fake-video-capture=${file}`] };
  };

  test('a real face drives the avatar: one submit a frame, nothing made, nothing sent', async () => {
    const counters = [];
    const { page, origin, log, shown, state, inside, until } = await visit(
      '?res=256&view=stages&source=camera&every=1',
      {
        ...camera(),
        headers: ISOLATED,
        permissions: ['camera'],
        prepare: (page) => page.on('worker', (worker) => counters.push(worker)),
      },
    );
    await state(/Your face drives the avatar/);
    await shown(3);
    // The stages show the generator's own picture by a submit more: only without them is there one.
    await inside(({ change }) => change({ view: 'avatar' }));
    const [worker] = counters.filter((one) => /avatar_worker/.test(one.url()));
    await worker.evaluate(countMade);
    await shown(6);
    const made = await worker.evaluate(() => globalThis.made);
    const frames = made.createCommandEncoder;
    assert.ok(frames >= 5, JSON.stringify(made));
    // A canvas has another texture each frame, and with it another bind group.
    const { createBindGroup = 0, ...rest } = made;
    assert.ok(createBindGroup <= frames, JSON.stringify(made));
    assert.deepEqual(rest, { createCommandEncoder: frames, submit: frames });
    await until(({ loop }) => loop.tracked.looked > 5);
    const { faces, tracked, latency } = await inside(({ loop }) => ({
      faces: loop.faces,
      tracked: loop.tracked,
      latency: loop.meters.latency.last,
    }));
    assert.equal(faces, 1);
    assert.ok(
      tracked.looked > 5 && tracked.found >= 0.95 * tracked.looked,
      JSON.stringify(tracked),
    );
    assert.ok(latency > 0);
    await assertExact(inside, 'small');
    assert.deepEqual(log.said, []);
    assert.deepEqual(
      log.requests.filter((url) => !/^(blob|data):/.test(url) && !url.startsWith(origin)),
      [],
    );
    await page.screenshot({ path: screenshotPath('live-camera') });
  });

  test('a picture of a face does, too; one without is told', async () => {
    const { page, state } = await visit('?view=stages');
    await page.setInputFiles('#file', join(ROOT, 'models/pictures/astronaut.jpg'));
    await state(/Your face drives the avatar/);
    await page.screenshot({ path: screenshotPath('live-picture') });
    await page.setInputFiles('#file', clipSource('several'));
    await state(/There are \d faces: the nearest drives the avatar/);
    await page.setInputFiles('#file', join(ROOT, 'docs/images/rooms.svg'));
    await state(/rooms.svg is no picture or video|No face is in view/);
  });

  test('that is refused, absent, or on a page that is not secure: said, with what to do', async () => {
    const refused = await visit('', { ...camera(), permissions: [] });
    await refused.page.click('#start');
    await refused.state(/The camera was refused. Allow it in the address bar/);
    assert.equal(await refused.page.isVisible('#start'), true);
    const absent = await visit('', { permissions: ['camera'] });
    await absent.page.click('#start');
    await absent.state(/There is no camera here/);
    const insecure = await visit('', { host: 'far.test' });
    await insecure.page.click('#start');
    await insecure.state(/A camera needs a secure page/);
  });
});

describe('taken along', () => {
  test('a snapshot and a recording of the avatar, also on green', async () => {
    const { page, inside, until, shown, state } = await visit('?source=performance');
    await shown(1);
    const download = async (id) => {
      const [file] = await Promise.all([page.waitForEvent('download'), page.click(id)]);
      return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
    };
    const picture = await download('#snapshot');
    assert.equal(picture.name, 'avatar.png');
    const colours = async (bytes) =>
      page.evaluate(async (base64) => {
        const bitmap = new Image();
        bitmap.src = `data:image/png;base64,${base64}`;
        await bitmap.decode();
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context.drawImage(bitmap, 0, 0);
        const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        return { corner: [...data.slice(0, 3)], many: new Set(new Uint32Array(data.buffer)).size };
      }, bytes.toString('base64'));
    assert.ok((await colours(picture.bytes)).many > 1000);
    await inside(({ change }) => change({ background: 'green' }));
    await shown(2);
    const green = await colours((await download('#snapshot')).bytes);
    assert.deepEqual(green.corner, [0, 177, 64]);
    assert.ok(green.many > 1000);
    // Stopped at once: the encoder's first bytes are waited for, or the page says that none came.
    await page.click('#record');
    await state(/^Recording/);
    const file = page.waitForEvent('download').then(async (one) => {
      assert.ok(readFileSync(await one.path()).length > 0);
    });
    await page.click('#record');
    await Promise.race([file, state(/^Nothing was recorded/)]);
    file.catch(() => {});
    await until(({ recorder }) => recorder.state === 'off');
    await page.click('#record');
    await state(/^Recording/);
    assert.equal(await page.getAttribute('#record', 'aria-pressed'), 'true');
    await until(({ recorder }) => recorder.bytes > 5000);
    // Whoever leaves now is asked, and may stay.
    const asked = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    const dialog = await asked;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.dismiss();
    const video = await download('#record');
    assert.match(video.name, /^avatar\.(webm|mp4)$/);
    assert.ok(video.bytes.length > 5000, `${video.bytes.length} bytes`);
    await until(({ recorder }) => recorder.state === 'off');
    assert.equal(await page.getAttribute('#record', 'aria-pressed'), 'false');
  });
});
