import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { COMBINATIONS, nodeAdapter, ROOT } from './host.js';

const GOLDENS = join(ROOT, 'tests/goldens');
const snippet = (name) => readFileSync(join(GOLDENS, 'test_snippets', `${name}.wgsl`), 'utf8');
const device = await (await nodeAdapter()).requestDevice();
after(() => device.destroy());

/** What Tint has against a shader; null where nothing. */
async function complaint(code) {
  device.pushErrorScope('validation');
  device.createShaderModule({ code });
  return (await device.popErrorScope())?.message ?? null;
}

test('Tint refuses what is not WGSL', async () => {
  assert.match(await complaint('fn main( {'), /error/);
});

test('Tint takes the probe', async () => {
  for (const variant of ['fast', 'integer']) {
    const parts = [snippet(`requantize_${variant}`), snippet('probe_requantize')];
    assert.equal(await complaint(parts.join('\n')), null, variant);
  }
});

test('Tint takes the passes of a resize', async () => {
  for (const source of ['buffer', 'texture'])
    assert.equal(await complaint(snippet(`resize_${source}`)), null, source);
});

for (const folder of readdirSync(GOLDENS).filter((name) => name !== 'test_snippets'))
  test(`Tint takes every shader of ${folder}`, async () => {
    const { kernels, pictures } = JSON.parse(
      readFileSync(join(GOLDENS, folder, 'kernels.json'), 'utf8'),
    );
    assert.ok(kernels.length > 0);
    const own = [...kernels, ...Object.values(pictures).map(({ kernel }) => kernel)];
    const all = own.flatMap(({ schedules = {}, ...kernel }) => [
      kernel,
      ...Object.values(schedules),
    ]);
    assert.deepEqual(
      [...new Set(all.map(({ shader }) => shader))].sort(),
      readdirSync(join(GOLDENS, folder))
        .filter((name) => name.endsWith('.wgsl'))
        .sort(),
    );
    for (const { shader, uses } of all)
      for (const choice of COMBINATIONS) {
        const parts = uses.map((use) => snippet(`${use}_${choice[use]}`));
        const text = readFileSync(join(GOLDENS, folder, shader), 'utf8');
        assert.equal(await complaint([...parts, text].join('\n')), null, shader);
      }
  });
