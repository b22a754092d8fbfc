/** The live page's generators in Chromium: what the address asks for, what is dropped, all exact. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { screenshotPath, serve } from './host.js';
import { assertExact, ISOLATED, singlePage, SITES, visit } from './live.js';

/** Has a line of code run in the avatar's worker before its own. */
const worker = (line) => (page) =>
  page.route('**/avatar_worker.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${line}\n${await response.text()}` });
  });

/** Whether a page with models of these looks has them chosen; in the page. */
async function offerLooks(looks) {
  const { offerModels } = await import('./web/models.js');
  const label = document.createElement('label');
  const select = label.appendChild(document.createElement('select'));
  const models = looks.map((look) => ({ name: 'any', look, size: 64, folder: '' }));
  offerModels(models, document.createElement('datalist'), select);
  return !label.hidden;
}

describe('the address', () => {
  test('of a model on another origin, which does not let this page read it: said, with CORS', async () => {
    const other = await serve([SITES.small()]);
    const { state } = await visit(`?model=${other.url(0)}models/small/`);
    await state(/The model can’t be read: .*\(CORS\)/);
    other.close();
  });

  test('chooses look, resolution, tier, view and background; the page says what is not as asked', async () => {
    const asked = '?look=none&res=512&tier=weak&view=stages&background=green';
    const { page, inside, said } = await visit(asked);
    await said(
      'facts',
      /^native .*; this site has no look none; this site has no model of 512 pixels$/,
    );
    // Where a CPU plays the GPU, the smallest of the look.
    assert.match(await page.getAttribute('#facts', 'title'), /^tiny, /);
    const interval = () => inside(({ loop }) => Math.round(loop.interval));
    assert.equal(await interval(), 100);
    assert.equal(await page.isVisible('#stage-drawing-holder'), true);
    assert.equal(await page.isVisible('#matte'), true);
    for (const [tier, ms] of [
      ['mid', 50],
      ['strong', 25],
    ]) {
      await inside(({ change }, tier) => change({ tier }), tier);
      assert.equal(await interval(), ms);
    }
    await page.click('#more');
    const looks = await page.locator('[name=look] option').allTextContents();
    assert.deepEqual(looks, ['Automatic', 'Plain', 'Odd']);
    assert.equal(await page.inputValue('[name=look]'), 'auto');
    await page.selectOption('[name=look]', 'odd');
    await said('facts', /^native [^;]*; this site has no model of 512 pixels$/);
    assert.match(await page.getAttribute('#facts', 'title'), /^other, /);
    await inside(({ change }) => change({ res: '256' }));
    await said('facts', /^native [^;]*: the best that there is here$/);
    const kept = /\?look=odd&res=256&tier=strong&view=stages&background=green&readout=true$/;
    assert.match(page.url(), kept);
    // WebNN is not in this browser, or answers that it can't: the next best is taken, and both are said.
    await inside(({ change }) => change({ backend: 'webnn' }));
    await said('facts', /^native on .*: webnn: /);
    await inside(({ change }) => change({ backend: 'ort-wasm' }));
    await said('facts', /^ort-wasm on CPU, 1 thread: asked for$/);
    // A frame that was under way when its backend gave way is no failure.
    assert.equal(await page.evaluate(() => document.getElementById('state').className), '');
    // Where all models have one look there is nothing to choose.
    const isOffered = (looks) => page.evaluate(offerLooks, looks);
    assert.equal(await isOffered(['plain', 'plain']), false);
    assert.equal(await isOffered(['plain', 'odd']), true);
  });

  test('isolated, onnxruntime’s WASM has threads', async () => {
    const { said } = await visit('?backend=ort-wasm', {
      headers: ISOLATED,
      prepare: worker(`Object.defineProperty(navigator, 'hardwareConcurrency', { value: 3 });`),
    });
    await said('facts', /^ort-wasm on CPU, 3 threads: asked for$/);
  });
});

describe('the generator', () => {
  test('is compared with onnxruntime’s WASM in the page: no value differs', async () => {
    const { page, said } = await visit('?model=small&compare=ort-wasm', { headers: ISOLATED });
    await said('differing', /./);
    await page.click('#more');
    assert.equal(await page.textContent('#differing'), '0 of 196608 values differ');
    assert.equal(await page.textContent('#side-two'), 'ort-wasm');
    await page.screenshot({ path: screenshotPath('live-compare') });
  });

  test('is compared with another of the site or at a URL; not with one of another size', async () => {
    const { page, origin, inside, said, shown, state } = await visit('?model=small&against=other');
    const sides = async () => [
      await page.textContent('#side-one'),
      await page.textContent('#side-two'),
    ];
    await said('differing', /^[1-9]\d* of 196608 values differ$/);
    assert.deepEqual(await sides(), ['small', 'other']);
    assert.equal(await page.isVisible('#wipe'), true);
    await page.click('#more');
    await page.screenshot({ path: screenshotPath('live-against') });
    await page.fill('[name=against]', 'small');
    await page.press('[name=against]', 'Enter');
    await said('differing', /^0 of 196608 values differ$/);
    assert.deepEqual(await sides(), ['small', 'small']);
    assert.match(page.url(), /&against=small/);
    await inside(({ change }, against) => change({ against }), `${origin}/0/models/other/`);
    await said('differing', /^[1-9]\d* of 196608 values differ$/);
    assert.deepEqual(await sides(), ['small', 'other']);
    await inside(({ change }) => change({ against: 'tiny' }));
    await state(/pictures of different sizes, so they can’t be compared. tiny: 64/);
    await shown(1);
    assert.equal(await page.isVisible('#differing'), false);
  });

  test('is onnxruntime’s WASM where there is no WebGPU, and the page says why', async () => {
    const { page, inside, shown } = await visit('', {
      site: 'avatar',
      prepare: worker(`Object.defineProperty(navigator, 'gpu', { value: undefined });`),
    });
    await shown(1);
    const facts = await page.textContent('#facts');
    assert.match(facts, /^ort-wasm on CPU, 1 thread: native: .*WebGPU is missing here/);
    await assertExact(inside, 'avatar');
  });

  test('is dropped in, as a folder or in a page; what is none is refused, and the page goes on', async () => {
    const { page, state, inside, until } = await visit();
    await until(({ isReady }) => isReady);
    await page.setInputFiles('#folder', join(SITES.small(), 'models/other'));
    await until(({ isReady, opened }) => isReady && opened > 1);
    await assertExact(inside, 'other');
    await page.setInputFiles('#folder', join(SITES.small(), 'face'));
    await state(/model.json is missing among the files/);
    await page.setInputFiles('#file', singlePage('small'));
    await until(({ isReady, opened }) => isReady && opened > 3);
    await assertExact(inside, 'small');
    await page.setInputFiles('#file', join(SITES.small(), 'index.html'));
    await state(
      /^index.html has no model in it. Drop a page that onnx2wgsl embed --single-file wrote/,
    );
    assert.equal(await inside(({ opened }) => opened), 4);
  });
});
