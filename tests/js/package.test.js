import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { ROOT, RUNTIME } from './host.js';

const scripts = readdirSync(RUNTIME).filter((name) => name.endsWith('.js'));
const textOf = (name) => readFileSync(join(RUNTIME, name), 'utf8');

test('scripts import only their neighbours, so that they run unbundled in a browser', () => {
  for (const name of scripts)
    for (const [, path] of textOf(name).matchAll(/(?:from|import\()\s*'([^']+)'/g))
      assert.ok(path.startsWith('./') && scripts.includes(path.slice(2)), `${name}: ${path}`);
});

test('the page names nothing outside its folder', () => {
  const page = readFileSync(join(RUNTIME, 'index.html'), 'utf8');
  assert.doesNotMatch(page, /https?:|\/\/\w/);
  const named = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
  assert.deepEqual(named, ['data:,', 'page.js']);
});

test('types check, and the .d.ts files are as tsc writes them', () => {
  execFileSync(process.execPath, [join(ROOT, 'tests/js/types.js')], { stdio: 'inherit' });
});
