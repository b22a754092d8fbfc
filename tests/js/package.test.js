import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

import { ROOT, RUNTIME, temporaryFolder } from './host.js';

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const CONSUMER = join(ROOT, 'tests/js/consumer.ts');

for (const folder of [RUNTIME, join(RUNTIME, 'dist'), join(ROOT, 'face')])
  test(`scripts of ${basename(folder)} import only their neighbours: they run unbundled`, () => {
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'));
    assert.ok(scripts.length > 0);
    for (const name of scripts)
      for (const path of importsOf(readFileSync(join(folder, name), 'utf8')))
        assert.ok(path.startsWith('./') && scripts.includes(path.slice(2)), `${name}: ${path}`);
  });

function importsOf(text) {
  return Array.from(
    text.matchAll(/(?:from|import\(|\bimport)\s*(['"`])([^'"`\s]+)\1/g),
    ([, , path]) => path,
  );
}

test('the page names nothing outside its folder', () => {
  const page = readFileSync(join(RUNTIME, 'index.html'), 'utf8');
  assert.doesNotMatch(page, /https?:|\/\/\w/);
  const named = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
  assert.deepEqual(named, ['icon.svg', 'page.css', 'page.js']);
});

test('the minified modules are as they are made', () => {
  const command = [join(ROOT, 'scripts/dist.js'), '--check'];
  execFileSync(process.execPath, command, { stdio: 'inherit' });
});

test('types check, and the .d.ts files are as tsc writes them', () => {
  execFileSync(process.execPath, [join(ROOT, 'tests/js/types.js')], { stdio: 'inherit' });
});

test('a program in strict TypeScript checks', () => {
  const flags = ['strict', 'noUncheckedIndexedAccess', 'exactOptionalPropertyTypes', 'noEmit'];
  const settings = [
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom,dom.iterable',
  ];
  const command = [
    TSC,
    '--ignoreConfig',
    ...flags.map((flag) => `--${flag}`),
    ...settings,
    '--types',
    '',
    CONSUMER,
  ];
  execFileSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit' });
});

test('what run gives goes to toPixels, topK and ImageData under strict TypeScript', () => {
  const folder = temporaryFolder();
  const runtime = join(RUNTIME, 'runtime.js');
  writeFileSync(
    join(folder, 'app.ts'),
    `import { createSession, toPixels } from ${JSON.stringify(runtime)};
    const session = await createSession('./model/', { recover: false });
    const canvas = new OffscreenCanvas(256, 256);
    const output = await session.run({ input: new ImageData(256, 256) }, { outputs: ['output'] });
    export const picture = new ImageData(toPixels(session.outputs[0], output.output), 256);
    export const [{ index, label }] = await session.topK(output.output, 1, { labels: ['cat'] });
    await session.frame(new ImageData(256, 256), canvas, { scaling: 'bicubic', sharpness: 0.5 });
    export const rows: string[] = (await session.profile()).rows.map(({ name }) => name);
    export const text: string = (await session.selfTest()).text;
    `,
  );
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
  };
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', folder], { stdio: 'inherit' });
});
