/**
 * Writes the live page's pictures in docs/images: what one sees first, with the avatar, in four sizes; and, in the
 * generator's own pixels, the emotions, and the visemes with a blink.
 *
 * node scripts/live_images.js              # all
 * node scripts/live_images.js emotions     # or windows, or visemes
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { launchChromium, PYTHON, ROOT, serve, SIZES } from '../tests/js/host.js';
import { EMOTIONS } from '../web/rig/emotions.js';

const WEBP =
  'from PIL import Image; import sys; Image.open(sys.argv[1]).save(sys.argv[2], quality=88)';

const STRIP = `import sys; import numpy as np; from PIL import Image
columns = int(sys.argv[3])
faces = np.fromfile(sys.argv[1], np.uint8).reshape(-1, columns, 256, 256, 4)[..., :3]
rows = [np.concatenate(list(row), 1) for row in faces]
Image.fromarray(np.concatenate(rows)).save(sys.argv[2], quality=88)`;
const SETTLED_MS = 1000;
const LIDS = [0, 0.25, 0.5, 0.75, 1];
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

/** A picture of faces in rows, each made by the page's generator once it has been acted. */
async function strip(name, columns, all, act) {
  const page = await open('?sway=0&gaze=0', [640, 480]);
  const module = await page.evaluateHandle(async () => (await import('./web/main.js')).inside);
  await module.evaluate(({ rig }) => (rig.levels.blink = 0));
  const faces = [];
  for (const one of all) {
    await act(module, one);
    await page.waitForTimeout(SETTLED_MS);
    await settled(page, module);
    const capture = async ({ avatar }) => [...(await avatar.capture()).output];
    faces.push(Buffer.from(await module.evaluate(capture)));
  }
  const file = join(work, 'faces');
  writeFileSync(file, Buffer.concat(faces));
  run('-c', STRIP, file, image(name), `${columns}`);
  await page.close();
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
    await strip('emotions', 4, EMOTIONS, async (module, emotion) => {
      await module.evaluate(({ change }, emotion) => change({ emotion }), emotion);
    });
  },

  async visemes() {
    const { visemes } = JSON.parse(readFileSync(join(ROOT, 'face', 'expressions.json')));
    const blink = LIDS.map((weight) => ({ blink_right: weight, blink_left: weight }));
    const faces = [...Object.values(visemes), ...blink];
    await strip('visemes', LIDS.length, faces, async (module, expression) => {
      await module.evaluate(
        ({ rig }, expression) => rig.manual.set(rig.channels.weights(expression)),
        expression,
      );
    });
  },
};

const names = process.argv.slice(2);
for (const name of names.length ? names : Object.keys(tasks)) await tasks[name]();
await browser.close();
server.close();
rmSync(work, { recursive: true });
