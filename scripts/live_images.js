/**
 * Writes the live page's pictures in docs/images: what one sees first, with the avatar, in four sizes; and the
 * emotions, in the generator's own pixels.
 *
 * node scripts/live_images.js              # both
 * node scripts/live_images.js emotions     # or windows
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { launchChromium, PYTHON, ROOT, serve, SIZES } from '../tests/js/host.js';
import { EMOTIONS } from '../web/rig/emotions.js';

const WEBP =
  'from PIL import Image; import sys; Image.open(sys.argv[1]).save(sys.argv[2], quality=88)';

const STRIP = `import sys; import numpy as np; from PIL import Image
faces = np.fromfile(sys.argv[1], np.uint8).reshape(2, 4, 256, 256, 4)[..., :3]
rows = [np.concatenate(list(row), 1) for row in faces]
Image.fromarray(np.concatenate(rows)).save(sys.argv[2], quality=88)`;
const SETTLED_MS = 1000;
const WAIT = { timeout: 300000 };

const work = mkdtempSync(join(tmpdir(), 'live-images-'));
const site = join(work, 'site');
const run = (...options) =>
  execFileSync(PYTHON, options, { stdio: ['ignore', 'ignore', 'inherit'] });
run('-m', 'onnx2wgsl.web', 'build', '-o', site);
const server = await serve([site]);
const browser = await launchChromium([]);
const image = (name) => join(ROOT, 'docs', 'images', `${name}.webp`);

/** Opens the page, and waits until it has shown some frames. */
async function open(query, [width, height]) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(`${server.url(0)}${query}`);
  const isShown = () => Number(document.documentElement.dataset.shown ?? 0) >= 3;
  await page.waitForFunction(isShown, null, WAIT);
  return page;
}

/** Waits until emotions are what they are to be, and that has been shown. */
async function settled(page, module) {
  await page.waitForFunction(({ rig }) => !rig.emotions.isMoving, module, WAIT);
  const shown = () => Number(document.documentElement.dataset.shown);
  const least = (await page.evaluate(shown)) + 2;
  await page.waitForFunction(
    (least) => Number(document.documentElement.dataset.shown) >= least,
    least,
    WAIT,
  );
}

const tasks = {
  async windows() {
    for (const [width, height] of SIZES) {
      const page = await open('', [width, height]);
      const shot = join(work, 'shot.png');
      await page.screenshot({ path: shot });
      run('-c', WEBP, shot, image(`live-${width}x${height}`));
      await page.close();
    }
  },

  async emotions() {
    const page = await open('?sway=0&gaze=0', [640, 480]);
    const module = await page.evaluateHandle(async () => (await import('./web/main.js')).inside);
    await module.evaluate(({ rig }) => (rig.levels.blink = 0));
    const faces = [];
    for (const emotion of EMOTIONS) {
      await module.evaluate(({ change }, emotion) => change({ emotion }), emotion);
      await page.waitForTimeout(SETTLED_MS);
      await settled(page, module);
      const pixels = await module.evaluate(async ({ avatar }) => [
        ...(await avatar.capture()).output,
      ]);
      faces.push(Buffer.from(pixels));
    }
    const file = join(work, 'faces');
    writeFileSync(file, Buffer.concat(faces));
    run('-c', STRIP, file, image('emotions'));
    await page.close();
  },
};

const names = process.argv.slice(2);
for (const name of names.length ? names : Object.keys(tasks)) await tasks[name]();
await browser.close();
server.close();
rmSync(work, { recursive: true });
