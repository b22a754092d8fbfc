/** The npm package as its users meet it: installed, built by Vite, imported by Node, a page and TypeScript. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { reference } from './fixture.js';
import { fixtureFolder, launchChromium, ROOT, serve, temporaryFolder } from './host.js';

const APP = temporaryFolder();
const MODULES = join(ROOT, 'node_modules');
const MAIN = `import { createSession, toPixels, AdapterError, MissingFileError } from 'onnx2wgsl';
import type { Session } from 'onnx2wgsl';

async function start(): Promise<void> {
  const session: Session = await createSession('./fixture/', {
    onProgress: ({ loaded, total }) => console.log(loaded / total),
  });
  const out = await session.run({ input: new Float32Array(192).fill(0.25) });
  const pixels = toPixels(session.outputs[0], out['output']);
  const report = await session.selfTest();
  document.body.textContent = JSON.stringify({ ok: report.ok, pixels: [...pixels] });
}

start().catch((error: unknown) => {
  const isKnown = error instanceof AdapterError || error instanceof MissingFileError;
  document.body.textContent = String(isKnown) + String(error);
});
`;
let files;
let browser;
let host;

function run(command, args, cwd = APP) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

before(async () => {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', APP], ROOT));
  files = packed.files.map(({ path }) => path).sort();
  writeFileSync(join(APP, 'package.json'), '{"private": true, "type": "module"}');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(APP, packed.filename)]);
  cpSync(fixtureFolder(), join(APP, 'public/fixture'), { recursive: true });
  symlinkSync(join(APP, 'public/fixture'), join(APP, 'fixture'));
  mkdirSync(join(APP, 'src'));
  writeFileSync(join(APP, 'src/main.ts'), MAIN);
  writeFileSync(
    join(APP, 'index.html'),
    '<title>app</title><link rel="icon" href="data:,"><script type="module" src="./src/main.ts"></script>',
  );
  writeFileSync(
    join(APP, 'plain.html'),
    `<title>plain</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "onnx2wgsl": "./node_modules/onnx2wgsl/runtime_js/dist/runtime.js" } }</script>
<script type="module" src="./plain.js"></script>`,
  );
  const types = /^import type .*$|: Promise<void>|: Session|: unknown/gm;
  writeFileSync(join(APP, 'plain.js'), MAIN.replaceAll(types, ''));
  host = await serve([APP, join(APP, 'dist')]);
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  host?.close();
});

/** What a page shows once it has run. */
async function shown(address) {
  const page = await browser.newPage();
  const complaints = [];
  page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(address);
  await page.waitForFunction(() => document.body?.textContent);
  const text = await page.textContent('body');
  await page.close();
  assert.deepEqual(complaints, []);
  return JSON.parse(text);
}

const { output } = reference(new Float32Array(192).fill(0.25));
const pixels = Array.from({ length: 256 }, (_, k) =>
  k % 4 === 3 ? 255 : output[64 * (k % 4) + (k >> 2)] * 128 + 128,
);

test('the package has the runtime, its types, and nothing else', () => {
  const own = files.filter((path) => !/^runtime_js\/([\w-]+|types-5\.0\/\w+)\.d\.ts$/.test(path));
  const scripts = own.filter((path) => path.startsWith('runtime_js/dist/'));
  assert.deepEqual(
    own.filter((path) => !scripts.includes(path)),
    ['LICENSE', 'NOTICE', 'README.md', 'package.json'],
  );
  assert.ok(scripts.includes('runtime_js/dist/runtime.js'));
  assert.ok(scripts.length > 1 && scripts.every((path) => !/page|single|\.d\.ts/.test(path)));
  assert.ok(files.includes('runtime_js/runtime.d.ts'));
});

test('its version is that of the compiler', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.match(
    readFileSync(join(ROOT, 'pyproject.toml'), 'utf8'),
    new RegExp(`^version = "${version}"$`, 'm'),
  );
});

test('Node imports it where there is no WebGPU, as servers that render pages do', () => {
  const script = `
    import { createSession } from 'onnx2wgsl';
    import about from 'onnx2wgsl/package.json' with { type: 'json' };
    createSession('./fixture/').catch(({ code }) => console.log(about.name, code));`;
  writeFileSync(join(APP, 'server.js'), script);
  assert.equal(run(process.execPath, ['--no-warnings', 'server.js']), 'onnx2wgsl adapter\n');
});

test('Vite builds an app of it that runs', async () => {
  run(process.execPath, [
    join(MODULES, 'vite/bin/vite.js'),
    'build',
    '--base=./',
    '--logLevel=warn',
  ]);
  assert.deepEqual(await shown(host.url(1)), { ok: true, pixels });
});

test('a plain page imports it by an import map', async () => {
  assert.deepEqual(await shown(`${host.url(0)}plain.html`), { ok: true, pixels });
});

describe('a strict TypeScript project checks', () => {
  const strict = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable'],
    noEmit: true,
  };
  // What lib.dom of TypeScript 5.0 lacks: the package @types/dom-webcodecs has it.
  before(() => writeFileSync(join(APP, 'src/globals.d.ts'), 'interface VideoFrame {}'));
  const types = join(MODULES, '@webgpu/types');
  for (const [compiler, options] of [
    ['typescript', { module: 'nodenext', types: [] }],
    ['typescript', { module: 'esnext', moduleResolution: 'bundler', types: [] }],
    ['typescript-oldest', { module: 'nodenext', moduleResolution: 'nodenext', types: [types] }],
    ['typescript-oldest', { module: 'esnext', moduleResolution: 'bundler', types: [types] }],
  ])
    test(`by ${compiler} with ${options.moduleResolution ?? options.module}`, () => {
      const config = { compilerOptions: { ...strict, ...options }, files: ['src/main.ts'] };
      if (compiler === 'typescript-oldest') config.files.push('src/globals.d.ts');
      writeFileSync(join(APP, 'tsconfig.json'), JSON.stringify(config));
      const { bin } = JSON.parse(readFileSync(join(MODULES, compiler, 'package.json'), 'utf8'));
      const tsc = join(MODULES, compiler, bin.tsc);
      try {
        run(process.execPath, [tsc, '-p', '.']);
      } catch ({ stdout }) {
        assert.fail(stdout);
      }
    });
});
