/** What the live page's tests share: its sites, and visits to them in few browsers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach } from 'node:test';

import {
  bytesOf,
  launchChromium,
  PYTHON,
  ROOT,
  serve,
  smallModel,
  temporaryFolder,
} from './host.js';

export const READY_MS = 120000;
export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'credentialless',
};
// No camera, unless a test has one; a host that is none of this machine's, and so is not secure.
const NO_CAMERA = '--use-fake-device-for-media-stream=device-count=0';
const FAR = '--host-resolver-rules=MAP far.test 127.0.0.1';

/** The page as `onnx2wgsl-web build` lays it out. */
function build(...options) {
  const folder = join(temporaryFolder(), 'site');
  const command = ['-m', 'onnx2wgsl.web', 'build', '-o', folder, ...options];
  execFileSync(PYTHON, command, { stdio: ['ignore', 'ignore', 'inherit'] });
  return folder;
}

function once(make) {
  let made;
  return () => (made ??= make());
}

/** The site with the avatar, of ONNX2WGSL_SITE where it is given; the one with small models. */
export const SITES = {
  avatar: once(() => process.env.ONNX2WGSL_SITE ?? build()),
  small: once(() =>
    build(...['other', 'small', 'tiny'].flatMap((name) => ['--model', modelFile(name)])),
  ),
};

/** The ONNX file of a model: the avatar, small, other, tiny. */
export function modelFile(name) {
  return name === 'avatar' ? join(ROOT, 'models/avatar_256_u8.onnx') : smallModel(name);
}

/** The page that `onnx2wgsl embed --single-file` makes of a model. */
export function singlePage(name) {
  const page = join(temporaryFolder(), `${name}.html`);
  const embed = ['-m', 'onnx2wgsl.compiler', 'embed', modelFile(name), '-o', page, '--single-file'];
  execFileSync(PYTHON, embed, { stdio: ['ignore', 'ignore', 'inherit'] });
  return page;
}

/** Browsers and servers, by what they are launched or served with. */
const shared = new Map();
after(async () => {
  for (const one of await Promise.all(shared.values())) await one.close();
});

/** Those of the test's visits: a page that is left open would take the next test's time. */
const contexts = [];
afterEach(() => Promise.all(contexts.splice(0).map((one) => one.close())));

function share(key, make) {
  if (!shared.has(key)) shared.set(key, make());
  return shared.get(key);
}

/**
 * Opens the page in a context of its own; `log` has what it asks for and what it says. Visits with the same flags
 * share a browser, unless one is to be alone.
 */
export async function visit(
  query = '',
  {
    site = 'small',
    flags = [NO_CAMERA, FAR],
    size: [width, height] = [1280, 800],
    headers,
    host = '127.0.0.1',
    permissions,
    isAlone = false,
    prepare,
  } = {},
) {
  const folder = SITES[site]();
  const server = await share(JSON.stringify([site, headers]), () => serve([folder], headers));
  const browser = await share(isAlone ? {} : flags.join(' '), () => launchChromium(flags));
  const context = await browser.newContext({ viewport: { width, height } });
  contexts.push(context);
  if (permissions) await context.grantPermissions(permissions);
  const page = await context.newPage();
  page.setDefaultTimeout(READY_MS);
  const log = logOf(page);
  await prepare?.(page);
  const origin = server.origin.replace('127.0.0.1', host);
  await page.goto(`${origin}/0/${query}`);
  const module = await page.evaluateHandle(async () => (await import('./web/main.js')).inside);
  const inside = (task, given) => module.evaluate(task, given);
  const until = (predicate) => page.waitForFunction(predicate, module);
  const count = () => page.evaluate(() => Number(document.documentElement.dataset.shown ?? 0));
  return {
    ...{ page, browser, origin, log, inside, until },
    /** Waits for as many more frames. */
    async shown(more) {
      const least = (await count()) + more;
      await page.waitForFunction(
        (n) => Number(document.documentElement.dataset.shown ?? 0) >= n,
        least,
      );
    },
    said: (id, pattern) => saying(page, id, pattern),
    state: (pattern) => saying(page, 'state', pattern),
  };
}

/** Waits until an element's text is as a pattern has it; asks from here, since a page may not look by itself. */
async function saying(page, id, pattern) {
  const end = Date.now() + READY_MS;
  for (let text = ''; !pattern.test(text); await new Promise((wait) => setTimeout(wait, 100))) {
    if (Date.now() > end) assert.fail(`${id} is “${text}”, never ${pattern}`);
    text = await page.evaluate((name) => document.getElementById(name).textContent, id);
  }
}

function logOf(page) {
  const log = { requests: [], said: [] };
  page.on('request', (request) => log.requests.push(request.url()));
  // MediaPipe tells what it is made of, by stderr.
  const isMediapipe = (text) => /^[IW]\d{4} |^INFO: |^Graph successfully started/.test(text);
  page.on('console', (message) => {
    if (!isMediapipe(message.text())) log.said.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => log.said.push(`${error}`));
  return log;
}

/** What the generator was given and made, from the page, is what onnxruntime makes of it with that model. */
export async function assertExact(inside, model) {
  const texts = await inside(async ({ avatar }) => {
    const { input, output } = await avatar.capture();
    const textOf = (bytes) => new Uint8Array(bytes).toBase64();
    return [textOf(input), textOf(output)];
  });
  const [input, output] = texts.map(bytesOf);
  const folder = temporaryFolder();
  const [given, made] = ['given', 'made'].map((name) => join(folder, name));
  writeFileSync(given, input);
  const reference = ['-m', 'tests.avatar_reference', modelFile(model), given, made];
  execFileSync(PYTHON, reference, { cwd: ROOT });
  const expected = readFileSync(made);
  assert.equal(output.length, expected.length);
  assert.equal(output.filter((value, i) => value !== expected[i]).length, 0);
  assert.ok(new Set(input).size > 20 && new Set(output).size > 20);
}

/** Counts in a worker, as globalThis.made, what is submitted and what is made on the device. */
export function countMade() {
  globalThis.made = {};
  const count = (type, names) => {
    for (const name of names) {
      const own = type.prototype[name];
      type.prototype[name] = function (...args) {
        globalThis.made[name] = (globalThis.made[name] ?? 0) + 1;
        return own.apply(this, args);
      };
    }
  };
  count(GPUQueue, ['submit']);
  const made = Object.getOwnPropertyNames(GPUDevice.prototype);
  count(
    GPUDevice,
    made.filter((name) => /^create/.test(name)),
  );
}
