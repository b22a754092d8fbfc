/** `onnx2wgsl serve` as Chromium meets it: isolated or not, and what it keeps. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';

import { artifactFolders, launchChromium, nameOf, PYTHON } from './host.js';

const FOLDER = artifactFolders().find((folder) => nameOf(folder) !== 'fixture');
let browser;

before(async () => (browser = await launchChromium()));
after(() => browser?.close());

/** The address of a server, and what ends it. */
async function serving(...options) {
  const command = ['-m', 'onnx2wgsl.compiler', 'serve', FOLDER, '--port', '0', ...options];
  const server = spawn(PYTHON, command, {
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise((done) => server.stdout.once('data', done));
  return { address: `${line}`.split(' ')[0], end: () => server.kill('SIGINT') };
}

/** Opens the page and waits for the verdict of its self-test. */
async function openPage(context, address) {
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForSelector('text=Bit-exact', { timeout: 120_000 });
  return page;
}

describe('the page', () => {
  for (const [options, isolated] of [
    [['--isolate'], true],
    [[], false],
  ])
    test(`is ${isolated ? '' : 'not '}isolated with ${options.join() || 'no option'}`, async () => {
      const { address, end } = await serving(...options);
      try {
        const page = await openPage(browser, address);
        assert.equal(await page.evaluate(() => crossOriginIsolated), isolated);
        await page.close();
      } finally {
        end();
      }
    });

  test('comes again without what a browser keeps', async () => {
    const { address, end } = await serving();
    const context = await browser.newContext();
    try {
      await (await openPage(context, address)).close();
      const page = await openPage(context, address);
      // Bytes over the network: none for what is kept, a head alone for what is as it was.
      const sizes = await page.evaluate(() =>
        performance
          .getEntriesByType('resource')
          .map(({ name, transferSize }) => [name, transferSize]),
      );
      const kept = sizes.filter(([name]) => /-[\w-]{8,16}\.\w+$/.test(name));
      assert.ok(kept.length >= 4);
      assert.deepEqual([...new Set(kept.map(([, size]) => size))], [0]);
      const asked = sizes.filter(([name]) => /(runtime\.js|model\.json|page\.css)$/.test(name));
      assert.ok(asked.length >= 3);
      assert.deepEqual([...new Set(asked.map(([, size]) => size))], [300]);
    } finally {
      await context.close();
      end();
    }
  });
});
