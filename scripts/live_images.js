/**
 * Writes the live page's pictures in docs/images: what one sees first, with the avatar, in four sizes.
 *
 * node scripts/live_images.js
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { launchChromium, PYTHON, ROOT, serve, SIZES } from '../tests/js/host.js';

const WEBP =
  'from PIL import Image; import sys; Image.open(sys.argv[1]).save(sys.argv[2], quality=88)';

const work = mkdtempSync(join(tmpdir(), 'live-images-'));
const site = join(work, 'site');
const run = (...options) =>
  execFileSync(PYTHON, options, { stdio: ['ignore', 'ignore', 'inherit'] });
run('-m', 'onnx2wgsl.web', 'build', '-o', site);
const server = await serve([site]);
const browser = await launchChromium([]);
for (const [width, height] of SIZES) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(server.url(0));
  await page.waitForFunction(() => Number(document.documentElement.dataset.shown ?? 0) >= 3, null, {
    timeout: 120000,
  });
  const shot = join(work, 'shot.png');
  await page.screenshot({ path: shot });
  run('-c', WEBP, shot, join(ROOT, 'docs', 'images', `live-${width}x${height}.webp`));
  await page.close();
}
await browser.close();
server.close();
rmSync(work, { recursive: true });
